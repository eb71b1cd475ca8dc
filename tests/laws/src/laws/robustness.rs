//! Robustness: no bytes panic, nothing hangs, and memory stays within the stated limits.

use crate::conversation::Conversation;
use crate::law::Law;
use crate::monologue::Phase;
use crate::rng::Rng;
use crate::role::Role;
use crate::simulation::{Fault, Setting, Simulation};
use crate::subject::Subject;
use crate::traffic::Traffic;
use wirestack_layer::Flow;

/// Checks [`Law::Robustness`](crate::Law::Robustness) with junk, and with conversations in which
/// bytes are changed, lost and inserted.
///
/// ```
/// use wirestack_laws::{Subject, robustness};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// // Broken by a layer that trusts a length, or panics at a byte that it does not know.
/// robustness(&Subject::tunnel("hello", client, server).samples(2));
/// ```
///
/// # Panics
///
/// If the law is broken.
pub fn robustness<F: Traffic>(subject: &Subject<F>) {
    let what = "the wire breaks before the application decides";
    let setting = Setting::whole(subject.largest_limit());
    let mut simulation = Simulation::new(subject, setting, what);
    simulation.server.app.decides = false;
    simulation.settle();
    simulation.break_wires();
    simulation.hang_up();
    for (from, decides) in [
        (Role::Client, true),
        (Role::Server, true),
        (Role::Server, false),
    ] {
        gives_up(subject, from, decides);
    }
    for to in [Role::Client, Role::Server] {
        for fill in [0, 0xff, b'A', b'\n'] {
            flood(subject, to, fill);
        }
        for open in [false, true] {
            for fill in [None, Some(0), Some(0xff), Some(b'A'), Some(b'\n')] {
                let junk = fill.map_or_else(|| Rng::new(7).bytes(FLOOD), |byte| vec![byte; FLOOD]);
                bend(subject, Phase { open, to }, 0, Fault::Insert(junk), 7);
            }
        }
        let [opening, after] = [false, true].map(|open| Phase { open, to }.length(subject));
        for seed in 0..subject.samples as u64 {
            let mut rng = Rng::new(seed + 1);
            let at = rng.below(opening + after);
            let fault = match rng.below(8) {
                0 => Fault::Lose,
                1 => {
                    let n = 1 + rng.below(40);
                    Fault::Insert(rng.bytes(n))
                }
                _ => Fault::Flip(1 << rng.below(8)),
            };
            bend(subject, Phase { open: false, to }, at, fault, seed);
        }
    }
}

/// Lets an application abort while the handshake waits: for a peer that does not answer, or for the
/// decision of the application.
fn gives_up<F: Traffic>(subject: &Subject<F>, from: Role, decides: bool) {
    let what = format!("the {from:?} aborts while its handshake waits (decides: {decides})");
    let setting = Setting::whole(subject.largest_limit());
    let mut simulation = Simulation::new(subject, setting, what);
    simulation.server.app.decides = decides;
    simulation.directions[from.other() as usize].stalled = decides;
    simulation.settle();
    if simulation.peer(from).is_open() {
        return;
    }
    simulation.peer(from).app.abort();
    simulation.settle();
    if !simulation.peer(from).flows.to_wire.is_closed() {
        let seen = "its application aborted, but it waits on (see `Flows::propagate_abort`)";
        simulation.fail(Law::Robustness, from.name(), seen);
    }
}

/// Sends the same byte to a peer that opens, for as long as it reads. It has to fail before it has
/// read more than it may hold.
fn flood<F: Traffic>(subject: &Subject<F>, to: Role, fill: u8) {
    let what = format!("the {to:?} reads {fill:#04x} and nothing else");
    let setting = Setting::whole(subject.largest_limit());
    let mut simulation = Simulation::new(subject, setting, what);
    let (context, now) = (simulation.context.clone(), simulation.now);
    let peer = simulation.peer(to);
    let most = subject.memory + subject.unit;
    let mut read = 0;
    while read <= most {
        peer.process(&context, now);
        let from_wire = &peer.flows.from_wire;
        read = from_wire.total() as usize - from_wire.len();
        let room = from_wire.room();
        if peer.is_open() || peer.flows.to_app.is_closed() || room == 0 {
            return;
        }
        peer.flows.from_wire.write(&vec![fill; room]);
    }
    let who = peer.who();
    let seen =
        format!("it has read {read} bytes and its handshake goes on, with memory for {most}");
    simulation.fail(Law::Robustness, who, seen);
}

/// Holds a conversation with a fault, at this offset of the phase.
fn bend<F: Traffic>(subject: &Subject<F>, phase: Phase, at: usize, fault: Fault, seed: u64) {
    let Phase { open, to } = phase;
    let name = match &fault {
        Fault::Insert(bytes) => format!("{} bytes are inserted", bytes.len()),
        fault => format!("{fault:?}"),
    };
    let what = format!("{name} at {at} of what the {to:?} reads (once open: {open})");
    let setting = Setting {
        seed,
        ..Setting::whole(subject.largest_limit())
    };
    let mut simulation = Simulation::new(subject, setting, what);
    if open {
        simulation.settle();
    }
    simulation.directions[to.other() as usize].break_after(at, fault);
    Conversation::Both.hold(&mut simulation, &subject.items());
    simulation.hang_up();
}

/// The length of the junk, in bytes.
const FLOOD: usize = 100 << 10;
