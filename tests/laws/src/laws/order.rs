//! Order: an error or an end comes after everything that precedes it.

use crate::law::Law;
use crate::monologue::Phase;
use crate::peer::Ended;
use crate::rng::offsets;
use crate::role::Role;
use crate::subject::Subject;
use crate::traffic::Traffic;
use crate::world::{Fault, LINK, Setting, World, difference};

/// Checks [`Law::Order`]: connections that are cut at every place, and applications that give up.
///
/// # Panics
///
/// If the law is broken.
pub fn order<F: Traffic>(subject: &Subject<F>) {
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

/// Cuts a connection: what arrived whole counts, nothing else does, and only a protocol that cannot
/// know better takes it for an end.
fn cut<F: Traffic>(subject: &Subject<F>, phase: Phase, at: usize, clean: bool) {
    let Phase { open, to } = phase;
    let mut world = phase.compare(subject, at, &Fault::Cut { clean }, Law::Order);
    let who = to.name();
    let sent = world.side(to.peer()).app.sent().to_vec();
    let outcome = world.outcome();
    let (got, end) = outcome.of(to);
    if !sent.starts_with(got) {
        let what = difference(got, &sent).unwrap_or_default();
        world.fail(Law::Order, who, what);
    }
    let all = got.len() == sent.len();
    let fooled = open && clean && !subject.marks_end;
    match end {
        Ended::Not => world.fail(
            Law::Order,
            who,
            "the connection was cut, but to_app goes on",
        ),
        Ended::Finished if !(fooled || all && subject.marks_end) => {
            world.fail(
                Law::Order,
                who,
                "the connection was cut, but to_app finished",
            );
        }
        // A refusal may have been read before.
        Ended::Aborted { layer, text } if !clean && !subject.refused && *layer != LINK => {
            let what = format!("the connection was reset, but to_app says \"{text}\"");
            world.fail(Law::Order, who, what);
        }
        _ => {}
    }
    world.hang_up();
}

/// Lets an application abort: what it said before arrives, and its peer is not told that it finished.
fn give_up<F: Traffic>(
    subject: &Subject<F>,
    limit: usize,
    from: Role,
    shows_aborts: bool,
    open: bool,
) {
    let what = format!("the {from:?} aborts (open: {open}, the link shows aborts: {shows_aborts})");
    let mut world = World::new(subject, Setting::whole(limit), what);
    if open {
        world.settle();
    }
    for way in &mut world.ways {
        way.shows_aborts = shows_aborts;
    }
    let items = subject.items();
    world.send(from, &items);
    world.side(from).app.abort();
    world.settle();
    let to = from.peer();
    let who = to.name();
    let outcome = world.outcome();
    let (got, end) = outcome.of(to);
    if open && !subject.refused {
        if let Some(what) = difference(got, &items) {
            world.fail(Law::Order, who, what);
        }
        if *end == Ended::Not {
            world.fail(Law::Order, who, "its peer aborted, but to_app goes on");
        }
    }
    if *end == Ended::Finished && (shows_aborts || subject.marks_end) {
        world.fail(Law::Order, who, "its peer aborted, but to_app finished");
    }
    world.hang_up();
}
