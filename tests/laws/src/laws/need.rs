//! Need: a layer that leaves bytes unread while it has room has asked for more.

use crate::compare::comes_through;
use crate::conversation::Talk;
use crate::law::Law;
use crate::subject::Subject;
use crate::traffic::Traffic;
use crate::world::{Cutting, Setting, World};

/// Checks [`Law::Need`]: messages larger than every limit and window, through flows that are too
/// small for them.
///
/// # Panics
///
/// If the law is broken.
pub fn need<F: Traffic>(subject: &Subject<F>) {
    large_units_in_pieces(subject);
    for limit in &subject.limits {
        let mut world = World::new(subject, Setting::whole(*limit), "small flows");
        Talk::Turns.hold(&mut world, &subject.items());
        stuck(&world);
        if *limit >= 100 && !subject.refused {
            // Through small flows it takes long, and less of it is large.
            let largest = match limit {
                ..4096 => subject.largest / 16,
                _ => subject.largest,
            };
            let large = [largest, largest / 40];
            let large: Vec<F::Item> = large.iter().flat_map(|n| (subject.sample)(*n)).collect();
            for talk in [Talk::Turns, Talk::Both] {
                let setting = Setting::whole(*limit);
                let mut world = World::new(subject, setting, "messages larger than every limit");
                talk.hold(&mut world, &large);
                stuck(&world);
            }
        }
    }
}

/// Sends messages larger than every limit through links that cut them into many pieces: copying all
/// of it for each piece would take minutes.
fn large_units_in_pieces<F: Traffic>(subject: &Subject<F>) {
    if subject.refused {
        return;
    }
    let large = (subject.sample)(subject.largest);
    for size in [1000, 5000] {
        let setting = Setting::cut(subject.largest_limit(), Cutting::Chunks(size));
        let mut world = World::new(subject, setting, "a large message in pieces");
        Talk::Turns.hold(&mut world, &large);
        stuck(&world);
    }
}

/// Fails if something does not come through.
fn stuck<F: Traffic>(world: &World<'_, F>) {
    if let Some((who, seen)) = comes_through(world) {
        world.fail(Law::Need, who, seen);
    }
}
