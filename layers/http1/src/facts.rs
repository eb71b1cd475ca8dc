//! What a tunnel tells of its opening.

use http::StatusCode;
use std::borrow::Cow;
use std::fmt;
use wirestack_http::status_text;

/// The facts of a tunnel that is open, in one line. The text is made when it is asked for.
pub(crate) enum Facts {
    /// A proxy has answered with this status and this reason phrase.
    Answered(StatusCode, Cow<'static, str>),
    /// The connection speaks this protocol now.
    Upgraded(Cow<'static, str>),
    /// The tunnel leads to this host and port.
    LeadsTo(String),
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(status, reason) => f.write_str(&status_text(*status, reason)),
            Self::Upgraded(token) => write!(f, "upgraded to {token}"),
            Self::LeadsTo(target) => write!(f, "tunnel to {target}"),
        }
    }
}
