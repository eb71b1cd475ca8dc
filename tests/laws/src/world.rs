use crate::law::Scene;
use crate::link::{Cutting, Rng, Way, reset};
use crate::side::{Ended, Ends, Role, Seen, Side};
use crate::{Law, Subject, Traffic};
use std::fmt;
use std::time::Duration;
use wirestack_layer::Instant;
use wirestack_layer::{End, Flow};

/// A client and a server, joined by a link, on a clock of their own.
pub(crate) struct World<'a, F: Traffic> {
    pub(crate) client: Side<'a, F>,
    pub(crate) server: Side<'a, F>,
    /// From the client to the server, and back.
    pub(crate) ways: [Way; 2],
    pub(crate) now: Instant,
    pub(crate) scene: Scene,
    rng: Rng,
}

/// What a world is made with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// The limit of every flow, in bytes.
    pub(crate) limit: usize,
    pub(crate) cutting: Cutting,
    pub(crate) seed: u64,
}

impl Setting {
    pub(crate) fn whole(limit: usize) -> Self {
        Self::cut(limit, Cutting::Whole)
    }
    pub(crate) fn cut(limit: usize, cutting: Cutting) -> Self {
        Self {
            limit,
            cutting,
            seed: 1,
        }
    }
}

impl<'a, F: Traffic> World<'a, F> {
    pub(crate) fn new(subject: &'a Subject<F>, setting: Setting, what: impl fmt::Display) -> Self {
        let Setting {
            limit,
            cutting,
            seed,
        } = setting;
        Self {
            client: Side::new(subject, Role::Client, limit),
            server: Side::new(subject, Role::Server, limit),
            ways: [Way::new(cutting), Way::new(cutting)],
            now: START,
            scene: Scene {
                subject: subject.name.clone(),
                what: format!("{what}; flows of {limit} bytes, link {cutting:?}, seed {seed}"),
            },
            rng: Rng::new(seed),
        }
    }
    pub(crate) fn side(&mut self, role: Role) -> &mut Side<'a, F> {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }
    /// Lets one side send items.
    pub(crate) fn send(&mut self, from: Role, items: &[F::Item]) {
        let largest = items.iter().map(F::byte_size).max().unwrap_or(0);
        self.side(from).send(items);
        for side in [&mut self.client, &mut self.server] {
            side.unit = side.unit.max(side.unit_of(largest));
        }
    }
    pub(crate) fn finish(&mut self, from: Role) {
        self.side(from).close(End::Finished);
    }
    pub(crate) fn fail(&self, law: Law, who: &str, seen: impl fmt::Display) -> ! {
        self.scene.broken(law, who, seen)
    }
    /// Runs both sides and the link until nothing moves and nothing is on its way.
    pub(crate) fn settle(&mut self) {
        for _ in 0..ROUNDS {
            let (scene, now) = (&self.scene, self.now);
            let mut moved = self.client.process(scene, now);
            moved |= self.carry(0);
            moved |= self.server.process(&self.scene, now);
            moved |= self.carry(1);
            if moved {
                continue;
            }
            let [up, down] = [self.ways[0].ready(), self.ways[1].ready()];
            let Some(arrival) = up.into_iter().chain(down).min() else {
                return self.idle();
            };
            self.now = self.deadline().map_or(arrival, |d| d.min(arrival));
        }
        self.fail(Law::Quiet, "conversation", "it never comes to rest")
    }
    fn carry(&mut self, way: usize) -> bool {
        let (client, server) = (&mut self.client, &mut self.server);
        let (from, to) = match way {
            0 => (&mut client.to_wire, &mut server.from_wire),
            _ => (&mut server.to_wire, &mut client.from_wire),
        };
        self.ways[way].carry(from, to, &mut self.rng, self.now)
    }
    fn idle(&mut self) {
        self.now += MOMENT;
        self.client.idle(&self.scene, self.now);
        self.server.idle(&self.scene, self.now);
    }
    /// Returns when something must be called even if nothing arrives.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let client = self.client.deadline().into_iter();
        client.chain(self.server.deadline()).min()
    }
    /// Ends what both applications send, and lets time pass until both sides are over.
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
    /// Breaks the connection under both sides, after which both have to be over.
    pub(crate) fn hang_up(&mut self) {
        self.wind_up();
        self.break_wires();
        for side in [&self.client, &self.server] {
            if !side.is_over() {
                let Ends { app, wire } = side.ends();
                let seen = format!(
                    "the connection is gone, but to_app {app}, to_wire {wire}, and it is {}",
                    side.statuses().last().map_or("?".into(), describe),
                );
                self.fail(Law::Calm, side.who(), seen);
            }
        }
    }
    /// Aborts what both sides read.
    pub(crate) fn break_wires(&mut self) {
        for side in [&mut self.client, &mut self.server] {
            side.from_wire.abort(reset());
        }
        self.settle();
    }
    pub(crate) fn is_over(&self) -> bool {
        self.client.is_over() && self.server.is_over()
    }
    /// Returns whether either direction may end before the other, once both sides are open: some
    /// protocols learn it only then.
    pub(crate) fn half_closes(subject: &'a Subject<F>) -> bool {
        let mut world = Self::new(subject, Setting::whole(65536), "the opening");
        world.settle();
        world.client.carries_half_close() && world.server.carries_half_close()
    }
    /// Returns how many bytes the link has carried, each way.
    pub(crate) fn carried(&self) -> [usize; 2] {
        [self.ways[0].carried(), self.ways[1].carried()]
    }
    /// Returns what the two applications and the wires saw.
    pub(crate) fn outcome(&self) -> Outcome<F::Item> {
        Outcome {
            got: [self.client.got.clone(), self.server.got.clone()],
            ends: [self.client.ends(), self.server.ends()],
        }
    }
}

fn describe(status: &Seen) -> String {
    status.progress.to_string()
}

/// What can be told apart by those outside.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome<T> {
    /// What the client got, and the server.
    pub(crate) got: [Vec<T>; 2],
    pub(crate) ends: [Ends; 2],
}

impl<T: Clone + PartialEq + fmt::Debug> Outcome<T> {
    /// Returns what is seen when everything that either side sent arrives and all ends well.
    pub(crate) fn good(client_sent: &[T], server_sent: &[T]) -> Self {
        let well = Ends {
            app: Ended::Finished,
            wire: Ended::Finished,
        };
        Self {
            got: [server_sent.to_vec(), client_sent.to_vec()],
            ends: [well.clone(), well],
        }
    }
    /// Returns who saw something else, and what, if anything differs.
    pub(crate) fn differs(&self, wanted: &Self) -> Option<(&'static str, String)> {
        ["client", "server"]
            .into_iter()
            .zip(0..)
            .find_map(|(who, i)| {
                let seen = difference(&self.got[i], &wanted.got[i])
                    .or_else(|| differ("to_app", &self.ends[i].app, &wanted.ends[i].app))
                    .or_else(|| differ("to_wire", &self.ends[i].wire, &wanted.ends[i].wire));
                Some((who, seen?))
            })
    }
    /// Returns what one side got, and how it ended.
    pub(crate) fn of(&self, role: Role) -> (&[T], &Ended) {
        let i = role as usize;
        (&self.got[i], &self.ends[i].app)
    }
}

fn differ(what: &str, seen: &Ended, wanted: &Ended) -> Option<String> {
    (seen != wanted).then(|| format!("{what} {seen}, where it should say: {wanted}"))
}

/// Says where two lists begin to differ.
pub(crate) fn difference<T: PartialEq + fmt::Debug>(seen: &[T], wanted: &[T]) -> Option<String> {
    let at = seen.iter().zip(wanted).take_while(|(a, b)| a == b).count();
    if at == seen.len() && at == wanted.len() {
        return None;
    }
    let show = |items: &[T]| {
        let mut text = match items.get(at) {
            Some(item) => format!("{item:?}"),
            None => return "nothing more".to_owned(),
        };
        if let Some((cut, _)) = text.char_indices().nth(60) {
            text.truncate(cut);
            text.push('…');
        }
        text
    };
    Some(format!(
        "{} items arrived and {} should have; item {at} is {}, where it should be {}",
        seen.len(),
        wanted.len(),
        show(seen),
        show(wanted),
    ))
}

/// Who says what, in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    /// The client sends and finishes, and the server answers only then; or, where the end of one
    /// direction ends both, before the client finishes.
    Turns,
    /// The server speaks at once.
    Greeting,
    /// Both speak at once.
    Both,
    /// The client finishes at once, and nobody says anything.
    Silence,
    /// The server finishes first.
    ServerEnds,
}

impl Talk {
    pub(crate) const ALL: [Self; 5] = [
        Self::Turns,
        Self::Greeting,
        Self::Both,
        Self::Silence,
        Self::ServerEnds,
    ];
    /// Holds the conversation to its end.
    pub(crate) fn hold<F: Traffic>(self, world: &mut World<'_, F>, items: &[F::Item]) {
        use Role::{Client, Server};
        let half = world.client.half_closes();
        match self {
            Self::Turns if half => {
                world.send(Client, items);
                world.finish(Client);
                world.settle();
                world.send(Server, items);
            }
            Self::Turns => {
                world.send(Client, items);
                world.settle();
                world.send(Server, items);
            }
            Self::Greeting => {
                world.send(Server, items);
                world.settle();
                world.send(Client, items);
            }
            Self::Both => {
                world.send(Client, items);
                world.send(Server, items);
                if half {
                    world.finish(Client);
                    world.finish(Server);
                }
            }
            Self::Silence => world.finish(Client),
            Self::ServerEnds => {
                world.send(Client, items);
                world.send(Server, items);
                world.settle();
                world.finish(Server);
            }
        }
        world.settle();
        world.finish(Client);
        world.settle();
        world.wind_up();
    }
}

/// The sizes of what is said: around the edges of length fields.
pub(crate) const SIZES: [usize; 6] = [0, 1, 125, 126, 700, 3];

/// How long nothing happens, once nothing happens.
const MOMENT: Duration = Duration::from_millis(1);

/// More rounds than any conversation needs.
const ROUNDS: usize = 1 << 22;

/// More deadlines than a layer needs to give up.
const DEADLINES: usize = 64;

/// Where every clock starts. It is only ever added to.
const START: Instant = Instant::after_origin(Duration::from_secs(1000));
