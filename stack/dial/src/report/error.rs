//! The error of connecting: its reason and its trace.

use crate::report::advice::advice;
use crate::report::id::Destination;
use crate::report::trace::Trace;
use crate::route::redirects::RedirectError;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;
use wirestack_layer::{Error, Escaped, Instant, Place};

/// The reason that there is no connection, and the record of everything that was tried.
///
/// `Debug` shows the same as `Display`, so that the error of a `main` can be read. The
/// [trace](Self::trace) has the details. The text contains the text of the layer's cause; the cause
/// itself is the [source](StdError::source).
///
/// ```
/// use wirestack_dial::{DialError, Reason};
/// use wirestack_layer::{Error, Instant};
///
/// /// Says what to do about a failure.
/// fn advice(error: &DialError) -> &'static str {
///     match error.reason() {
///         Reason::NotAuthenticated { .. } => "check the user and the password",
///         Reason::TimedOut { .. } | Reason::Unreached { .. } => "is the proxy on?",
///         _ => "see the waterfall",
///     }
/// }
/// let error = DialError::invalid(Error::local("route", "no such proxy"), Instant::ORIGIN);
/// assert_eq!(advice(&error), "see the waterfall");
/// assert!(error.layer_error().is_none() && error.trace().events().count() == 0);
/// ```
pub struct DialError {
    reason: Box<Reason>,
    trace: Box<Trace>,
}

/// The reason that connecting failed.
///
/// ```
/// use wirestack_dial::Reason;
///
/// /// Returns the hop or the target that failed.
/// fn part(reason: &Reason) -> Option<&str> {
///     match reason {
///         Reason::NotResolved { part, .. }
///         | Reason::Unreached { part, .. }
///         | Reason::Layer { part, .. }
///         | Reason::NotAuthenticated { part, .. }
///         | Reason::TimedOut { part, .. } => Some(part),
///         Reason::AllRoutesFailed { tried } => tried.first().and_then(|route| part(&route.reason)),
///         _ => None,
///     }
/// }
/// assert_eq!(part(&Reason::AllRoutesFailed { tried: Vec::new() }), None);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Reason {
    /// No stack can be built from the route and the settings. Nothing was sent.
    Invalid(Error),
    /// The routes to the target could not be found. Nothing was sent to the target or to a proxy.
    RoutesNotFound {
        /// The name of the source, such as `proxy auto-config http://wpad.test/proxy.pac`.
        source: String,
        /// The reason.
        error: Error,
    },
    /// The name of the first hop, or of the target if there is no hop, could not be resolved.
    NotResolved {
        /// The hop or target.
        part: String,
        /// The error of the resolver.
        error: Error,
    },
    /// No address could be connected to.
    Unreached {
        /// The hop or target.
        part: String,
        /// Each address with its error.
        tried: Vec<Unreached>,
    },
    /// A layer failed, or its peer refused.
    Layer {
        /// The hop or target that the layer belongs to.
        part: String,
        /// The error of the layer.
        error: Error,
    },
    /// A proxy wants credentials and did not get the right ones.
    NotAuthenticated {
        /// The hop.
        part: String,
        /// The error of the layer, which is the refusal of the proxy.
        error: Error,
        /// The schemes that the proxy offered, and the reason that none worked.
        why: String,
    },
    /// The server redirected, and the redirect was not followed.
    Redirect {
        /// The target that redirected.
        part: String,
        /// The reason that the redirect was not followed.
        error: RedirectError,
        /// The redirects, in order, the last one not followed.
        chain: Vec<Retry>,
    },
    /// Something took too long.
    TimedOut {
        /// The timeout.
        after: Duration,
        /// The hop or target that the dialer waited for.
        part: String,
        /// The phase that timed out.
        phase: Phase,
        /// The number of bytes received in this phase.
        seen: u64,
    },
    /// Each new connection had to be replaced by another one, too many times.
    TooManyConnections {
        /// The reason for each new connection, in order.
        chain: Vec<Retry>,
    },
    /// All routes to the target failed.
    AllRoutesFailed {
        /// Each route with its reason.
        tried: Vec<RouteFailed>,
    },
}

/// A part of connecting that has a timeout of its own.
///
/// ```
/// use wirestack_dial::{DialError, Phase, Reason};
///
/// /// Returns `true` if the name server is slow, and not a proxy.
/// fn is_slow_lookup(error: &DialError) -> bool {
///     matches!(error.reason(), Reason::TimedOut { phase: Phase::Resolve, .. })
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The finding of the routes, which waited for this.
    FindRoutes(&'static str),
    /// The look-up of the first name.
    Resolve,
    /// The connection below every layer.
    Connect,
    /// The opening of a layer, which waited for this message.
    Layer(&'static str),
    /// The question to the user for credentials.
    Ask,
    /// The login to a proxy, which waited for another server, such as a key distribution centre, or
    /// for the system.
    LogIn,
    /// The making of the TLS settings, which reads the system's roots and files of certificates.
    MakeTls,
}

/// The reason for another connection.
///
/// ```
/// use wirestack_dial::{Reason, Retry};
///
/// /// Returns the URLs that a server has redirected to, in order.
/// fn redirects(reason: &Reason) -> Vec<&str> {
///     let Reason::Redirect { chain, .. } = reason else { return Vec::new() };
///     let url = |retry| match retry {
///         &Retry::Redirect { ref to, .. } => Some(to.as_str()),
///         _ => None,
///     };
///     chain.iter().filter_map(url).collect()
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Retry {
    /// A layer failed and asked for a new connection.
    Layer(Error),
    /// The server redirected.
    Redirect {
        /// The status of its response.
        status: u16,
        /// The URL that the redirect names.
        to: String,
    },
}

/// A route that was tried and failed.
///
/// ```
/// use wirestack_dial::{DialError, Reason};
///
/// /// Prints each route that was tried.
/// fn print(error: &DialError) {
///     if let Reason::AllRoutesFailed { tried } = error.reason() {
///         for failed in tried {
///             eprintln!("{}: {:?}", failed.route, failed.reason);
///         }
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct RouteFailed {
    /// The hops of the route.
    pub route: String,
    /// The reason that the route failed.
    pub reason: Reason,
}

/// An address that could not be connected to.
///
/// ```
/// use wirestack_dial::{DialError, Reason};
///
/// /// Prints each address that was tried.
/// fn print(error: &DialError) {
///     if let Reason::Unreached { part, tried } = error.reason() {
///         for unreached in tried {
///             eprintln!("{part} at {}: {}", unreached.to, unreached.error);
///         }
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Unreached {
    /// The address.
    pub to: Destination,
    /// The error of the attempt.
    pub error: Error,
}

impl DialError {
    pub(crate) fn new(reason: Reason, trace: Trace) -> Self {
        Self {
            reason: Box::new(reason),
            trace: Box::new(trace),
        }
    }

    /// Creates the error of a route or of settings from which no stack can be built.
    pub fn invalid(error: Error, now: Instant) -> Self {
        Self::new(Reason::Invalid(error), Trace::new(now))
    }

    /// Returns the reason that connecting failed.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// Returns the record of everything that was tried, with times.
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
        Escaped::new(&self.reason).fmt(f)
    }
}

/// Shows the same as `Display`.
impl fmt::Debug for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for DialError {
    /// Returns the cause of the failure: that of the layer, the resolver or the socket; if several
    /// things were tried, of the last one.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.reason.cause()
    }
}

impl Reason {
    fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Invalid(error)
            | Self::RoutesNotFound { error, .. }
            | Self::NotResolved { error, .. }
            | Self::NotAuthenticated { error, .. }
            | Self::Layer { error, .. } => error.source(),
            Self::Unreached { tried, .. } => tried.last()?.error.source(),
            Self::Redirect { error, .. } => Some(error),
            Self::TooManyConnections { chain } => match chain.last()? {
                Retry::Layer(error) => error.source(),
                Retry::Redirect { .. } => None,
            },
            Self::AllRoutesFailed { tried } => tried.last()?.reason.cause(),
            Self::TimedOut { .. } => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::RoutesNotFound { source, error } => write!(f, "{source}: {}", bare(error)),
            Self::NotResolved { part, error } => {
                write!(f, "{part}: could not look up the name: {}", bare(error))
            }
            Self::Unreached { part, tried } if tried.is_empty() => {
                write!(f, "{part}: the name has no addresses")
            }
            Self::Unreached { part, tried } => {
                write!(f, "{part}: could not connect")?;
                let shown =
                    |unreached: &Unreached| format!("{}: {}", unreached.to, bare(&unreached.error));
                list(f, tried.iter().map(shown), ": ", "; ")
            }
            Self::Layer { part, error } if error.place() == Place::Wire => {
                write!(f, "{part}: the connection broke: {}", bare(error))
            }
            Self::Layer { part, error } => {
                write!(f, "{part}: {error}")?;
                match advice(error, part.starts_with("target")) {
                    Some(advice) => write!(f, ": {advice}"),
                    None => Ok(()),
                }
            }
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
                write!(f, "{part}: timed out after {} while ", WithUnit(*after))?;
                match phase {
                    Phase::FindRoutes(what) => {
                        write!(f, "finding the routes, waiting for {what}")
                    }
                    Phase::Resolve => f.write_str("looking up the name"),
                    Phase::Connect => f.write_str("connecting"),
                    Phase::Ask => f.write_str("asking for credentials"),
                    Phase::LogIn => f.write_str(
                        "waiting for what the login needs: a key distribution centre (KDC) may not \
                         answer",
                    ),
                    Phase::MakeTls => f.write_str("reading the system's roots for TLS"),
                    Phase::Layer(what) => write!(f, "waiting for {what}, {seen} bytes received"),
                }
            }
            Self::TooManyConnections { chain } => {
                write!(f, "gave up after {} connections", chain.len())?;
                list(f, chain.iter().map(Retry::to_string), ": ", ", then ")
            }
            Self::AllRoutesFailed { tried } => {
                write!(f, "all {} routes to the target failed", tried.len())?;
                let shown = |failed: &RouteFailed| format!("{}: {}", failed.route, failed.reason);
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

/// Shows an error without its origin, where the words before it tell that.
fn bare(error: &Error) -> String {
    let cause = error.source().map(ToString::to_string);
    cause.unwrap_or_else(|| error.to_string())
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

/// The error of an attempt to connect that took too long.
#[derive(Debug, thiserror::Error)]
#[error("timed out after {}", WithUnit(*.0))]
pub(crate) struct Late(pub(crate) Duration);

/// Shows a duration with a blank before its unit.
struct WithUnit(Duration);

impl fmt::Display for WithUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            time if time.subsec_nanos() == 0 => write!(f, "{} s", time.as_secs()),
            time if time.as_secs() > 0 => write!(f, "{:.1} s", time.as_secs_f64()),
            time => write!(f, "{} ms", time.as_millis()),
        }
    }
}
