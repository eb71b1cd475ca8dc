//! Honesty: what a layer says about itself is true.

use crate::law::Law;
use crate::monologue::Phase;
use crate::rng::offsets;
use crate::role::Role;
use crate::simulation::{Setting, Simulation, difference};
use crate::subject::Subject;
use crate::traffic::Traffic;

/// Checks [`Law::Honesty`]: a peer that says it is open hears its application, a peer that delivers
/// says it is open, and what is flushed arrives without another call.
///
/// Every other check compares the progress with `is_open`. [`ordering`](crate::ordering) looks at
/// the blame and the place of errors.
///
/// ```
/// use wirestack_laws::{Subject, honesty};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// // Broken by a layer that holds bytes back, and does not override `is_flushed`.
/// honesty(&Subject::tunnel("hello", client, server).limits(&[100]).samples(2));
/// ```
///
/// # Panics
///
/// If the law is broken.
pub fn honesty<F: Traffic>(subject: &Subject<F>) {
    opens(subject);
    for from in [Role::Client, Role::Server] {
        hears(subject, from);
        if !subject.refused {
            for limit in &subject.limits {
                flushes(subject, *limit, from);
            }
        }
    }
}

/// Checks that both peers say that they are open once they are, and that a server which refuses
/// does not.
fn opens<F: Traffic>(subject: &Subject<F>) {
    let setting = Setting::whole(subject.largest_limit());
    let mut simulation = Simulation::new(subject, setting, "the opening");
    simulation.settle();
    if subject.refused {
        if simulation.server.is_open() {
            simulation.fail(
                Law::Honesty,
                "server",
                "it refused, but `is_open()` is true",
            );
        }
        return;
    }
    for from in [Role::Client, Role::Server] {
        simulation.send(from, &subject.items());
    }
    simulation.settle();
    for peer in [&simulation.client, &simulation.server] {
        if !peer.is_open() {
            let seen = "everything arrives, but `is_open()` is false: it would time out";
            simulation.fail(Law::Honesty, peer.who(), seen);
        }
    }
}

/// Checks, after each byte of the opening, that a peer which says that it is open takes what its
/// application sends.
fn hears<F: Traffic>(subject: &Subject<F>, from: Role) {
    let opening = Phase {
        open: false,
        to: from,
    };
    for at in offsets(opening.length(subject), subject.samples / 4) {
        let what = format!("{at} bytes of the opening have arrived");
        let setting = Setting::whole(subject.largest_limit());
        let mut simulation = Simulation::new(subject, setting, what);
        simulation.directions[from.other() as usize].carry_only(at);
        simulation.settle();
        if !simulation.peer(from).is_open() {
            continue;
        }
        simulation.send(from, &(subject.sample)(700));
        simulation.settle();
        let peer = simulation.peer(from);
        if peer.taken() == 0 && peer.flows.from_app.stopped().is_none() {
            let seen = "`is_open()` is true, but it does not take what its application sends";
            simulation.fail(Law::Honesty, from.name(), seen);
        }
    }
}

/// Checks that everything arrives that a peer says it has flushed, although it is not called again.
fn flushes<F: Traffic>(subject: &Subject<F>, limit: usize, from: Role) {
    let items = subject.items();
    let what = format!("the {from:?} is not called again once it is flushed");
    let mut simulation = Simulation::new(subject, Setting::whole(limit), what);
    simulation.settle();
    simulation.send(from, &items);
    if !simulation.flush(from) {
        let seen = "everything has left and nothing moves, but `is_flushed()` is false";
        simulation.fail(Law::Honesty, from.name(), seen);
    }
    let outcome = simulation.outcome();
    if let Some(what) = difference(
        outcome.of(from.other()).0,
        &simulation.subject.joined(&items),
    ) {
        let seen = format!("`is_flushed()` is true, but at the peer {what}");
        simulation.fail(Law::Honesty, from.name(), seen);
    }
}
