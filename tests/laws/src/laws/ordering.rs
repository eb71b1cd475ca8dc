//! Ordering: an error or an end comes after everything that precedes it.

use crate::law::Law;
use crate::monologue::Phase;
use crate::peer::Ended;
use crate::rng::offsets;
use crate::role::Role;
use crate::simulation::{Fault, LINK, Setting, Simulation, difference};
use crate::subject::{Subject, WireBytes};
use crate::traffic::Traffic;
use wirestack_layer::{Blame, End, Flow, Place};

/// Checks [`Law::Ordering`] with connections that are cut at many offsets, and with applications
/// that abort.
///
/// ```
/// use wirestack_laws::{Subject, ordering};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// // Broken by a layer that looks at `closed()` before it has read what came before the end.
/// ordering(&Subject::tunnel("hello", client, server).samples(2));
/// ```
///
/// # Panics
///
/// If the law is broken.
pub fn ordering<F: Traffic>(subject: &Subject<F>) {
    for open in [false, true] {
        for to in [Role::Server, Role::Client] {
            if open && subject.refused {
                continue;
            }
            let phase = Phase { open, to };
            for at in offsets(phase.length(subject), subject.samples / 4) {
                for clean in [false, true] {
                    cut(subject, phase, at, clean);
                }
            }
        }
    }
    if subject.wire_bytes == WireBytes::Same && !subject.refused {
        for to in [Role::Server, Role::Client] {
            behind_the_opening(subject, to);
        }
    }
    for from in [Role::Client, Role::Server] {
        for limit in &subject.limits {
            for shows_aborts in [true, false] {
                for open in [true, false] {
                    give_up(subject, *limit, from, shows_aborts, open);
                }
            }
        }
    }
}

/// Cuts a connection behind the opening, so that the last bytes of the handshake, messages and the
/// abort come in one piece.
fn behind_the_opening<F: Traffic>(subject: &Subject<F>, to: Role) {
    let [opening, after] = [false, true].map(|open| Phase { open, to }.length(subject));
    for at in offsets(after + 1, subject.samples / 8) {
        cut(subject, Phase { open: false, to }, opening + at, false);
    }
}

/// Cuts a connection. The messages that arrived whole count, and no other. Only a protocol that
/// does not mark its end may take the cut for one.
fn cut<F: Traffic>(subject: &Subject<F>, phase: Phase, at: usize, clean: bool) {
    let Phase { open, to } = phase;
    let mut simulation = phase.compare(subject, at, &Fault::Cut { clean }, Law::Ordering);
    let who = to.name();
    let sent = simulation.peer(to.other()).app.sent().to_vec();
    let outcome = simulation.outcome();
    let (got, end) = outcome.of(to);
    if !sent.starts_with(got) {
        let what = difference(got, &sent).unwrap_or_default();
        simulation.fail(Law::Ordering, who, what);
    }
    if let Some(End::Aborted(error)) = simulation.peer(to).flows.to_app.closed()
        && !subject.refused
    {
        if error.blame() == Blame::Local {
            let seen = format!("the peer is gone, but the blame of \"{error}\" is on this side");
            simulation.fail(Law::Honesty, who, seen);
        }
        if error.place() == Place::Unknown {
            let seen = format!("the place of \"{error}\" is not known: `Flows::fail` sets it");
            simulation.fail(Law::Honesty, who, seen);
        }
    }
    let all = got.len() == sent.len();
    let fooled = open && clean && !subject.marks_end;
    match end {
        Ended::Not => simulation.fail(
            Law::Ordering,
            who,
            "the connection was cut, but to_app goes on",
        ),
        Ended::Finished if !(fooled || all && subject.marks_end) => {
            simulation.fail(
                Law::Ordering,
                who,
                "the connection was cut, but to_app finished",
            );
        }
        // A refusal may have arrived before.
        Ended::Aborted { origin, text } if !clean && !subject.refused && *origin != LINK => {
            let what = format!("the connection was reset, but to_app says \"{text}\"");
            simulation.fail(Law::Ordering, who, what);
        }
        _ => {}
    }
    simulation.hang_up();
}

/// Lets an application abort. Everything that it sent before arrives, and the flow of its peer does
/// not finish.
fn give_up<F: Traffic>(
    subject: &Subject<F>,
    limit: usize,
    from: Role,
    shows_aborts: bool,
    open: bool,
) {
    let what = format!("the {from:?} aborts (open: {open}, the link shows aborts: {shows_aborts})");
    let mut simulation = Simulation::new(subject, Setting::whole(limit), what);
    if open {
        simulation.settle();
    }
    for direction in &mut simulation.directions {
        direction.shows_aborts = shows_aborts;
    }
    let items = subject.items();
    simulation.send(from, &items);
    simulation.peer(from).app.abort();
    simulation.settle();
    let to = from.other();
    let who = to.name();
    let outcome = simulation.outcome();
    let (got, end) = outcome.of(to);
    if open && !subject.refused {
        if let Some(what) = difference(got, &items) {
            simulation.fail(Law::Ordering, who, what);
        }
        if *end == Ended::Not && !simulation.peer(from).flows.to_wire.is_closed() {
            let seen = "its application aborted, but to_wire goes on";
            simulation.fail(Law::Ordering, from.name(), seen);
        }
        if *end == Ended::Not {
            simulation.fail(Law::Ordering, who, "its peer aborted, but to_app goes on");
        }
    }
    if *end == Ended::Finished && (shows_aborts || subject.marks_end) {
        simulation.fail(Law::Ordering, who, "its peer aborted, but to_app finished");
    }
    simulation.hang_up();
}
