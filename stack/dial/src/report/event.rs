use crate::report::id::{AttemptId, Destination};
use crate::route::endpoint::Endpoint;
use std::fmt;

/// A step on the way to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// This way to the target is tried.
    Route(String),
    /// A name is being looked up.
    Resolving(Endpoint),
    /// So many addresses are known.
    Resolved(usize),
    /// It was not found, and why.
    NotResolved(String),
    /// A connection is being opened.
    Connecting {
        /// Names it.
        attempt: AttemptId,
        /// Where to.
        to: Destination,
    },
    /// It is open.
    Connected {
        /// Which one.
        attempt: AttemptId,
        /// Where to.
        to: Destination,
    },
    /// It could not be opened.
    Refused {
        /// Which one.
        attempt: AttemptId,
        /// Where to.
        to: Destination,
        /// Why not.
        why: String,
    },
    /// It was given up: another one was faster, or it took too long.
    Closed {
        /// Which one.
        attempt: AttemptId,
    },
    /// A layer has opened.
    LayerOpen {
        /// The layer's name.
        name: &'static str,
        /// The hop or the target that it belongs to.
        part: String,
        /// What it learnt, in one line; may be empty.
        facts: String,
    },
    /// Somebody is asked for what a proxy wants.
    Asking(String),
    /// The answer is there.
    Answered,
    /// An open connection failed, and why.
    Failed(String),
    /// A new connection is tried, and why.
    Again(String),
    /// The server leads elsewhere.
    Redirected {
        /// The status of its response.
        status: u16,
        /// Where to.
        to: String,
    },
    /// Everything is established.
    Ready,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Route(name) => write!(f, "by this way: {name}"),
            Self::Resolving(endpoint) => write!(f, "looking up {}", endpoint.host),
            Self::Resolved(1) => f.write_str("1 address"),
            Self::Resolved(n) => write!(f, "{n} addresses"),
            Self::NotResolved(why) => write!(f, "not found: {why}"),
            Self::Connecting { to, .. } => write!(f, "connecting to {to}"),
            Self::Connected { to, .. } => write!(f, "connected to {to}"),
            Self::Refused { to, why, .. } => write!(f, "not connected to {to}: {why}"),
            Self::Closed { .. } => f.write_str("gave an attempt up"),
            Self::LayerOpen { name, part, facts } => {
                write!(f, "{name:<10} open  {part}")?;
                match facts.is_empty() {
                    true => Ok(()),
                    false => write!(f, "  ({facts})"),
                }
            }
            Self::Asking(what) => write!(f, "asking for {what}"),
            Self::Answered => f.write_str("got the answer"),
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::Again(why) => write!(f, "a new connection is needed: {why}"),
            Self::Redirected { status, to } => write!(f, "redirected by a {status} to {to}"),
            Self::Ready => f.write_str("ready"),
        }
    }
}
