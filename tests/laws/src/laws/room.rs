//! Room: with no room, no new unit is started. Overshoot is at most one unit.

use crate::law::Law;
use crate::role::Role;
use crate::subject::Subject;
use crate::traffic::Traffic;
use crate::world::{Setting, World, difference};

/// Checks [`Law::Room`]: a peer that does not read, and an application that does not.
///
/// # Panics
///
/// If the law is broken.
pub fn room<F: Traffic>(subject: &Subject<F>) {
    if subject.refused {
        return;
    }
    for limit in &subject.limits {
        let message = (subject.sample)(700);
        let weight: usize = message.iter().map(F::byte_size).sum();
        let unit = subject.unit + message.iter().map(F::byte_size).max().unwrap_or(0);
        let total = 16 * (limit + unit).max(1000);
        let items: Vec<F::Item> = (0..total / weight.max(1))
            .flat_map(|_| message.clone())
            .collect();
        for from in [Role::Client, Role::Server] {
            stalled_wire(subject, *limit, from, &items, limit + 2 * unit);
            // Two layers and four flows may fill.
            stalled_application(subject, *limit, from, &items, 3 * limit + 6 * unit);
        }
    }
}

/// Checks that no more than `most` bytes are taken while the wire stands still.
fn stalled_wire<F: Traffic>(
    subject: &Subject<F>,
    limit: usize,
    from: Role,
    items: &[F::Item],
    most: usize,
) {
    let mut world = World::new(subject, Setting::whole(limit), "the peer does not read");
    world.settle();
    world.ways[from as usize].stalled = true;
    world.send(from, items);
    world.settle();
    hoards(&mut world, from, most);
    world.ways[from as usize].stalled = false;
    world.settle();
    arrives(&world, from.peer(), items);
}

/// Checks that no more than `most` bytes are taken while the peer's application does not read.
fn stalled_application<F: Traffic>(
    subject: &Subject<F>,
    limit: usize,
    from: Role,
    items: &[F::Item],
    most: usize,
) {
    let what = "the application does not read";
    let mut world = World::new(subject, Setting::whole(limit), what);
    world.settle();
    world.side(from.peer()).app.reads = false;
    world.send(from, items);
    world.settle();
    hoards(&mut world, from, most);
    world.side(from.peer()).app.reads = true;
    world.settle();
    arrives(&world, from.peer(), items);
}

/// Fails if much more was taken from an application that nobody reads than the flows and layers may
/// hold: an item need not be as long on the wire as it weighs.
fn hoards<F: Traffic>(world: &mut World<'_, F>, from: Role, most: usize) {
    let taken = world.side(from).taken();
    if taken > 2 * most {
        let seen = format!("{taken} bytes were taken, where {most} have room");
        world.fail(Law::Room, from.name(), seen);
    }
}

fn arrives<F: Traffic>(world: &World<'_, F>, to: Role, items: &[F::Item]) {
    let outcome = world.outcome();
    if let Some(what) = difference(outcome.of(to).0, items) {
        world.fail(Law::Room, to.name(), format!("after a pause, {what}"));
    }
}
