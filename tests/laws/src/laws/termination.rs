//! Termination: a flow ends once and nothing is written after. A layer that is over discards its
//! inputs, and stops the flow that its application has not ended.

use crate::role::Role;
use crate::simulation::{Fault, Setting, Simulation, reset};
use crate::subject::Subject;
use crate::traffic::Traffic;
use wirestack_layer::Flow;

/// Checks [`Law::Termination`](crate::Law::Termination) with applications and peers that go on
/// writing to a layer that is over, with layers that end while their wire is full, and with
/// applications that never read.
///
/// ```
/// use wirestack_laws::{Subject, termination};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// // Broken by a layer that does not discard its inputs once it is over.
/// termination(&Subject::tunnel("hello", client, server).limits(&[100]));
/// ```
///
/// # Panics
///
/// If the law is broken.
pub fn termination<F: Traffic>(subject: &Subject<F>) {
    full_wires(subject);
    idle_applications(subject);
    for limit in &subject.limits {
        for clean in [true, false] {
            for open in [true, false] {
                cut(subject, *limit, clean, open);
            }
        }
        bytes_after_the_end(subject, *limit);
    }
}

/// The reason why a layer ends while its wire is full.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// Its peer breaks the protocol.
    Fault,
    /// Its application finishes.
    Finish,
    /// Its wire breaks.
    Break,
}

/// Ends a layer that owes its peer answers and has no room for them. Nothing may follow its end
/// when there is room again.
fn full_wires<F: Traffic>(subject: &Subject<F>) {
    if subject.refused {
        return;
    }
    for limit in &subject.limits {
        for from in [Role::Client, Role::Server] {
            for ending in [Ending::Fault, Ending::Finish, Ending::Break] {
                let what = format!("the wire of the {from:?} is full ({ending:?})");
                let mut simulation = Simulation::new(subject, Setting::whole(*limit), what);
                simulation.settle();
                simulation.directions[from as usize].stalled = true;
                simulation.send(from, &(subject.sample)(2 * limit + 1000));
                simulation.settle();
                for peer in [&mut simulation.client, &mut simulation.server] {
                    peer.poke();
                }
                simulation.settle();
                let from_wire = &mut simulation.peer(from).flows.from_wire;
                match ending {
                    Ending::Fault => {
                        if !from_wire.is_closed() {
                            from_wire.write(&INVALID);
                        }
                        simulation.settle();
                    }
                    Ending::Finish => simulation.wind_up(),
                    Ending::Break => {
                        from_wire.abort(reset());
                        simulation.settle();
                    }
                }
                simulation.directions[from as usize].stalled = false;
                simulation.settle();
                simulation.hang_up();
            }
        }
    }
}

/// Ends connections whose applications have read nothing.
fn idle_applications<F: Traffic>(subject: &Subject<F>) {
    let items = subject.items();
    for limit in &subject.limits {
        for poked in [false, true] {
            let what = format!("the applications never read (pokes: {poked})");
            let mut simulation = Simulation::new(subject, Setting::whole(*limit), what);
            simulation.client.app.reads = false;
            simulation.server.app.reads = false;
            for _ in 0..3 {
                simulation.send(Role::Client, &items);
                simulation.send(Role::Server, &items);
                if poked {
                    simulation.client.poke();
                    simulation.server.poke();
                }
                simulation.settle();
            }
            simulation.wind_up();
            simulation.break_wires();
            simulation.client.app.reads = true;
            simulation.server.app.reads = true;
            simulation.hang_up();
        }
    }
}

/// Cuts both directions, after which both applications go on writing.
fn cut<F: Traffic>(subject: &Subject<F>, limit: usize, clean: bool, open: bool) {
    let items = subject.items();
    let what = format!("both applications go on writing after a cut (clean: {clean})");
    let mut simulation = Simulation::new(subject, Setting::whole(limit), what);
    if open {
        simulation.settle();
    }
    for direction in &mut simulation.directions {
        direction.break_after(1, Fault::Cut { clean });
    }
    for _ in 0..3 {
        simulation.send(Role::Client, &items);
        simulation.send(Role::Server, &items);
        simulation.settle();
    }
    simulation.hang_up();
}

/// Writes to the wires of layers that are over.
fn bytes_after_the_end<F: Traffic>(subject: &Subject<F>, limit: usize) {
    let what = "bytes arrive after the end";
    let mut simulation = Simulation::new(subject, Setting::whole(limit), what);
    simulation.settle();
    simulation.finish(Role::Client);
    simulation.settle();
    simulation.finish(Role::Server);
    simulation.wind_up();
    for role in [Role::Client, Role::Server] {
        let (now, context) = (simulation.now, simulation.context.clone());
        let peer = simulation.peer(role);
        if !peer.flows.from_wire.is_closed() {
            peer.flows.from_wire.write(&LATE);
            peer.process(&context, now);
        }
    }
}

/// Bytes that begin no message of any protocol here.
const INVALID: [u8; 64] = [0xff; 64];

/// Bytes that arrive too late.
const LATE: [u8; 64] = [0x5a; 64];
