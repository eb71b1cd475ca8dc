//! Nesting: every grouping, boxed or not, is indistinguishable.

use crate::compare::{transcripts, written};
use crate::conversation::Talk;
use crate::law::Law;
use crate::monologue::Phase;
use crate::rng::offsets;
use crate::role::Role;
use crate::subject::Subject;
use crate::traffic::Traffic;
use crate::world::{Cutting, Fault, Setting, World, reset};
use wirestack_layer::Flow;

/// Checks [`Law::Nesting`]: that subjects which differ only in how they are grouped, boxed or
/// bypassed cannot be told apart, in good conversations and in bad ones.
///
/// # Panics
///
/// If one behaves unlike the first.
pub fn nesting<F: Traffic>(subjects: &[Subject<F>]) {
    let Some(first) = subjects.first() else {
        return;
    };
    let items = first.items();
    for limit in &first.limits {
        for cutting in [Cutting::Whole, Cutting::Chunks(50)] {
            for talk in Talk::ALL {
                let setting = Setting::cut(*limit, cutting);
                compare(subjects, setting, &talk.to_string(), |world| {
                    talk.hold(world, &items);
                });
            }
        }
        for from in [Role::Client, Role::Server] {
            give_up(subjects, *limit, from, &items);
        }
    }
    for to in [Role::Client, Role::Server] {
        if !first.refused {
            faults(subjects, to, &items);
        }
    }
}

/// Compares applications that give up, and wires that do.
fn give_up<F: Traffic>(subjects: &[Subject<F>], limit: usize, from: Role, items: &[F::Item]) {
    let setting = Setting::whole(limit);
    compare(subjects, setting, "the application gives up", |world| {
        world.send(from, items);
        world.side(from).app.abort();
        world.hang_up();
    });
    for later in [false, true] {
        let what = format!("the wire takes no more (behind what was said: {later})");
        compare(subjects, setting, &what, |world| {
            world.send(from, items);
            world.send(from.peer(), items);
            if later {
                world.settle();
            }
            world.side(from).flows.to_wire.lose(reset());
            world.settle();
            world.send(from, items);
            world.hang_up();
        });
    }
}

/// Compares what one side makes of faults at every place of what it reads once open.
fn faults<F: Traffic>(subjects: &[Subject<F>], to: Role, items: &[F::Item]) {
    let first = &subjects[0];
    let setting = Setting::whole(first.largest_limit());
    for at in offsets(Phase { open: true, to }.length(first), first.samples / 8) {
        for fault in [
            Fault::Cut { clean: true },
            Fault::Cut { clean: false },
            Fault::Flip(0x10),
        ] {
            let what = format!("{fault:?} at {at} of what the {to:?} reads");
            compare(subjects, setting, &what, |world| {
                world.ways[to.peer() as usize].break_after(at, fault.clone());
                world.send(to.peer(), items);
                world.finish(to.peer());
                world.settle();
                world.hang_up();
            });
        }
    }
}

/// Opens each subject, acts, and compares all that can be seen with that of the first subject.
fn compare<F: Traffic>(
    subjects: &[Subject<F>],
    setting: Setting,
    what: &str,
    act: impl Fn(&mut World<'_, F>),
) {
    let mut runs = subjects.iter().map(|subject| {
        let mut world = World::new(subject, setting, what);
        world.settle();
        let opened = [world.client.layers(), world.server.layers()];
        act(&mut world);
        let ended = [world.client.layers(), world.server.layers()];
        let stops = [world.client.stopped(), world.server.stopped()];
        (world, [opened, ended], stops)
    });
    let Some((first, layers, stops)) = runs.next() else {
        return;
    };
    let name = &first.subject.name;
    let wanted = transcripts(&first);
    for (seen, other, stopped) in runs {
        if let Some((who, what)) = seen.outcome().differs(&first.outcome()) {
            seen.fail(Law::Nesting, who, format!("{what} as for {name}"));
        }
        if layers != other {
            let seen_here = format!("{other:?}, where {name} has {layers:?}");
            seen.fail(Law::Nesting, "conversation", seen_here);
        }
        if stops != stopped {
            let seen_here = format!("{stopped:?}, where {name} has {stops:?}");
            seen.fail(Law::Nesting, "conversation", seen_here);
        }
        if seen.subject.same_bytes {
            written(&seen, &wanted, Law::Nesting);
        }
    }
}
