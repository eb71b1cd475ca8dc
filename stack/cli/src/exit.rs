//! The exit codes, and the failures that lead to them.

use crate::output::Output;
use std::fmt;
use wirestack::dial::{DialError, Reason};
use wirestack::http1::Http1Error;
use wirestack::http2::Http2Error;
use wirestack::{Error, Place};

/// The exit codes of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    Other,
    Usage,
    RoutesNotFound,
    NotResolved,
    Unreached,
    TimedOut,
    Tls,
    ProxyRefused,
    NotAuthenticated,
    TargetRefused,
    Broken,
    Closed,
    Interrupted,
}

impl Exit {
    /// Returns the number for the system.
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::Done => 0,
            Self::Other => 1,
            Self::Usage => 2,
            Self::RoutesNotFound => 3,
            Self::NotResolved => 4,
            Self::Unreached => 5,
            Self::TimedOut => 6,
            Self::Tls => 7,
            Self::ProxyRefused => 8,
            Self::NotAuthenticated => 9,
            Self::TargetRefused => 10,
            Self::Broken => 11,
            Self::Closed => 12,
            Self::Interrupted => 130,
        }
    }

    /// Returns the name for `--json`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Other => "other",
            Self::Usage => "usage",
            Self::RoutesNotFound => "routes-not-found",
            Self::NotResolved => "not-resolved",
            Self::Unreached => "unreached",
            Self::TimedOut => "timed-out",
            Self::Tls => "tls",
            Self::ProxyRefused => "proxy-refused",
            Self::NotAuthenticated => "not-authenticated",
            Self::TargetRefused => "target-refused",
            Self::Broken => "broken",
            Self::Closed => "closed",
            Self::Interrupted => "interrupted",
        }
    }

    /// Returns the exit code for the reason that connecting failed.
    pub(crate) fn of(reason: &Reason) -> Self {
        match reason {
            Reason::Invalid(_) => Self::Usage,
            Reason::RoutesNotFound { .. } => Self::RoutesNotFound,
            Reason::NotResolved { .. } => Self::NotResolved,
            Reason::Unreached { .. } => Self::Unreached,
            Reason::TimedOut { .. } => Self::TimedOut,
            Reason::NotAuthenticated { .. } => Self::NotAuthenticated,
            Reason::Redirect { .. } => Self::TargetRefused,
            Reason::Layer { part, error } => Self::of_layer(part, error),
            Reason::AllRoutesFailed { tried } => tried
                .last()
                .map_or(Self::Unreached, |failed| Self::of(&failed.reason)),
            _ => Self::Broken,
        }
    }

    fn of_layer(part: &str, error: &Error) -> Self {
        let refused = matches!(error.cause(), Some(Http1Error::Refused(_)))
            || matches!(error.cause(), Some(Http2Error::Refused(_)));
        if error.origin() == "tls" {
            Self::Tls
        } else if error.place() == Place::Wire {
            Self::Broken
        } else if part.starts_with("hop") && (refused || error.origin() == "socks") {
            Self::ProxyRefused
        } else if refused {
            Self::TargetRefused
        } else {
            Self::Broken
        }
    }
}

/// The reason that a command failed, for a person, and its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    text: String,
}

impl Failure {
    /// Creates the failure of a command line or a file that is wrong.
    pub(crate) fn usage(text: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, text)
    }

    /// Creates a failure without a code of its own.
    pub(crate) fn other(text: impl fmt::Display) -> Self {
        Self::new(Exit::Other, text)
    }

    pub(crate) fn new(exit: Exit, text: impl fmt::Display) -> Self {
        let text = text.to_string();
        Self { exit, text }
    }

    /// Prints the failure to standard error.
    pub(crate) fn report(&self, output: &Output) {
        if !self.text.is_empty() {
            output.complain(&self.text);
        }
    }
}

impl From<DialError> for Failure {
    fn from(error: DialError) -> Self {
        Self::new(Exit::of(error.reason()), error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The table of the manual.
pub(crate) const TABLE: &str = "\
Exit codes:
   0  done
   1  another error, such as a file that cannot be written
   2  the command line, a stack or a configuration is wrong
   3  the routes were not found (proxy auto-config, settings of the system)
   4  a name was not found
   5  no address was reached
   6  it took too long
   7  TLS failed, for example by a certificate that is not trusted
   8  a proxy refused
   9  a proxy wants another user or password
  10  the target refused
  11  the connection broke, or a peer spoke another protocol
  12  the WebSocket was closed with another code than 1000 or 1001
 130  ended by Ctrl-C";
