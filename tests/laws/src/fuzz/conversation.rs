//! A client and a server whose conversation is a script.

use crate::compare::comes_through;
use crate::fuzz::script::Script;
use crate::law::Law;
use crate::peer::Ended;
use crate::role::Role;
use crate::simulation::{Chunking, Fault, Setting, Simulation, difference, reset};
use crate::subject::Subject;
use crate::traffic::Traffic;
use std::time::Duration;
use wirestack_layer::Flow;

/// Holds the conversation that the script describes, and ends it.
///
/// The applications send, ask, finish, abort, and stop reading and deciding. The link stands still,
/// carries a few bytes, changes, loses and inserts some, and breaks. Time passes. Where nothing was
/// broken, everything that was sent has to arrive. In the end both peers have to be over.
///
/// ```
/// use wirestack_laws::Subject;
/// use wirestack_laws::fuzz::{Script, conversation};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// let subject = Subject::tunnel("hello", client, server);
/// // In the corpus of a fuzzer: both send, and then the client finishes.
/// conversation(&subject, &mut Script::new(&[0, 0, 7, 0, 0, 200, 3, 1, 200, 3, 4]));
/// ```
///
/// # Panics
///
/// If a law is broken.
pub fn conversation<F: Traffic>(subject: &Subject<F>, script: &mut Script<'_>) {
    let limit = script.choose(&subject.limits);
    let chunking = match script.below(4) {
        0 | 1 => Chunking::Whole,
        2 => Chunking::Chunks(1),
        _ => Chunking::Chunks(1 + script.below(200)),
    };
    let setting = Setting {
        limit,
        chunking,
        seed: u64::from(script.byte()),
    };
    let mut scene = Scene {
        simulation: Simulation::new(subject, setting, "a conversation by a script"),
        calm: true,
        bent: false,
        ended: [false; 2],
        stopped: [false; 2],
        // A flow of one byte costs some calls for each.
        budget: if limit < 100 { 600 } else { 100_000 },
    };
    if script.flag() {
        scene.simulation.settle();
    }
    for _ in 0..MOST_STEPS {
        if script.is_over() {
            break;
        }
        scene.step(script);
        scene.simulation.settle();
    }
    scene.end();
}

/// A conversation that goes on.
struct Scene<'a, F: Traffic> {
    simulation: Simulation<'a, F>,
    /// True while nobody has broken off, and the link has carried everything as it was.
    calm: bool,
    /// True if the link has changed, lost or inserted bytes.
    bent: bool,
    /// True for each application that has ended its flow.
    ended: [bool; 2],
    /// True for each peer whose wire takes no more.
    stopped: [bool; 2],
    /// The number of bytes that may still be sent and inserted.
    budget: usize,
}

impl<F: Traffic> Scene<'_, F> {
    fn step(&mut self, script: &mut Script<'_>) {
        let choice = script.byte();
        let role = if choice & 1 == 0 {
            Role::Client
        } else {
            Role::Server
        };
        let simulation = &mut self.simulation;
        match choice >> 1 & 0xf {
            0 | 1 => self.send(role, script),
            2 => self.finish(role),
            3 => {
                self.disturb();
                self.ended[role as usize] = true;
                self.simulation.peer(role).app.abort();
            }
            4 => {
                let stalled = &mut simulation.directions[role as usize].stalled;
                *stalled = !*stalled;
            }
            5 => simulation.directions[role as usize].carry_only(script.below(256)),
            6 => {
                let app = &mut simulation.peer(role).app;
                app.reads = !app.reads;
            }
            7 => {
                let app = &mut simulation.peer(role).app;
                app.decides = !app.decides;
            }
            8 | 9 => {
                let mask = script.byte();
                self.fault(role, Fault::Flip(mask), script);
            }
            10 => {
                let bytes = script.byte();
                let bytes = script.take(usize::from(bytes)).to_vec();
                self.fault(role, Fault::Insert(bytes), script);
            }
            11 => self.fault(role, Fault::Lose, script),
            12 => {
                let clean = script.flag();
                self.fault(role, Fault::Cut { clean }, script);
            }
            13 => {
                self.disturb();
                self.stopped[role as usize] = true;
                self.simulation.peer(role).flows.to_wire.lose(reset());
            }
            14 => simulation.peer(role).poke(),
            _ => self.wait(script),
        }
    }

    fn send(&mut self, role: Role, script: &mut Script<'_>) {
        let size = usize::from(script.byte()) * script.choose(&[1, 1, 10, 300]);
        let items = (self.simulation.subject.sample)(size.min(self.budget));
        self.budget -= size.min(self.budget);
        if !self.ended[role as usize] {
            self.simulation.send(role, &items);
        }
    }

    fn finish(&mut self, role: Role) {
        if !self.simulation.half_closes() {
            self.disturb(); // what the other one sends may be lost
        }
        self.ended[role as usize] = true;
        self.simulation.finish(role);
    }

    fn fault(&mut self, role: Role, fault: Fault, script: &mut Script<'_>) {
        self.disturb();
        self.bent |= !matches!(fault, Fault::Cut { .. });
        let at = usize::from(script.byte()) * script.choose(&[1, 1, 1, 20]);
        self.simulation.directions[role as usize].break_after(at, fault);
    }

    fn wait(&mut self, script: &mut Script<'_>) {
        let millis = Duration::from_millis(u64::from(script.byte()));
        let deadline = self.simulation.deadline();
        let simulation = &mut self.simulation;
        match deadline.filter(|_| script.flag()) {
            Some(deadline) => {
                simulation.now = simulation.now.max(deadline);
            }
            None => simulation.now += millis,
        }
        if deadline.is_some_and(|deadline| deadline <= self.simulation.now) {
            self.disturb(); // a peer may give up
        }
    }

    fn disturb(&mut self) {
        self.calm = false;
    }

    /// Lets everything go on, and ends the conversation.
    fn end(mut self) {
        let simulation = &mut self.simulation;
        for direction in &mut simulation.directions {
            direction.stalled = false;
            direction.carry_all();
        }
        for role in [Role::Client, Role::Server] {
            let app = &mut simulation.peer(role).app;
            (app.reads, app.decides) = (true, true);
        }
        simulation.settle();
        simulation.wind_up();
        if self.calm
            && !simulation.subject.refused
            && let Some((who, seen)) = comes_through(simulation)
        {
            simulation.fail(Law::Fragmentation, who, seen);
        }
        simulation.hang_up();
        if !self.bent {
            for to in [Role::Client, Role::Server] {
                self.in_order(to);
            }
        }
    }

    /// Checks that nothing is missing in what arrived, and that no flow that was cut short looks
    /// finished.
    fn in_order(&self, to: Role) {
        let simulation = &self.simulation;
        let subject = simulation.subject;
        let sent = subject.joined(simulation.sent()[to.other() as usize]);
        let outcome = simulation.outcome();
        let (got, end) = outcome.of(to);
        let begun = sent.get(..got.len()).unwrap_or(&sent);
        if !subject.has_parts()
            && let Some(what) = difference(got, begun)
        {
            simulation.fail(Law::Ordering, to.name(), what);
        }
        // Without half-close, one that ends first may lose what is still on its way. In the end
        // both do.
        let ends_first = self.ended[to as usize]
            || (self.stopped[to.other() as usize] && !simulation.half_closes());
        let cut = !ends_first && (got.len() < sent.len() || simulation.aborts(to.other()));
        if subject.marks_end && cut && !subject.refused && *end == Ended::Finished {
            let seen = "to_app finished, but what was sent to it was cut short";
            simulation.fail(Law::Ordering, to.name(), seen);
        }
    }
}

/// The number of steps after which a conversation ends.
const MOST_STEPS: usize = 300;
