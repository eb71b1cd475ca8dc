use http::{Method, StatusCode};
use std::error::Error as StdError;
use std::fmt;
use wirestack_http::Refusal;

/// The reason why an HTTP/1.1 handshake failed: the [cause](wirestack_layer::Error::cause) of each
/// error of this crate.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Http1Error {
    // --- settings ---
    /// The host is neither a name in ASCII, nor an IPv4 address, nor an IPv6 address.
    BadHost,
    /// The port is not between 1 and 65535.
    BadPort,
    /// The text is not the token of a protocol (RFC 9110 §7.8).
    BadToken,
    /// The request names no host: neither a `Host` field nor an absolute URI.
    NoHost,
    /// The request for an upgrade is a CONNECT, which cannot ask for one.
    UpgradeByConnect,

    // --- heads ---
    /// The wire ended in the middle of a head.
    Truncated {
        /// The name of the head, such as `the CONNECT response`.
        awaited: &'static str,
        /// The number of its bytes that had come.
        seen: usize,
    },
    /// The head is not HTTP/1, for this reason.
    Malformed(&'static str),
    /// The head is longer than this many bytes.
    HeadTooLarge(usize),
    /// The head has more than this many header fields.
    TooManyHeaders(usize),

    // --- responses ---
    /// The peer refused the request.
    Refused(Box<Refusal>),
    /// The application gave up: before the request, or at the response that opens.
    GivenUp,
    /// The peer answered a CONNECT with `101 Switching Protocols`.
    SwitchedOnConnect,
    /// The peer switched to a protocol that was not asked for, or did not say to which.
    SwitchedElsewhere {
        /// The token that was asked for.
        wanted: String,
    },

    // --- requests ---
    /// The request has another method than CONNECT.
    NotConnect(Method),
    /// The target of a CONNECT is not `host:port` with a port from 1 to 65535.
    BadTarget,
    /// A CONNECT announces content, which it cannot have (RFC 9110 §9.3.6).
    ConnectWithContent,
    /// The application rejected the request with this status.
    Rejected(StatusCode),
    /// The application rejected the request with a status that rejects nothing.
    NotARejection(StatusCode),
    /// The application accepted an upgrade that the client had not offered.
    NotOffered,
}

impl Http1Error {
    /// Returns the status of the response to a request with this error.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::HeadTooLarge(_) | Self::TooManyHeaders(_) => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Self::NotConnect(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotARejection(_) | Self::NotOffered => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for Http1Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadHost => f.write_str("the host is neither a name in ASCII nor an address"),
            Self::BadPort => f.write_str("the port is not between 1 and 65535"),
            Self::BadToken => f.write_str("the token is not the name of a protocol"),
            Self::NoHost => f.write_str("neither a Host field nor an absolute URI names the host"),
            Self::UpgradeByConnect => f.write_str("an upgrade cannot be asked for with CONNECT"),
            Self::Truncated { awaited, seen } => {
                write!(f, "the wire ended after {seen} bytes of {awaited}")
            }
            Self::Malformed(what) => write!(f, "not an HTTP/1 head: {what}"),
            Self::HeadTooLarge(limit) => write!(f, "the head has more than {limit} bytes"),
            Self::TooManyHeaders(limit) => {
                write!(f, "the head has more than {limit} header fields")
            }
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
            Self::GivenUp => f.write_str("given up on this side"),
            Self::SwitchedOnConnect => {
                f.write_str("CONNECT was answered with 101 where a 2xx was wanted")
            }
            Self::SwitchedElsewhere { wanted } => {
                write!(f, "the 101 does not say that it upgrades to {wanted}")
            }
            Self::NotConnect(method) => {
                let method: String = method.as_str().chars().take(METHOD_SHOWN).collect();
                write!(f, "the request is {method} where CONNECT was wanted")
            }
            Self::BadTarget => f.write_str("the target of the CONNECT is not host:port"),
            Self::ConnectWithContent => f.write_str("the CONNECT announces content"),
            Self::Rejected(status) => write!(f, "rejected by the application with {status}"),
            Self::NotARejection(status) => {
                write!(
                    f,
                    "rejected with {status}, which is no status of a rejection"
                )
            }
            Self::NotOffered => {
                f.write_str("the application accepted an upgrade that was not offered")
            }
        }
    }
}

impl StdError for Http1Error {}

/// The number of characters of a method that an error shows.
const METHOD_SHOWN: usize = 32;
