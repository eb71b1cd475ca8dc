//! Split: cutting the input differently changes nothing that the application sees.

use crate::compare::Comparison;
use crate::conversation::Talk;
use crate::law::Law;
use crate::monologue::Phase;
use crate::rng::offsets;
use crate::subject::Subject;
use crate::traffic::Traffic;
use crate::world::{Cutting, Fault, Setting, World};
use std::time::Duration;

/// Checks [`Law::Split`]: conversations over links that cut the bytes at every size and place, with
/// bytes that were bent among them.
///
/// # Panics
///
/// If the law is broken.
pub fn split<F: Traffic>(subject: &Subject<F>) {
    let items = subject.items();
    for talk in Talk::ALL {
        let mut comparison = Comparison::new(Law::Split);
        for limit in subject.limits.iter().rev() {
            for cutting in CUTTINGS {
                let mut world = World::new(subject, Setting::cut(*limit, cutting), talk);
                talk.hold(&mut world, &items);
                comparison.add(&world);
            }
        }
    }
    at_offsets(subject, &items);
    // Good bytes and bad ones in one lump are good bytes, then bad ones.
    for phase in Phase::all(subject) {
        for at in offsets(phase.length(subject), subject.samples / 8) {
            phase.compare(subject, at, &Fault::Flip(0x10), Law::Split);
        }
    }
}

/// Compares links that cut a conversation in two.
fn at_offsets<F: Traffic>(subject: &Subject<F>, items: &[F::Item]) {
    let talk = Talk::Turns;
    let setting = Setting::whole(subject.largest_limit());
    let mut whole = World::new(subject, setting, talk);
    talk.hold(&mut whole, items);
    let carried = whole.carried().into_iter().max().unwrap_or(0);
    let mut comparison = Comparison::new(Law::Split);
    comparison.add(&whole);
    for at in offsets(carried, subject.samples) {
        let setting = Setting::cut(setting.limit, Cutting::Split(at));
        let mut world = World::new(subject, setting, talk);
        talk.hold(&mut world, items);
        comparison.add(&world);
    }
}

const CUTTINGS: [Cutting; 5] = [
    Cutting::Whole,
    Cutting::Chunks(1),
    Cutting::Chunks(50),
    Cutting::Chunks(3000),
    Cutting::Late(Duration::from_millis(50)),
];
