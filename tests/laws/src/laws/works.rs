//! Works, before any law: everything that is said arrives, over a link that does nothing to it.

use crate::compare::comes_through;
use crate::conversation::Talk;
use crate::subject::Subject;
use crate::traffic::Traffic;
use crate::world::{Setting, World};

/// Holds every conversation once, over a link that does nothing to it: without this no law can be
/// checked.
///
/// # Panics
///
/// If something that was said does not arrive, or if a law is broken that can be seen in one call.
pub fn works<F: Traffic>(subject: &Subject<F>) {
    for talk in Talk::ALL {
        let mut world = World::new(subject, Setting::whole(subject.largest_limit()), talk);
        talk.hold(&mut world, &subject.items());
        if let Some((who, seen)) = comes_through(&world) {
            let (subject, what) = (&world.scene.subject, &world.scene.what);
            panic!(
                "{subject} does not work, so no law can be checked\n  by: the {who}\n  seen: {seen}\n  when: {what}"
            );
        }
    }
}
