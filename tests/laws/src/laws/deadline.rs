//! Deadline: after `process(now)`, `deadline()` is `None` or later than `now`.

use crate::compare::comes_through;
use crate::conversation::Conversation;
use crate::law::Law;
use crate::role::Role;
use crate::simulation::{Chunking, Setting, Simulation};
use crate::subject::Subject;
use crate::traffic::Traffic;
use std::time::Duration;

/// Checks [`Law::Deadline`] with a peer that never answers, a slow link, and calls that come late.
///
/// ```
/// use wirestack_laws::{Subject, deadline};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// // Broken by a layer whose `deadline()` stays in the past: its driver would spin.
/// deadline(&Subject::tunnel("hello", client, server));
/// ```
///
/// # Panics
///
/// If the law is broken.
pub fn deadline<F: Traffic>(subject: &Subject<F>) {
    for late in [Duration::ZERO, Duration::from_secs(7200)] {
        for quiet_after_opening in [false, true] {
            let what = if quiet_after_opening {
                "the peer falls silent once open"
            } else {
                "the peer never answers"
            };
            let setting = Setting::whole(subject.largest_limit());
            let mut simulation = Simulation::new(subject, setting, what);
            if quiet_after_opening {
                simulation.settle();
            }
            simulation
                .directions
                .iter_mut()
                .for_each(|direction| direction.stalled = true);
            simulation.send(Role::Client, &subject.items());
            simulation.settle();
            for _ in 0..16 {
                let Some(deadline) = simulation.deadline() else {
                    break;
                };
                simulation.now = simulation.now.max(deadline) + late;
                simulation.settle();
            }
            simulation
                .directions
                .iter_mut()
                .for_each(|direction| direction.stalled = false);
            simulation.hang_up();
        }
    }
    let slow = Chunking::Delayed(Duration::from_millis(200));
    let setting = Setting::chunked(subject.largest_limit(), slow);
    let mut simulation = Simulation::new(subject, setting, "a slow link");
    Conversation::Turns.hold(&mut simulation, &subject.items());
    if let Some((who, seen)) = comes_through(&simulation) {
        simulation.fail(Law::Deadline, who, seen);
    }
}
