//! Two peers and the link between them.

mod link;
mod outcome;

use crate::context::Context;
use crate::law::Law;
use crate::peer::{Ends, Peer};
use crate::rng::Rng;
use crate::role::Role;
use crate::subject::Subject;
use crate::traffic::Traffic;
pub(crate) use link::{Chunking, Direction, Fault, LINK, reset};
pub(crate) use outcome::{Outcome, difference};
use std::fmt;
use std::time::Duration;
use wirestack_layer::{End, Flow, Instant};

/// A client and a server, joined by a link, on a simulated clock.
pub(crate) struct Simulation<'a, F: Traffic> {
    pub(crate) subject: &'a Subject<F>,
    pub(crate) client: Peer<'a, F>,
    pub(crate) server: Peer<'a, F>,
    /// From the client to the server, and back.
    pub(crate) directions: [Direction; 2],
    pub(crate) now: Instant,
    pub(crate) context: Context,
    rng: Rng,
}

/// The conditions of a simulation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// The limit of every flow, in bytes.
    pub(crate) limit: usize,
    pub(crate) chunking: Chunking,
    pub(crate) seed: u64,
}

impl Setting {
    pub(crate) fn whole(limit: usize) -> Self {
        Self::chunked(limit, Chunking::Whole)
    }

    pub(crate) fn chunked(limit: usize, chunking: Chunking) -> Self {
        Self {
            limit,
            chunking,
            seed: 1,
        }
    }
}

impl<'a, F: Traffic> Simulation<'a, F> {
    pub(crate) fn new(subject: &'a Subject<F>, setting: Setting, what: impl fmt::Display) -> Self {
        let Setting {
            limit,
            chunking,
            seed,
        } = setting;
        Self {
            subject,
            client: Peer::new(subject, Role::Client, limit),
            server: Peer::new(subject, Role::Server, limit),
            directions: [Direction::new(chunking), Direction::new(chunking)],
            now: START,
            context: Context {
                subject: subject.name.clone(),
                what: format!("{what}; flows of {limit} bytes, link {chunking:?}, seed {seed}"),
            },
            rng: Rng::new(seed),
        }
    }

    pub(crate) fn peer(&mut self, role: Role) -> &mut Peer<'a, F> {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    /// Lets one application send items.
    pub(crate) fn send(&mut self, from: Role, items: &[F::Item]) {
        let largest = items.iter().map(F::byte_size).max().unwrap_or(0);
        self.peer(from).app.send(items);
        for peer in [&mut self.client, &mut self.server] {
            peer.expect(largest);
        }
    }

    pub(crate) fn finish(&mut self, from: Role) {
        self.peer(from).app.close(End::Finished);
    }

    pub(crate) fn fail(&self, law: Law, who: &str, seen: impl fmt::Display) -> ! {
        self.context.broken(law, who, seen)
    }

    // --- the passing of time ---

    /// Runs both peers and the link until nothing moves and nothing is on its way.
    pub(crate) fn settle(&mut self) {
        for _ in 0..ROUNDS {
            let (context, now) = (&self.context, self.now);
            let mut moved = self.client.process(context, now);
            moved |= self.carry(Role::Client);
            moved |= self.server.process(&self.context, now);
            moved |= self.carry(Role::Server);
            if moved {
                continue;
            }
            let [up, down] = [self.directions[0].ready(), self.directions[1].ready()];
            let Some(arrival) = up.into_iter().chain(down).min() else {
                return self.idle();
            };
            self.now = self.deadline().map_or(arrival, |d| d.min(arrival));
        }
        self.fail(Law::Idempotence, "conversation", "it never comes to rest")
    }

    /// Runs both peers until this one says that everything has left, and from then on the other one
    /// alone. Returns `false` if it never says so.
    pub(crate) fn flush(&mut self, from: Role) -> bool {
        for _ in 0..ROUNDS {
            let (context, now) = (self.context.clone(), self.now);
            let mut moved = self.peer(from).process(&context, now);
            while !self.peer(from).flows.to_wire.is_empty() && self.carry_quietly(from) {
                moved |= self.peer(from.other()).process(&context, now);
            }
            if self.peer(from).has_left() {
                self.peer(from.other()).process(&context, now);
                return true;
            }
            moved |= self.peer(from.other()).process(&context, now);
            moved |= self.carry_quietly(from.other());
            if !moved {
                return false;
            }
        }
        false
    }

    /// Carries what one peer has written, and calls that peer again where a driver would not.
    fn carry(&mut self, from: Role) -> bool {
        let to_wire = &self.peer(from).flows.to_wire;
        let (had_room, waited) = (to_wire.room() > 0, to_wire.len());
        let moved = self.carry_quietly(from);
        if had_room && self.peer(from).flows.to_wire.len() < waited {
            match from {
                Role::Client => self.client.relieved(&self.context, self.now),
                Role::Server => self.server.relieved(&self.context, self.now),
            }
        }
        moved
    }

    /// Carries what one peer has written.
    fn carry_quietly(&mut self, from: Role) -> bool {
        let (client, server) = (&mut self.client.flows, &mut self.server.flows);
        let (output, input) = match from {
            Role::Client => (&mut client.to_wire, &mut server.from_wire),
            Role::Server => (&mut server.to_wire, &mut client.from_wire),
        };
        self.directions[from as usize].carry(output, input, &mut self.rng, self.now)
    }

    fn idle(&mut self) {
        // Without a deadline, time changes nothing.
        self.now += self.deadline().map_or(LONG, |_| MOMENT);
        self.client.idle(&self.context, self.now);
        self.server.idle(&self.context, self.now);
    }

    /// Returns the time at which a peer must be called even if nothing arrives.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let client = self.client.deadline().into_iter();
        client.chain(self.server.deadline()).min()
    }

    /// Lets both applications finish, and lets time pass until both peers are over.
    pub(crate) fn wind_up(&mut self) {
        self.finish(Role::Client);
        self.finish(Role::Server);
        self.settle();
        for _ in 0..DEADLINES {
            if self.is_over() {
                return;
            }
            let Some(deadline) = self.deadline() else {
                return;
            };
            self.now = self.now.max(deadline);
            self.settle();
        }
    }

    /// Aborts the wires that both peers read.
    pub(crate) fn break_wires(&mut self) {
        for peer in [&mut self.client, &mut self.server] {
            peer.flows.from_wire.abort(reset());
        }
        self.settle();
    }

    /// Ends the conversation and breaks the connection. Both peers have to be over then.
    pub(crate) fn hang_up(&mut self) {
        self.wind_up();
        self.break_wires();
        for peer in [&self.client, &self.server] {
            if !peer.is_over() {
                let Ends { app, wire } = peer.ends();
                let layers = peer.layers();
                let state = layers
                    .last()
                    .map_or("?".into(), |top| top.progress.to_string());
                let seen = format!(
                    "the connection is gone, but to_app {app}, to_wire {wire}, and it is {state}"
                );
                self.fail(Law::Robustness, peer.who(), seen);
            }
        }
    }

    // --- observations ---

    pub(crate) fn is_over(&self) -> bool {
        self.client.is_over() && self.server.is_over()
    }

    /// Returns `true` if one direction may end while the other goes on. The peers are asked once
    /// they are open, because some protocols negotiate it.
    pub(crate) fn half_closes(&self) -> bool {
        let subject = self.subject;
        *subject.half_closes.get_or_init(|| {
            let mut simulation = Self::new(subject, Setting::whole(65536), "the opening");
            simulation.settle();
            simulation.client.carries_half_close() && simulation.server.carries_half_close()
        })
    }

    /// Returns the number of bytes that the link has carried, in each direction.
    pub(crate) fn carried(&self) -> [usize; 2] {
        [self.directions[0].carried(), self.directions[1].carried()]
    }

    /// Returns everything that the two applications and the wires have seen.
    pub(crate) fn outcome(&self) -> Outcome<F::Item> {
        Outcome {
            got: [&self.client, &self.server].map(|peer| self.subject.joined(&peer.app.got)),
            ends: [self.client.ends(), self.server.ends()],
        }
    }

    /// Returns `true` if this application has aborted.
    pub(crate) fn aborts(&self, role: Role) -> bool {
        match role {
            Role::Client => self.client.app.aborts(),
            Role::Server => self.server.app.aborts(),
        }
    }

    /// Returns the items that each application sent.
    pub(crate) fn sent(&self) -> [&[F::Item]; 2] {
        [self.client.app.sent(), self.server.app.sent()]
    }
}

/// The time that passes before an idle peer is called again.
const MOMENT: Duration = Duration::from_millis(1);

/// The time that passes if no peer has a deadline.
const LONG: Duration = Duration::from_secs(3600);

/// More rounds than any conversation needs.
const ROUNDS: usize = 1 << 22;

/// More deadlines than a layer needs to give up.
const DEADLINES: usize = 64;

/// The time at which every clock starts.
const START: Instant = Instant::after_origin(Duration::from_secs(1000));
