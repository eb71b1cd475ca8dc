use crate::plan::websocket::RedirectError;
use crate::report::id::Destination;
use crate::report::trace::Trace;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;
use wirestack_layer::{Error, Place};

/// Why there is no connection, and everything that was tried. `Debug` shows what `Display` shows, so that
/// `main` may return it; the [trace](Self::trace) has the rest.
///
/// The text of a layer's cause is in it, and the cause itself is the [source](StdError::source).
pub struct DialError {
    reason: Box<Reason>,
    trace: Box<Trace>,
}

/// What connecting failed at.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reason {
    /// The route or the settings make no stack: nothing was sent.
    Invalid(Error),
    /// The name of the first hop, or of the target if there is none, was not found.
    NotResolved {
        /// The hop or target.
        part: String,
        /// What the resolver said.
        error: Error,
    },
    /// None of the addresses could be connected to.
    Unreached {
        /// The hop or target.
        part: String,
        /// Each address, and what happened.
        tried: Vec<Unreached>,
    },
    /// A layer failed, or was refused.
    Layer {
        /// The hop or target that the layer belongs to.
        part: String,
        /// What the layer said.
        error: Error,
    },
    /// A proxy wants to know who is asking, and could not be satisfied.
    NotAuthenticated {
        /// The hop.
        part: String,
        /// What the layer said: the proxy's refusal.
        error: Error,
        /// What was offered and what came of it.
        why: String,
    },
    /// The server redirected to where we do not follow.
    Redirect {
        /// The target that redirected.
        part: String,
        /// Why we do not follow.
        error: RedirectError,
        /// The redirects, in order, the last one not followed.
        chain: Vec<Retry>,
    },
    /// Somebody took too long.
    TimedOut {
        /// How long it had.
        after: Duration,
        /// The hop or target that was being waited for.
        part: String,
        /// What was being done.
        phase: Phase,
        /// How many bytes had arrived meanwhile.
        seen: u64,
    },
    /// Each new connection led to the need of another one.
    TooManyConnections {
        /// Why each was needed, in order.
        chain: Vec<Retry>,
    },
    /// None of several ways led to the target.
    AllRoutesFailed {
        /// Each way, and what it failed at.
        tried: Vec<RouteFailed>,
    },
}

/// A part of connecting that has a time-out of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Looking the first name up.
    Resolve,
    /// Opening the connection below every layer.
    Connect,
    /// Opening a layer, which waited for this.
    Layer(&'static str),
    /// Asking somebody for what a proxy wants.
    Ask,
}

/// Why another connection was needed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Retry {
    /// A layer said so.
    Layer(Error),
    /// The server redirected.
    Redirect {
        /// The status of its response.
        status: u16,
        /// Where to.
        to: String,
    },
}

/// A way that was tried.
#[derive(Debug)]
#[non_exhaustive]
pub struct RouteFailed {
    /// Its hops.
    pub route: String,
    /// What it failed at.
    pub reason: Reason,
}

/// An address that could not be connected to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unreached {
    /// The address.
    pub to: Destination,
    /// What happened.
    pub error: Error,
}

impl DialError {
    pub(crate) fn new(reason: Reason, trace: Trace) -> Self {
        Self {
            reason: Box::new(reason),
            trace: Box::new(trace),
        }
    }

    /// An input that makes no route.
    pub fn invalid(error: Error, now: wirestack_layer::Instant) -> Self {
        Self::new(Reason::Invalid(error), Trace::new(now))
    }

    /// Returns what connecting failed at.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// Returns what was tried, with times.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Returns the error of the layer that failed, if a layer did.
    pub fn layer_error(&self) -> Option<&Error> {
        match &*self.reason {
            Reason::Layer { error, .. } | Reason::NotAuthenticated { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

/// Shows the same as `Display`.
impl fmt::Debug for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for DialError {
    /// Returns the cause of the layer that failed, if a layer did.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &*self.reason {
            Reason::Invalid(error)
            | Reason::NotResolved { error, .. }
            | Reason::NotAuthenticated { error, .. }
            | Reason::Layer { error, .. } => error.source(),
            _ => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::NotResolved { part, error } => write!(f, "{part}: not found: {error}"),
            Self::Unreached { part, tried } => {
                write!(f, "{part}: could not be connected to")?;
                let shown = |it: &Unreached| format!("{}: {}", it.to, it.error);
                list(f, tried.iter().map(shown), ": ", "; ")
            }
            Self::Layer { part, error } if error.place() == Place::Wire => {
                write!(f, "{part}: the connection broke: {error}")
            }
            Self::Layer { part, error } => write!(f, "{part}: {error}"),
            Self::NotAuthenticated { part, error, why } => write!(f, "{part}: {error}: {why}"),
            Self::Redirect { part, error, chain } => {
                write!(f, "{part}: {error}")?;
                list(f, chain.iter().map(Retry::to_string), ": ", ", then ")
            }
            Self::TimedOut {
                after,
                part,
                phase,
                seen,
            } => {
                write!(f, "timed out after {}: {part} was ", Shown(*after))?;
                match phase {
                    Phase::Resolve => f.write_str("being looked up"),
                    Phase::Connect => f.write_str("being connected to"),
                    Phase::Ask => f.write_str("waiting for credentials"),
                    Phase::Layer(what) => write!(f, "waiting for {what}, {seen} bytes seen"),
                }
            }
            Self::TooManyConnections { chain } => {
                write!(f, "gave up after {} connections", chain.len())?;
                list(f, chain.iter().map(Retry::to_string), ": ", ", then ")
            }
            Self::AllRoutesFailed { tried } => {
                write!(f, "none of {} ways led to the target", tried.len())?;
                let shown = |it: &RouteFailed| format!("{}: {}", it.route, it.reason);
                list(f, tried.iter().map(shown), ": ", "; ")
            }
        }
    }
}

impl fmt::Display for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layer(error) => error.fmt(f),
            Self::Redirect { status, to } => write!(f, "a {status} to {to}"),
        }
    }
}

fn list(
    f: &mut fmt::Formatter<'_>,
    items: impl Iterator<Item = String>,
    first: &str,
    between: &str,
) -> fmt::Result {
    for (n, item) in items.enumerate() {
        write!(f, "{}{item}", if n == 0 { first } else { between })?;
    }
    Ok(())
}

/// Something took longer than it was given.
#[derive(Debug, thiserror::Error)]
#[error("timed out after {}", Shown(*.0))]
pub(crate) struct Late(pub(crate) Duration);

/// A duration with its unit apart.
struct Shown(Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            time if time.subsec_nanos() == 0 => write!(f, "{} s", time.as_secs()),
            time if time.as_secs() > 0 => write!(f, "{:.1} s", time.as_secs_f64()),
            time => write!(f, "{} ms", time.as_millis()),
        }
    }
}
