//! Fragmentation: cutting the input differently changes nothing that the application sees.

use crate::compare::Comparison;
use crate::conversation::Conversation;
use crate::law::Law;
use crate::monologue::Phase;
use crate::rng::offsets;
use crate::simulation::{Chunking, Fault, Setting, Simulation};
use crate::subject::Subject;
use crate::traffic::Traffic;
use std::time::Duration;

/// Checks [`Law::Fragmentation`] over links that cut the bytes into chunks of many sizes and at
/// many offsets, with and without changed bytes among them.
///
/// ```
/// use wirestack_laws::{Subject, fragmentation};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// // Broken by a layer that takes what a call brings for a whole message.
/// fragmentation(&Subject::tunnel("hello", client, server).limits(&[100]).samples(2));
/// ```
///
/// # Panics
///
/// If the law is broken.
pub fn fragmentation<F: Traffic>(subject: &Subject<F>) {
    let items = subject.items();
    for conversation in Conversation::ALL {
        let mut comparison = Comparison::new(Law::Fragmentation);
        for limit in subject.limits.iter().rev() {
            for chunking in CHUNKINGS {
                let mut simulation =
                    Simulation::new(subject, Setting::chunked(*limit, chunking), conversation);
                conversation.hold(&mut simulation, &items);
                comparison.add(&simulation);
            }
        }
    }
    at_offsets(subject, &items);
    // Good bytes and bad bytes in one piece are good bytes, then bad bytes.
    for phase in Phase::all(subject) {
        for at in offsets(phase.length(subject), subject.samples / 8) {
            phase.compare(subject, at, &Fault::Flip(0x10), Law::Fragmentation);
        }
    }
}

/// Compares links that cut a conversation in two.
fn at_offsets<F: Traffic>(subject: &Subject<F>, items: &[F::Item]) {
    let conversation = Conversation::Turns;
    let setting = Setting::whole(subject.largest_limit());
    let mut whole = Simulation::new(subject, setting, conversation);
    conversation.hold(&mut whole, items);
    let carried = whole.carried().into_iter().max().unwrap_or(0);
    let mut comparison = Comparison::new(Law::Fragmentation);
    comparison.add(&whole);
    for at in offsets(carried, subject.samples) {
        let setting = Setting::chunked(setting.limit, Chunking::Split(at));
        let mut simulation = Simulation::new(subject, setting, conversation);
        conversation.hold(&mut simulation, items);
        comparison.add(&simulation);
    }
}

const CHUNKINGS: [Chunking; 5] = [
    Chunking::Whole,
    Chunking::Chunks(1),
    Chunking::Chunks(50),
    Chunking::Chunks(3000),
    Chunking::Delayed(Duration::from_millis(50)),
];
