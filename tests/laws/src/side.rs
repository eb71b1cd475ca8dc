use crate::law::Scene;
use crate::world::World;
use crate::{Endpoint, Law, Subject, Traffic};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use wirestack_layer::Instant;
use wirestack_layer::{End, Error, Flow, Flows, Pipe, Progress, Status};

/// One side of a conversation: a layer, its flows and its application.
///
/// Whatever is done with it, it watches the laws that can be seen in one call of `process`.
pub(crate) struct Side<'a, F: Traffic> {
    subject: &'a Subject<F>,
    role: Role,
    layer: Box<Endpoint<F>>,
    pub(crate) from_wire: Pipe,
    pub(crate) to_wire: Pipe,
    pub(crate) from_app: F,
    pub(crate) to_app: F,
    /// What the application has sent, has yet to hand over, and how it will end.
    sent: Vec<F::Item>,
    fed: usize,
    end: Option<End>,
    pub(crate) got: Vec<F::Item>,
    /// Whether the application reads.
    pub(crate) reads: bool,
    /// Whether the application decides.
    pub(crate) decides: bool,
    /// Whether the layer is taken out of the path once it is transparent.
    pub(crate) bypass: bool,
    /// The largest unit that may be in flight.
    pub(crate) unit: usize,
    limit: usize,
    was_open: bool,
    was_transparent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
    /// Returns the other side.
    pub(crate) fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// Everything about a side that can be seen without changing it.
#[derive(Clone, Debug, PartialEq)]
struct Marks {
    moves: [u64; 4],
    required: usize,
    deadline: Option<Instant>,
    statuses: Vec<Seen>,
    open: bool,
    transparent: bool,
}

/// The state of a layer at some moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    name: &'static str,
    open: bool,
    pub(crate) progress: Progress,
    facts: String,
}

impl Seen {
    fn of(status: Status<'_>) -> Self {
        Self {
            name: status.name,
            open: status.open,
            progress: status.progress,
            facts: status.facts.to_string(),
        }
    }
}

impl<'a, F: Traffic> Side<'a, F> {
    pub(crate) fn new(subject: &'a Subject<F>, role: Role, limit: usize) -> Self {
        let make = match role {
            Role::Client => &subject.client,
            Role::Server => &subject.server,
        };
        Self {
            subject,
            role,
            layer: make(),
            from_wire: Pipe::with_limit(limit),
            to_wire: Pipe::with_limit(limit),
            from_app: F::with_limit(limit),
            to_app: F::with_limit(limit),
            sent: Vec::new(),
            fed: 0,
            end: None,
            got: Vec::new(),
            reads: true,
            decides: true,
            bypass: false,
            unit: subject.unit,
            limit,
            was_open: false,
            was_transparent: false,
        }
    }

    // --- the application ---

    pub(crate) fn send(&mut self, items: &[F::Item]) {
        self.sent.extend_from_slice(items);
    }
    /// Ends what the application sends, behind everything that it sent; the first end counts.
    pub(crate) fn close(&mut self, end: End) {
        self.end.get_or_insert(end);
    }
    pub(crate) fn abort(&mut self) {
        self.close(End::Aborted(Error::local("app", "had enough")));
    }
    /// Returns the largest unit around an item of this size.
    pub(crate) fn unit_of(&self, item: usize) -> usize {
        self.subject.unit + item
    }
    pub(crate) fn sent(&self) -> &[F::Item] {
        &self.sent
    }
    /// Returns how many bytes the layer has taken from its application.
    pub(crate) fn taken(&self) -> usize {
        let fed: usize = self.sent[..self.fed].iter().map(F::byte_size).sum();
        fed - self.from_app.held()
    }
    /// Does what an application can do besides sending and receiving.
    pub(crate) fn poke(&mut self) {
        (self.subject.poke)(&mut *self.layer);
    }
    fn feed(&mut self) {
        if !self.from_app.is_closed() {
            self.fed += self.from_app.put(&self.sent[self.fed..]);
            if self.from_app.stopped().is_some() {
                self.fed = self.sent.len(); // thrown away at once
            }
            if self.fed == self.sent.len()
                && let Some(end) = self.end.clone()
            {
                self.from_app.close(end);
            }
        }
    }

    // --- the layer ---

    /// Processes, decides, reads and writes until nothing moves; returns whether anything did.
    pub(crate) fn process(&mut self, scene: &Scene, now: Instant) -> bool {
        let start = self.revision();
        let mut decided = false;
        for _ in 0..ROUNDS {
            let before = self.revision();
            self.feed();
            self.step(scene, now);
            let marks = self.marks();
            self.step(scene, now);
            self.unchanged(scene, &marks, "a second call at the same time");
            let again = self.decides && (self.subject.decide)(&mut *self.layer);
            decided |= again;
            if self.reads {
                self.to_app.drain(&mut self.got);
            }
            if !again && self.revision() == before {
                return decided || self.revision() != start;
            }
        }
        scene.broken(Law::Quiet, self.who(), "it never comes to rest")
    }
    /// Calls a side that has nothing to do, a moment later.
    pub(crate) fn idle(&mut self, scene: &Scene, later: Instant) {
        if self.deadline().is_none_or(|deadline| later < deadline) {
            let marks = self.marks();
            self.step(scene, later);
            self.unchanged(scene, &marks, "a call before the deadline");
        }
    }
    fn unchanged(&self, scene: &Scene, before: &Marks, what: &str) {
        let after = self.marks();
        if *before != after {
            let seen = before.differences(&after);
            scene.broken(Law::Quiet, self.who(), format!("{what} {seen}"));
        }
    }
    /// Calls `process` once and looks at everything that can be seen.
    fn step(&mut self, scene: &Scene, now: Instant) {
        let waiting = self.waiting();
        let flows = Flows::new(
            &mut self.from_wire,
            &mut self.to_wire,
            &mut self.from_app,
            &mut self.to_app,
        );
        if self.bypass && self.layer.is_transparent() {
            return F::tunnel(flows);
        }
        let layer = &mut self.layer;
        let ran = catch_unwind(AssertUnwindSafe(|| layer.process(flows, now)));
        if let Err(panic) = ran {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or(panic.downcast_ref::<&str>().copied());
            let text = text.unwrap_or("something");
            let law = match text.contains("had ended") {
                true => Law::End,
                false => Law::Calm,
            };
            scene.broken(law, self.who(), format!("a panic: {text}"));
        }
        self.watch(scene, now, waiting);
    }
    fn watch(&mut self, scene: &Scene, now: Instant, before: Waiting) {
        let fail = |law, seen: String| scene.broken(law, self.who(), seen);
        let after = self.waiting();
        let parked = matches!(self.layer.progress(), Progress::Deciding(_));

        if let Some(deadline) = self.layer.deadline()
            && deadline <= now
        {
            let late = now - deadline;
            fail(Law::Clock, format!("a deadline {late:?} ago"));
        }

        for (flow, before, after) in [
            ("to_wire", before.to_wire, after.to_wire),
            ("to_app", before.to_app, after.to_app),
        ] {
            if before.closed && after.held > before.held {
                fail(Law::End, format!("{flow} grew after its end"));
            }
            let most = before.held.max(after.most + self.unit);
            if after.held > most {
                let (held, limit) = (after.held, after.most);
                fail(
                    Law::Room,
                    format!(
                        "{flow} holds {held} bytes, but its limit is {limit} and a unit {}",
                        self.unit
                    ),
                );
            }
        }

        let unread = self.from_wire.len();
        let required = self.from_wire.required();
        if after.to_wire.closed && !self.from_app.is_empty() {
            fail(
                Law::End,
                "to_wire has ended, but from_app is not discarded".into(),
            );
        }
        if after.to_wire.closed && !self.from_app.is_closed() && self.from_app.stopped().is_none() {
            fail(
                Law::End,
                "to_wire has ended, but from_app is not stopped".into(),
            );
        }
        if let Some(stop) = self.to_wire.stopped() {
            let seen = match self.from_app.stopped() {
                _ if self.from_app.is_closed() => None,
                None => Some("from_app is not".to_string()),
                Some(error) if error.layer() == stop.layer() => None,
                // What it was before the wire was.
                Some(_) if before.stopped => None,
                // Or it failed by itself, before it had looked.
                Some(error) if self.ends_with(error) => None,
                Some(error) => Some(format!("from_app says \"{error}\"")),
            };
            if let Some(seen) = seen {
                fail(Law::Stop, format!("to_wire is stopped, but {seen}"));
            }
            if !self.from_app.is_empty() {
                fail(Law::Stop, "from_app is not discarded".into());
            }
        }
        // A stack may be over above while a layer below still waits for the rest of a unit.
        if after.to_app.closed && unread > 0 && required <= unread {
            fail(
                Law::End,
                "to_app has ended, but from_wire is not discarded".into(),
            );
        }

        if required > self.subject.memory {
            let memory = self.subject.memory;
            fail(
                Law::Calm,
                format!("{required} bytes are required, but {memory} is all there may be"),
            );
        }
        let free = !parked && self.to_app.room() > 0 && self.to_wire.room() > 0;
        if free && !after.to_app.closed {
            if self.from_wire.is_closed() {
                fail(
                    Law::Calm,
                    format!("from_wire has ended with {unread} bytes unread, but to_app goes on"),
                );
            }
            if unread > 0 && required <= unread {
                fail(
                    Law::Need,
                    format!("{unread} bytes are left unread, and {required} are required"),
                );
            }
        }

        let (open, transparent) = (self.layer.is_open(), self.layer.is_transparent());
        for (now, was, what) in [
            (open, self.was_open, "open"),
            (transparent, self.was_transparent, "transparent"),
        ] {
            if was && !now {
                fail(Law::Clear, format!("it is no longer {what}"));
            }
        }
        if transparent && !open {
            fail(Law::Clear, "it is transparent before it is open".into());
        }
        if transparent && self.layer.deadline().is_some() {
            fail(Law::Clear, "it is transparent, and has a deadline".into());
        }
        (self.was_open, self.was_transparent) = (open, transparent);
    }

    // --- what can be seen ---

    pub(crate) fn who(&self) -> &'static str {
        self.role.name()
    }
    /// Returns whether the server's application refuses.
    pub(crate) fn refused(&self) -> bool {
        self.subject.refused
    }
    /// Returns whether the protocol carries half-close.
    pub(crate) fn half_closes(&self) -> bool {
        let subject = self.subject;
        *subject
            .half_closes
            .get_or_init(|| World::half_closes(subject))
    }
    pub(crate) fn carries_half_close(&self) -> bool {
        self.layer.carries_half_close()
    }
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let bypassed = self.bypass && self.layer.is_transparent();
        self.layer.deadline().filter(|_| !bypassed)
    }
    /// Returns whether both directions have ended and everything was read.
    pub(crate) fn is_over(&self) -> bool {
        self.to_wire.end().is_some() && self.to_app.end().is_some()
    }
    fn ends_with(&self, error: &Error) -> bool {
        match self.to_app.closed() {
            Some(End::Aborted(seen)) => seen.to_string() == error.to_string(),
            _ => false,
        }
    }
    /// Returns what the application and the wire saw at the end.
    pub(crate) fn ends(&self) -> Ends {
        Ends {
            app: self.to_app.end().into(),
            wire: self.to_wire.end().into(),
        }
    }
    /// Returns why the application may send no more, and whether something is lost.
    pub(crate) fn stopped(&self) -> Option<(String, bool)> {
        let stop = self.from_app.stop_state()?;
        Some((stop.error.to_string(), stop.lost))
    }
    pub(crate) fn statuses(&self) -> Vec<Seen> {
        let mut all = Vec::new();
        self.layer.visit(&mut |status| all.push(Seen::of(status)));
        all
    }
    fn revision(&self) -> u64 {
        self.marked_moves().iter().sum()
    }
    fn marked_moves(&self) -> [u64; 4] {
        [
            self.from_wire.revision(),
            self.to_wire.revision(),
            self.from_app.revision(),
            self.to_app.revision(),
        ]
    }
    fn marks(&self) -> Marks {
        Marks {
            moves: self.marked_moves(),
            required: self.from_wire.required(),
            deadline: self.layer.deadline(),
            statuses: self.statuses(),
            open: self.layer.is_open(),
            transparent: self.layer.is_transparent(),
        }
    }
    fn waiting(&self) -> Waiting {
        Waiting {
            to_wire: Held {
                held: self.to_wire.len(),
                most: self.limit.max(self.to_wire.required()),
                closed: self.to_wire.is_closed(),
            },
            to_app: Held {
                held: self.to_app.held(),
                most: self.limit,
                closed: self.to_app.is_closed(),
            },
            stopped: self.from_app.stopped().is_some(),
        }
    }
}

impl Marks {
    fn differences(&self, after: &Self) -> String {
        let flows = ["from_wire", "to_wire", "from_app", "to_app"];
        let moved = (0..4).filter(|i| self.moves[*i] != after.moves[*i]);
        let mut all: Vec<String> = moved.map(|i| format!("moves {}", flows[i])).collect();
        if self.required != after.required {
            all.push(format!(
                "requires {} instead of {}",
                after.required, self.required
            ));
        }
        match (self.deadline, after.deadline) {
            (Some(before), Some(after)) if before != after => {
                let later = after.saturating_duration_since(before);
                let earlier = before.saturating_duration_since(after);
                all.push(match later > Duration::ZERO {
                    true => format!("makes the deadline {later:?} later"),
                    false => format!("makes the deadline {earlier:?} earlier"),
                });
            }
            (Some(_), None) => all.push("drops the deadline".into()),
            (None, Some(_)) => all.push("sets a deadline".into()),
            _ => {}
        }
        if self.statuses != after.statuses {
            all.push(format!(
                "changes {:?} to {:?}",
                self.statuses, after.statuses
            ));
        }
        if (self.open, self.transparent) != (after.open, after.transparent) {
            all.push("opens it or makes it transparent".into());
        }
        all.join(", ")
    }
}

/// What waits in the outputs.
#[derive(Clone, Copy)]
struct Waiting {
    to_wire: Held,
    to_app: Held,
    stopped: bool,
}

#[derive(Clone, Copy)]
struct Held {
    held: usize,
    most: usize,
    closed: bool,
}

/// How the two outputs of a layer ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ends {
    pub(crate) app: Ended,
    pub(crate) wire: Ended,
}

/// How a flow ended, in words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ended {
    Not,
    Finished,
    Aborted { layer: &'static str, text: String },
}

impl From<Option<&End>> for Ended {
    fn from(end: Option<&End>) -> Self {
        match end {
            None => Self::Not,
            Some(End::Finished) => Self::Finished,
            Some(End::Aborted(error)) => Self::Aborted {
                layer: error.layer(),
                text: error.to_string(),
            },
        }
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Not => f.write_str("goes on"),
            Self::Finished => f.write_str("finished"),
            Self::Aborted { text, .. } => write!(f, "aborted with \"{text}\""),
        }
    }
}

/// More rounds than any side needs to come to rest.
const ROUNDS: usize = 1 << 22;
