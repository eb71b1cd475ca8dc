//! Clock: after `process(now)`, `deadline()` is `None` or later than `now`.

use crate::compare::comes_through;
use crate::conversation::Talk;
use crate::law::Law;
use crate::role::Role;
use crate::subject::Subject;
use crate::traffic::Traffic;
use crate::world::{Cutting, Setting, World};
use std::time::Duration;

/// Checks [`Law::Clock`]: a peer that never answers, a slow link, and calls that come too late.
///
/// # Panics
///
/// If the law is broken.
pub fn clock<F: Traffic>(subject: &Subject<F>) {
    for late in [Duration::ZERO, Duration::from_secs(7200)] {
        for quiet_after_opening in [false, true] {
            let what = if quiet_after_opening {
                "the peer falls silent once open"
            } else {
                "the peer never answers"
            };
            let setting = Setting::whole(subject.largest_limit());
            let mut world = World::new(subject, setting, what);
            if quiet_after_opening {
                world.settle();
            }
            world.ways.iter_mut().for_each(|way| way.stalled = true);
            world.send(Role::Client, &subject.items());
            world.settle();
            for _ in 0..16 {
                let Some(deadline) = world.deadline() else {
                    break;
                };
                world.now = world.now.max(deadline) + late;
                world.settle();
            }
            world.ways.iter_mut().for_each(|way| way.stalled = false);
            world.hang_up();
        }
    }
    let slow = Cutting::Late(Duration::from_millis(200));
    let setting = Setting::cut(subject.largest_limit(), slow);
    let mut world = World::new(subject, setting, "a slow link");
    Talk::Turns.hold(&mut world, &subject.items());
    if let Some((who, seen)) = comes_through(&world) {
        world.fail(Law::Clock, who, seen);
    }
}
