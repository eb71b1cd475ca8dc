//! Stop: when `to_wire` is stopped, so is `from_app`. What arrives is still heard.

use crate::law::Law;
use crate::role::Role;
use crate::subject::Subject;
use crate::traffic::Traffic;
use crate::world::{Setting, World, difference, reset};
use wirestack_layer::Flow;

/// Checks [`Law::Stop`]: wires that take no more at every moment of the opening and after it, while
/// the peer goes on speaking.
///
/// # Panics
///
/// If the law is broken.
pub fn stop<F: Traffic>(subject: &Subject<F>) {
    for limit in &subject.limits {
        for from in [Role::Client, Role::Server] {
            for open in [false, true] {
                for bypass in [false, true] {
                    stopped(subject, *limit, from, open, bypass);
                }
            }
        }
    }
}

fn stopped<F: Traffic>(subject: &Subject<F>, limit: usize, from: Role, open: bool, bypass: bool) {
    let items = subject.items();
    let what =
        format!("the wire takes no more from the {from:?} (open: {open}, bypassed: {bypass})");
    let mut world = World::new(subject, Setting::whole(limit), what);
    (world.client.bypass, world.server.bypass) = (bypass, bypass);
    if open {
        world.settle();
    }
    world.send(from, &items);
    world.send(from.peer(), &items);
    world.side(from).flows.to_wire.lose(reset());
    world.settle();
    if open && !subject.refused {
        let outcome = world.outcome();
        if let Some(what) = difference(outcome.of(from).0, &items) {
            world.fail(Law::Stop, from.name(), format!("it goes deaf: {what}"));
        }
    }
    world.send(from, &items);
    world.settle();
    world.hang_up();
}
