//! Quiet: `process` again with nothing new moves nothing and changes nothing.

use crate::role::Role;
use crate::subject::Subject;
use crate::traffic::Traffic;
use crate::world::{Setting, World};

/// Checks [`Law::Quiet`](crate::Law::Quiet): calls that have nothing to do, at the same time and a
/// moment later.
///
/// Every other check does the same all the time.
///
/// # Panics
///
/// If the law is broken.
pub fn quiet<F: Traffic>(subject: &Subject<F>) {
    for limit in &subject.limits {
        let mut world = World::new(subject, Setting::whole(*limit), "idle between messages");
        world.settle();
        for from in [Role::Client, Role::Server, Role::Client] {
            for item in subject.items().chunks(100) {
                world.send(from, item);
                world.settle();
                world.settle();
            }
        }
        world.wind_up();
        world.settle();
    }
}
