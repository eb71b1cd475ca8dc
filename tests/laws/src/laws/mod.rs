//! The laws: a file for each.

mod associativity;
mod backpressure;
mod cancellation;
mod deadline;
mod delivery;
mod demand;
mod fragmentation;
mod honesty;
mod idempotence;
mod ordering;
mod robustness;
mod termination;
mod transparency;

use crate::subject::Subject;
use crate::traffic::Traffic;
pub use associativity::associativity;
pub use backpressure::backpressure;
pub use cancellation::cancellation;
pub use deadline::deadline;
pub use delivery::delivery;
pub use demand::demand;
pub use fragmentation::fragmentation;
pub use honesty::honesty;
pub use idempotence::idempotence;
pub use ordering::ordering;
pub use robustness::robustness;
pub use termination::termination;
pub use transparency::transparency;

/// Checks every law but [`associativity`], which compares subjects.
///
/// ```
/// use wirestack_laws::{Subject, check};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// check(&Subject::tunnel("hello", client, server).same_bytes().samples(2).largest(3_000));
/// ```
///
/// # Panics
///
/// If a law is broken. The message names the law, the subject, what was seen, and when.
pub fn check<F: Traffic>(subject: &Subject<F>) {
    let laws: [(&str, Check<F>); 12] = [
        ("delivery", delivery),
        ("idempotence", idempotence),
        ("deadline", deadline),
        ("fragmentation", fragmentation),
        ("ordering", ordering),
        ("termination", termination),
        ("backpressure", backpressure),
        ("demand", demand),
        ("robustness", robustness),
        ("transparency", transparency),
        ("cancellation", cancellation),
        ("honesty", honesty),
    ];
    for (at, (name, check)) in (1..).zip(laws) {
        // Shown if a law is broken, or with `--nocapture`.
        println!("{}: {name} ({at} of {})", subject.name, laws.len());
        check(subject);
    }
}

type Check<F> = fn(&Subject<F>);
