//! The events of a trace.

use crate::report::id::{AttemptId, Destination};
use crate::report::route_part::RoutePart;
use crate::route::endpoint::Endpoint;
use std::fmt;
use wirestack_layer::Escaped;

/// One event while connecting.
///
/// ```
/// use wirestack_dial::{Event, Trace};
///
/// /// Counts the connections that were tried.
/// fn attempts(trace: &Trace) -> usize {
///     trace.events().filter(|(_, event)| matches!(event, Event::Connecting { .. })).count()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The finding of the routes began, by the source with this name.
    FindingRoutes(String),
    /// A note of the source of the routes.
    RoutesNote(String),
    /// The routes are found.
    FoundRoutes(String),
    /// The routes were not found, for this reason.
    RoutesNotFound(String),
    /// The dialer tries this route.
    Route(String),
    /// An item of the list of routes was passed over: its keyword, and the reason.
    RouteSkipped(String),
    /// The making of the TLS settings began, which reads the system's roots.
    MakingTls,
    /// The TLS settings are made.
    MadeTls,
    /// A look-up of a name began.
    Resolving(Endpoint),
    /// A look-up found this number of addresses.
    Resolved(usize),
    /// A look-up failed, with this error.
    NotResolved(String),
    /// An attempt to connect began.
    Connecting {
        /// The attempt.
        attempt: AttemptId,
        /// The destination.
        to: Destination,
    },
    /// An attempt has connected.
    Connected {
        /// The attempt.
        attempt: AttemptId,
        /// The destination.
        to: Destination,
    },
    /// An attempt failed.
    Refused {
        /// The attempt.
        attempt: AttemptId,
        /// The destination.
        to: Destination,
        /// The error.
        why: String,
    },
    /// An attempt was given up: another one was faster, or it took too long.
    Closed {
        /// The attempt.
        attempt: AttemptId,
    },
    /// A layer has opened.
    LayerOpen {
        /// The layer's name.
        name: &'static str,
        /// The hop or target that the layer belongs to.
        part: RoutePart,
        /// The facts that the layer learnt, in one line; may be empty.
        facts: String,
    },
    /// The user, or another source, is asked for this.
    Asking(String),
    /// The answer to the question has arrived.
    Answered,
    /// An open connection failed, with this error.
    Failed(String),
    /// A new connection is needed, because of this error.
    Again(String),
    /// The server redirected, and the dialer follows.
    Redirected {
        /// The status of its response.
        status: u16,
        /// The new target.
        to: String,
    },
    /// All layers are open.
    Ready,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped::new(Unescaped(self)).fmt(f)
    }
}

/// An event, with the texts of others as they are.
struct Unescaped<'a>(&'a Event);

impl fmt::Display for Unescaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Event as E;
        match self.0 {
            E::FindingRoutes(source) => write!(f, "finding the routes: {source}"),
            E::RoutesNote(note) => write!(f, "note: {note}"),
            E::FoundRoutes(routes) => write!(f, "found the routes: {routes}"),
            E::RoutesNotFound(why) => write!(f, "found no routes: {why}"),
            E::Route(name) => write!(f, "trying the route: {name}"),
            E::RouteSkipped(why) => write!(f, "passed over a route: {why}"),
            E::MakingTls => f.write_str("making the TLS settings with the system's roots"),
            E::MadeTls => f.write_str("made the TLS settings"),
            E::Resolving(endpoint) => write!(f, "looking up {}", endpoint.host),
            E::Resolved(1) => f.write_str("found 1 address"),
            E::Resolved(n) => write!(f, "found {n} addresses"),
            E::NotResolved(why) => write!(f, "could not look up the name: {why}"),
            E::Connecting { to, .. } => write!(f, "connecting to {to}"),
            E::Connected { to, .. } => write!(f, "connected to {to}"),
            E::Refused { to, why, .. } => write!(f, "could not connect to {to}: {why}"),
            E::Closed { .. } => f.write_str("gave up an attempt"),
            E::LayerOpen { name, part, facts } => {
                write!(f, "{name:<10} open  {part}")?;
                if !facts.is_empty() {
                    write!(f, "  ({facts})")?;
                }
                Ok(())
            }
            E::Asking(what) => write!(f, "asking for {what}"),
            E::Answered => f.write_str("received the answer"),
            E::Failed(why) => write!(f, "failed: {why}"),
            E::Again(why) => write!(f, "a new connection is needed: {why}"),
            E::Redirected { status, to } => write!(f, "redirected with status {status} to {to}"),
            E::Ready => f.write_str("ready"),
        }
    }
}
