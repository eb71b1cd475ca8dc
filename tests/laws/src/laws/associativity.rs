//! Associativity: every grouping, boxed or not, is indistinguishable.

use crate::compare::{transcripts, written};
use crate::conversation::Conversation;
use crate::law::Law;
use crate::monologue::Phase;
use crate::rng::offsets;
use crate::role::Role;
use crate::simulation::{Chunking, Fault, Setting, Simulation, reset};
use crate::subject::{Subject, WireBytes};
use crate::traffic::Traffic;
use wirestack_layer::Flow;

/// Checks [`Law::Associativity`] for subjects that differ only in their grouping, their boxes or
/// their bypassing: compares everything that can be seen of them, in good conversations and in bad
/// ones.
///
/// ```
/// use wirestack_laws::{Subject, associativity};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// let boxed = move || Box::new(client());
/// let subjects = [
///     Subject::tunnel("as it is", client, server),
///     Subject::tunnel("in a box", boxed, server),
/// ];
/// // Each writes the same bytes, so they are compared too.
/// associativity(&subjects.map(|subject| subject.repeatable().samples(2).limits(&[100])));
/// ```
///
/// # Panics
///
/// If one of them differs from the first.
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

/// Compares what happens if an application aborts, and if a wire takes no more.
fn give_up<F: Traffic>(subjects: &[Subject<F>], limit: usize, from: Role, items: &[F::Item]) {
    let setting = Setting::whole(limit);
    // The abort and the end of the peer cross. Without half-close, each of them ends both
    // directions, and the room of the joints decides which one is seen first.
    if Simulation::new(&subjects[0], setting, "the opening").half_closes() {
        let what = "the application gives up at once";
        compare_bytes_if(WireBytes::Same, subjects, setting, what, |simulation| {
            simulation.send(from, items);
            simulation.peer(from).app.abort();
            simulation.hang_up();
        });
    }
    let what = "the application gives up";
    compare(subjects, setting, what, |simulation| {
        simulation.send(from, items);
        simulation.settle();
        simulation.peer(from).app.abort();
        simulation.settle();
        simulation.hang_up();
    });
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

/// Compares how one peer reacts to faults among the bytes that it reads once it is open.
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

/// Opens each subject, acts, and compares everything that can be seen with the first subject. Bytes
/// on the wire are compared if the subject promises that they repeat.
fn compare<F: Traffic>(
    subjects: &[Subject<F>],
    setting: Setting,
    what: &str,
    act: impl Fn(&mut Simulation<'_, F>),
) {
    compare_bytes_if(WireBytes::Repeat, subjects, setting, what, act);
}

/// Does the same, but compares the bytes on the wire only if the subject promises at least this.
fn compare_bytes_if<F: Traffic>(
    promise: WireBytes,
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
        if seen.subject.wire_bytes >= promise {
            written(&seen, &wanted, Law::Associativity);
        }
    }
}
