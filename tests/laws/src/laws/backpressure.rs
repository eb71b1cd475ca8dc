//! Backpressure: with no room, a layer starts no new unit. It overshoots by at most one unit.

use crate::law::Law;
use crate::role::Role;
use crate::simulation::{Setting, Simulation, difference};
use crate::subject::Subject;
use crate::traffic::Traffic;

/// Checks [`Law::Backpressure`] against a peer and an application that do not read.
///
/// ```
/// use wirestack_laws::{Subject, backpressure};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// // Broken by a layer that writes although `room()` is 0.
/// backpressure(&Subject::tunnel("hello", client, server).limits(&[100]));
/// ```
///
/// # Panics
///
/// If the law is broken.
pub fn backpressure<F: Traffic>(subject: &Subject<F>) {
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
            unopened(subject, *limit, from, &items, limit + 2 * unit);
            stalled_wire(subject, *limit, from, &items, limit + 2 * unit);
            // Two layers and four flows can fill.
            stalled_application(subject, *limit, from, &items, 3 * limit + 6 * unit);
        }
    }
}

/// Checks that no more than `most` bytes are taken while the handshake has no answer.
fn unopened<F: Traffic>(
    subject: &Subject<F>,
    limit: usize,
    from: Role,
    items: &[F::Item],
    most: usize,
) {
    let what = "the peer does not answer, and the application sends";
    let mut simulation = Simulation::new(subject, Setting::whole(limit), what);
    for direction in &mut simulation.directions {
        direction.stalled = true;
    }
    simulation.send(from, items);
    simulation.settle();
    hoards(&mut simulation, from, most);
}

/// Checks that no more than `most` bytes are taken while the wire stands still.
fn stalled_wire<F: Traffic>(
    subject: &Subject<F>,
    limit: usize,
    from: Role,
    items: &[F::Item],
    most: usize,
) {
    let mut simulation = Simulation::new(subject, Setting::whole(limit), "the peer does not read");
    simulation.settle();
    simulation.directions[from as usize].stalled = true;
    simulation.send(from, items);
    simulation.settle();
    hoards(&mut simulation, from, most);
    simulation.directions[from as usize].stalled = false;
    simulation.settle();
    arrives(&simulation, from.other(), items);
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
    let mut simulation = Simulation::new(subject, Setting::whole(limit), what);
    simulation.settle();
    simulation.peer(from.other()).app.reads = false;
    simulation.send(from, items);
    simulation.settle();
    hoards(&mut simulation, from, most);
    simulation.peer(from.other()).app.reads = true;
    simulation.settle();
    arrives(&simulation, from.other(), items);
}

/// Fails if the layers took much more from the application than they and the flows may hold. The
/// bound is doubled, because an item may be shorter on the wire than its weight.
fn hoards<F: Traffic>(simulation: &mut Simulation<'_, F>, from: Role, most: usize) {
    let taken = simulation.peer(from).taken();
    if taken > 2 * most {
        let seen = format!("{taken} bytes were taken, where there is room for {most}");
        simulation.fail(Law::Backpressure, from.name(), seen);
    }
}

fn arrives<F: Traffic>(simulation: &Simulation<'_, F>, to: Role, items: &[F::Item]) {
    let outcome = simulation.outcome();
    if let Some(what) = difference(outcome.of(to).0, items) {
        simulation.fail(
            Law::Backpressure,
            to.name(),
            format!("after a pause, {what}"),
        );
    }
}
