use super::route::Endpoint;
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What connecting did, step by step, each with its time. Shows as text, a line a step.
#[derive(Clone, Debug)]
pub struct Trace {
    start: Instant,
    events: Vec<(Instant, Event)>,
}

/// A step on the way to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A name is being looked up.
    Resolving(Endpoint),
    /// So many addresses were found.
    Resolved(usize),
    /// A connection to this address is being opened.
    Connecting(SocketAddr),
    /// It is open.
    Connected(SocketAddr),
    /// It could not be opened, or failed, and why.
    Failed(String),
    /// A layer has opened.
    LayerOpen {
        /// The layer's name.
        name: &'static str,
        /// The hop or the target that it belongs to.
        part: String,
        /// What it learnt, in one line; may be empty.
        facts: String,
    },
    /// A new connection is tried, and why.
    Again(String),
    /// Everything is established.
    Ready,
}

impl Trace {
    pub(super) fn new(start: Instant) -> Self {
        Self {
            start,
            events: Vec::new(),
        }
    }
    pub(super) fn add(&mut self, now: Instant, event: Event) {
        self.events.push((now, event));
    }
    /// Returns each step, with the time since the beginning.
    pub fn events(&self) -> impl Iterator<Item = (Duration, &Event)> {
        let start = self.start;
        self.events
            .iter()
            .map(move |(at, event)| (at.saturating_duration_since(start), event))
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = Duration::ZERO;
        for (at, event) in self.events() {
            let ms = |time: Duration| time.as_secs_f64() * 1e3;
            writeln!(f, "{:9.2} ms {:+9.2}  {event}", ms(at), ms(at - last))?;
            last = at;
        }
        Ok(())
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolving(endpoint) => write!(f, "looking up {}", endpoint.host),
            Self::Resolved(1) => f.write_str("1 address"),
            Self::Resolved(n) => write!(f, "{n} addresses"),
            Self::Connecting(address) => write!(f, "connecting to {address}"),
            Self::Connected(address) => write!(f, "connected to {address}"),
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::LayerOpen { name, part, facts } => {
                write!(f, "{name:<10} open  {part}")?;
                match facts.is_empty() {
                    true => Ok(()),
                    false => write!(f, "  ({facts})"),
                }
            }
            Self::Again(why) => write!(f, "a new connection is needed: {why}"),
            Self::Ready => f.write_str("ready"),
        }
    }
}
