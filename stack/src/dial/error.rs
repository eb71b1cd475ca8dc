use super::trace::Trace;
use crate::{Error, Place};
use std::error::Error as StdError;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// Why there is no connection, and everything that was tried.
#[derive(Debug)]
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
        chain: Vec<Error>,
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
}

/// An address that could not be connected to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unreached {
    /// The address.
    pub address: SocketAddr,
    /// What happened.
    pub error: Error,
}

impl DialError {
    pub(super) fn new(reason: Reason, trace: Trace) -> Self {
        Self {
            reason: Box::new(reason),
            trace: Box::new(trace),
        }
    }
    /// An input that makes no route.
    #[cfg(feature = "tokio")]
    pub(crate) fn invalid(error: Error, now: std::time::Instant) -> Self {
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
            Reason::Layer { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl StdError for DialError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &*self.reason {
            Reason::Invalid(error)
            | Reason::NotResolved { error, .. }
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
                let mut lead = ": ";
                for Unreached { address, error } in tried {
                    write!(f, "{lead}{address}: {error}")?;
                    lead = "; ";
                }
                Ok(())
            }
            Self::Layer { part, error } if error.place() == Place::Wire => {
                write!(f, "{part}: the connection broke: {error}")
            }
            Self::Layer { part, error } => write!(f, "{part}: {error}"),
            Self::TimedOut {
                after,
                part,
                phase,
                seen,
            } => {
                write!(f, "timed out after {after:?}: {part} was ")?;
                match phase {
                    Phase::Resolve => f.write_str("being looked up"),
                    Phase::Connect => f.write_str("being connected to"),
                    Phase::Layer(what) => write!(f, "waiting for {what}, {seen} bytes seen"),
                }
            }
            Self::TooManyConnections { chain } => {
                write!(f, "gave up after {} connections", chain.len())?;
                let mut lead = ": ";
                for error in chain {
                    write!(f, "{lead}{error}")?;
                    lead = ", then ";
                }
                Ok(())
            }
        }
    }
}
