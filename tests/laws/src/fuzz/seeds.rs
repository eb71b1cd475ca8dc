//! Scripts from which a fuzzer starts.

use crate::compare::transcripts;
use crate::conversation::Conversation;
use crate::simulation::{Setting, Simulation};
use crate::subject::Subject;
use crate::traffic::Traffic;

/// Returns scripts for [`run`](crate::fuzz::run) that get deep into the protocol: strangers who
/// say the same as a right peer, and conversations with a few steps of each kind.
///
/// ```
/// use wirestack_laws::{Subject, fuzz};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// let subject = Subject::tunnel("hello", client, server);
/// let seeds = fuzz::seeds(&subject); // a program writes them to files, for the fuzzer
/// for seed in seeds.iter().take(5) {
///     fuzz::run(&subject, seed);
/// }
/// assert!(seeds.iter().any(|seed| seed.windows(6).any(|part| part == b"HELLO\n")));
/// ```
///
/// # Panics
///
/// If a law is broken.
pub fn seeds<F: Traffic>(subject: &Subject<F>) -> Vec<Vec<u8>> {
    let items: Vec<F::Item> = [1, 126, 3].into_iter().flat_map(&subject.sample).collect();
    let conversation = Conversation::Both;
    let setting = Setting::whole(subject.largest_limit());
    let mut simulation = Simulation::new(subject, setting, conversation);
    conversation.hold(&mut simulation, &items);
    let mut seeds = Vec::new();
    for (to, transcript) in (0..).zip(transcripts(&simulation)) {
        for ending in 0..3 {
            seeds.push([&[1, to, ending, 1, 2, 7][..], &transcript].concat());
        }
    }
    for steps in STEPS {
        for limit in 0..subject.limits.len() as u8 {
            seeds.push([&[0, limit, 3, 50, 1, 1], *steps].concat());
        }
    }
    seeds
}

/// The steps of conversations: `2 * kind + role` and what the kind takes.
const STEPS: &[&[u8]] = &[
    // Both send, and ask.
    &[0, 200, 3, 1, 200, 3, 28, 29, 0, 5, 0, 4],
    // The link stands still while both send and ask, and then one finishes.
    &[8, 9, 0, 100, 2, 1, 100, 2, 28, 29, 28, 29, 4, 8, 9],
    // The link carries a few bytes at a time.
    &[10, 3, 0, 100, 0, 10, 40, 11, 1, 1, 9, 0, 11, 255],
    // The applications read and decide late.
    &[12, 13, 15, 0, 250, 2, 1, 250, 2, 12, 13, 15],
    // A byte is changed, lost, inserted.
    &[16, 4, 5, 0, 0, 20, 0, 22, 2, 0, 1, 9, 0],
    &[21, 3, 1, 2, 3, 2, 0, 1, 100, 0, 28],
    // The link is cut; the wire takes no more; an application aborts.
    &[0, 90, 1, 24, 1, 5, 0, 1, 90, 1],
    &[0, 90, 1, 26, 0, 4, 0, 1, 4, 0],
    &[1, 90, 1, 6, 1, 4, 0],
    // Time passes.
    &[8, 28, 30, 0, 1, 30, 0, 1, 30, 200, 0],
];
