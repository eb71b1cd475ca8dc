//! Associativity: every grouping, boxed or not, is indistinguishable.

use crate::compare::{transcripts, written};
use crate::conversation::Conversation;
use crate::law::Law;
use crate::monologue::Phase;
use crate::rng::offsets;
use crate::role::Role;
use crate::simulation::{Chunking, Fault, Setting, Simulation, reset};
use crate::subject::Subject;
use crate::traffic::Traffic;
use wirestack_layer::Flow;

/// Checks [`Law::Associativity`]: that subjects which differ only in how they are grouped, boxed or
/// bypassed cannot be told apart, in good conversations and in bad ones.
///
/// # Panics
///
/// If one behaves unlike the first.
pub fn associativity<F: Traffic>(subjects: &[Subject<F>]) {
    let Some(first) = subjects.first() else {
        return;
    };
    let items = first.items();
    for limit in &first.limits {
        for chunking in [Chunking::Whole, Chunking::Chunks(50)] {
            for conversation in Conversation::ALL {
                let setting = Setting::chunked(*limit, chunking);
                compare(subjects, setting, &conversation.to_string(), |simulation| {
                    conversation.hold(simulation, &items);
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
    compare(
        subjects,
        setting,
        "the application gives up",
        |simulation| {
            simulation.send(from, items);
            simulation.peer(from).app.abort();
            simulation.hang_up();
        },
    );
    for later in [false, true] {
        let what = format!("the wire takes no more (behind what was said: {later})");
        compare(subjects, setting, &what, |simulation| {
            simulation.send(from, items);
            simulation.send(from.other(), items);
            if later {
                simulation.settle();
            }
            simulation.peer(from).flows.to_wire.lose(reset());
            simulation.settle();
            simulation.send(from, items);
            simulation.hang_up();
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
            compare(subjects, setting, &what, |simulation| {
                simulation.directions[to.other() as usize].break_after(at, fault.clone());
                simulation.send(to.other(), items);
                simulation.finish(to.other());
                simulation.settle();
                simulation.hang_up();
            });
        }
    }
}

/// Opens each subject, acts, and compares all that can be seen with that of the first subject.
fn compare<F: Traffic>(
    subjects: &[Subject<F>],
    setting: Setting,
    what: &str,
    act: impl Fn(&mut Simulation<'_, F>),
) {
    let mut runs = subjects.iter().map(|subject| {
        let mut simulation = Simulation::new(subject, setting, what);
        simulation.settle();
        let opened = [simulation.client.layers(), simulation.server.layers()];
        act(&mut simulation);
        let ended = [simulation.client.layers(), simulation.server.layers()];
        let stops = [simulation.client.stopped(), simulation.server.stopped()];
        (simulation, [opened, ended], stops)
    });
    let Some((first, layers, stops)) = runs.next() else {
        return;
    };
    let name = &first.subject.name;
    let wanted = transcripts(&first);
    for (seen, other, stopped) in runs {
        if let Some((who, what)) = seen.outcome().differs(&first.outcome()) {
            seen.fail(Law::Associativity, who, format!("{what} as for {name}"));
        }
        if layers != other {
            let seen_here = format!("{other:?}, where {name} has {layers:?}");
            seen.fail(Law::Associativity, "conversation", seen_here);
        }
        if stops != stopped {
            let seen_here = format!("{stopped:?}, where {name} has {stops:?}");
            seen.fail(Law::Associativity, "conversation", seen_here);
        }
        if seen.subject.same_bytes {
            written(&seen, &wanted, Law::Associativity);
        }
    }
}
