//! Cancellation: if `to_wire` is stopped, so is `from_app`. Arriving bytes are still delivered.

use crate::law::Law;
use crate::role::Role;
use crate::simulation::{Setting, Simulation, difference, reset};
use crate::subject::Subject;
use crate::traffic::Traffic;
use wirestack_layer::{Error, Flow};

/// Checks [`Law::Cancellation`] with wires that take no more, before and after the opening, while
/// the peer goes on sending.
///
/// ```
/// use wirestack_laws::{Subject, cancellation};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// // Broken by a layer that goes on taking from its application when nobody takes its bytes.
/// cancellation(&Subject::tunnel("hello", client, server).limits(&[100]));
/// ```
///
/// # Panics
///
/// If the law is broken.
pub fn cancellation<F: Traffic>(subject: &Subject<F>) {
    for limit in &subject.limits {
        for from in [Role::Client, Role::Server] {
            for open in [false, true] {
                for bypass in [false, true] {
                    stopped(subject, *limit, from, open, bypass);
                }
                deaf(subject, *limit, from, open);
            }
        }
    }
}

/// Lets an application want no more. Nobody who writes to it may wait for ever.
fn deaf<F: Traffic>(subject: &Subject<F>, limit: usize, from: Role, open: bool) {
    let what = format!("the application of the {from:?} wants no more (open: {open})");
    let mut simulation = Simulation::new(subject, Setting::whole(limit), what);
    if open {
        simulation.settle();
    }
    let enough = Error::local("app", "wants no more");
    simulation.peer(from).flows.to_app.refuse(enough);
    let items = subject.items();
    simulation.send(from, &items);
    for _ in 0..3 {
        simulation.send(from.other(), &items);
    }
    simulation.settle();
    let peer = simulation.peer(from.other());
    if !subject.refused && !peer.is_relieved() {
        let who = peer.who();
        let seen = "it waits for an application that wants no more";
        simulation.fail(Law::Cancellation, who, seen);
    }
    simulation.hang_up();
}

fn stopped<F: Traffic>(subject: &Subject<F>, limit: usize, from: Role, open: bool, bypass: bool) {
    let items = subject.items();
    let what =
        format!("the wire takes no more from the {from:?} (open: {open}, bypassed: {bypass})");
    let mut simulation = Simulation::new(subject, Setting::whole(limit), what);
    (simulation.client.bypass, simulation.server.bypass) = (bypass, bypass);
    if open {
        simulation.settle();
    }
    simulation.send(from, &items);
    simulation.send(from.other(), &items);
    simulation.peer(from).flows.to_wire.lose(reset());
    simulation.settle();
    if open && !subject.refused {
        let outcome = simulation.outcome();
        if let Some(what) = difference(outcome.of(from).0, &items) {
            simulation.fail(
                Law::Cancellation,
                from.name(),
                format!("it no longer reads: {what}"),
            );
        }
    }
    simulation.send(from, &items);
    simulation.settle();
    simulation.hang_up();
}
