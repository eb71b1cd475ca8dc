//! Demand: a layer that leaves bytes unread while it has room has asked for more.

use crate::compare::comes_through;
use crate::conversation::Conversation;
use crate::law::Law;
use crate::simulation::{Chunking, Setting, Simulation};
use crate::subject::Subject;
use crate::traffic::Traffic;

/// Checks [`Law::Demand`] with messages larger than every limit and window, which no flow has room
/// for.
///
/// ```
/// use wirestack_laws::{Subject, demand};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// // Broken by a layer that waits for bytes and has not asked for them with `require`.
/// demand(&Subject::tunnel("hello", client, server).limits(&[100]).largest(3_000));
/// ```
///
/// # Panics
///
/// If the law is broken.
pub fn demand<F: Traffic>(subject: &Subject<F>) {
    large_units_in_pieces(subject);
    for limit in &subject.limits {
        let mut simulation = Simulation::new(subject, Setting::whole(*limit), "small flows");
        Conversation::Turns.hold(&mut simulation, &subject.items());
        stuck(&simulation);
        if *limit >= 100 && !subject.refused {
            // Small flows take longer, so the messages are smaller.
            let largest = match limit {
                ..4096 => subject.largest / 16,
                _ => subject.largest,
            };
            let large = [largest, largest / 40];
            let large: Vec<F::Item> = large.iter().flat_map(|n| (subject.sample)(*n)).collect();
            for conversation in [Conversation::Turns, Conversation::Both] {
                let setting = Setting::whole(*limit);
                let mut simulation =
                    Simulation::new(subject, setting, "messages larger than every limit");
                conversation.hold(&mut simulation, &large);
                stuck(&simulation);
            }
        }
    }
}

/// Sends a large message in many pieces. A layer that copied all of it for each piece would take
/// minutes.
fn large_units_in_pieces<F: Traffic>(subject: &Subject<F>) {
    if subject.refused {
        return;
    }
    let large = (subject.sample)(subject.largest);
    for size in [1000, 5000] {
        let setting = Setting::chunked(subject.largest_limit(), Chunking::Chunks(size));
        let mut simulation = Simulation::new(subject, setting, "a large message in pieces");
        Conversation::Turns.hold(&mut simulation, &large);
        stuck(&simulation);
    }
}

/// Fails if something does not come through.
fn stuck<F: Traffic>(simulation: &Simulation<'_, F>) {
    if let Some((who, seen)) = comes_through(simulation) {
        simulation.fail(Law::Demand, who, seen);
    }
}
