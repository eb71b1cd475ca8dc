//! The errors of proxy auto-config.

use std::fmt;
use wirestack_layer::Escaped;

/// The reason that a proxy auto-config file cannot be used.
///
/// ```
/// use wirestack_pac::{Pac, PacError};
///
/// assert!(matches!(Pac::url("gopher://config.test/"), Err(PacError::Address)));
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacError {
    /// The address of the file is no URL that can be got.
    #[error(
        "the address of the proxy auto-config file must begin with http://, https://, file:/// or \
         data:"
    )]
    Address,
    /// The address of the file is a URL of `http` or `https` that cannot be used.
    #[error("the address of the proxy auto-config file cannot be used: {0}")]
    Url(wirestack_dial::RouteError),
    /// The content of a `data:` URL cannot be decoded.
    #[error("the content of the data: URL is not base64")]
    Data,
    /// The domain for WPAD is none.
    #[error(
        "the domain for wpad must be the name of a domain, such as corp.example: no URL, no address, \
         no empty name"
    )]
    Domain,
    /// The server answered with this status instead of the file.
    #[error("the server answered {0} instead of the file")]
    Status(http::StatusCode),
    /// The file is a page of HTML: a login page of a network, perhaps.
    #[error("the file is a page of HTML and no script: log in to the network first, perhaps")]
    Html,
    /// The file is longer than this number of bytes.
    #[error("the script is longer than {0} bytes")]
    Long(usize),
    /// The script does not parse, or threw an exception, with this text.
    #[error("the script threw an exception: {}", Escaped::excerpt(.0))]
    Threw(String),
    /// The script has no function of the name that is called.
    #[error("the script has no function FindProxyForURL")]
    NoFunction,
    /// The function returned something else than a text.
    #[error("FindProxyForURL returned {0} instead of a text")]
    NoText(&'static str),
    /// The function returned a text that is longer than this number of bytes.
    #[error("FindProxyForURL returned a text of more than {0} bytes")]
    LongResult(usize),
    /// The text that the function returned names no route that can be used.
    #[error("FindProxyForURL returned \"{}\": {error}", Escaped::excerpt(.result))]
    Result {
        /// The text.
        result: String,
        /// The reason.
        error: wirestack_dial::RouteError,
    },
    /// The script ran for too long.
    #[error("the script ran for more than {} ms and was stopped", .0.as_millis())]
    Time(std::time::Duration),
    /// The script used too much memory.
    #[error("the script used more than {0} bytes of memory and was stopped")]
    Memory(usize),
    /// The script asked for the addresses of too many names.
    #[error("the script asked for the addresses of more than {0} names")]
    Names(usize),
    /// Earlier runs of the script have not ended.
    #[error("the script did not stop in earlier runs, and is not run again before it does")]
    Stuck,
}

/// Shows the same as `Display`: it is what `main` prints.
impl fmt::Debug for PacError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<std::convert::Infallible> for PacError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
