use http::header::{HeaderMap, VIA};
use http::{Method, StatusCode};
use std::error::Error as StdError;
use std::fmt;
use wirestack_http::Refusal;
use wirestack_layer::{Escaped, FirstBytes, SeenProtocol};

/// The reason why an HTTP/1.1 handshake failed: the [cause](wirestack_layer::Error::cause) of each
/// error of this crate.
///
/// ```
/// use wirestack_http1::{Http1Error, connect::Client};
/// use wirestack_layer::{End, Flow, Flows, Instant, Layer, Pipe};
///
/// let mut client = Client::new("example.org", 443)?;
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// from_wire.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
/// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// client.process(flows, Instant::ORIGIN);
/// let Some(End::Aborted(error)) = to_app.end() else { panic!() };
/// let Some(Http1Error::Refused(refusal)) = error.cause() else { panic!() };
/// assert_eq!(refusal.status, 403);
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
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
    /// The path or the query has a character that no URI has (RFC 3986 §2).
    BadPath,
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
    /// The peer begins with another protocol.
    NotHttp {
        /// The first bytes of the peer.
        seen: FirstBytes,
        /// The name of the head that was wanted, such as `an HTTP/1 response`.
        wanted: SeenProtocol,
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
        /// The protocols in its `Upgrade` field; may be empty.
        seen: String,
    },

    // --- requests ---
    /// The request has another method than CONNECT.
    NotConnect(Method),
    /// The target of a CONNECT is not `host:port` with a port from 1 to 65535.
    BadTarget(String),
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
            Self::BadPath => f.write_str(
                "the path or the query has a character outside of visible ASCII, which has to be \
                 percent-encoded",
            ),
            Self::UpgradeByConnect => f.write_str("an upgrade cannot be asked for with CONNECT"),
            Self::Truncated { awaited, seen: 0 } => {
                write!(f, "the connection ended before {awaited}")
            }
            Self::Truncated { awaited, seen } => {
                write!(f, "the connection ended after {seen} bytes of {awaited}")
            }
            Self::NotHttp { seen, wanted } => {
                write!(f, "saw {seen} where {wanted} was wanted")?;
                match advice(seen.protocol(), *wanted) {
                    Some(advice) => write!(f, ": {advice}"),
                    None => Ok(()),
                }
            }
            Self::Malformed(what) => write!(f, "not an HTTP/1 head: {what}"),
            Self::HeadTooLarge(limit) => {
                write!(f, "the head has more than {limit} bytes, the limit")
            }
            Self::TooManyHeaders(limit) => {
                write!(f, "the head has more than {limit} header fields, the limit")
            }
            Self::Refused(refusal) => {
                refusal.describe().fmt(f)?;
                // A 2xx to a CONNECT is no refusal, so this is an upgrade.
                f.write_str(if !refusal.status.is_success() {
                    ""
                } else if is_from_between(&refusal.headers) {
                    NOT_THE_SERVER
                } else {
                    NO_UPGRADE
                })
            }
            Self::GivenUp => f.write_str("given up on this side"),
            Self::SwitchedOnConnect => {
                f.write_str("CONNECT was answered with 101 where a 2xx was wanted")
            }
            Self::SwitchedElsewhere { wanted, seen } if seen.is_empty() => {
                write!(f, "the 101 does not say that it upgrades to {wanted}")
            }
            Self::SwitchedElsewhere { wanted, seen } => {
                let seen = Escaped::excerpt(seen);
                write!(
                    f,
                    "the 101 upgrades to {seen:?}, wanted {wanted} with Connection: Upgrade"
                )
            }
            Self::NotConnect(method) => {
                let method: String = method.as_str().chars().take(METHOD_SHOWN).collect();
                write!(
                    f,
                    "the request is {method}, wanted CONNECT: this proxy only opens tunnels"
                )
            }
            Self::BadTarget(seen) => {
                let seen = Escaped::excerpt(seen);
                write!(
                    f,
                    "the target of the CONNECT is \"{seen}\", wanted host:port"
                )
            }
            Self::ConnectWithContent => {
                f.write_str("the CONNECT announces content, which no CONNECT has")
            }
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

/// Returns `true` if the response has passed something between the client and the server.
fn is_from_between(headers: &HeaderMap) -> bool {
    headers.contains_key(VIA) || headers.contains_key("x-cache")
}

/// Returns the advice for a peer that speaks another protocol than the wanted one.
fn advice(seen: Option<SeenProtocol>, wanted: SeenProtocol) -> Option<&'static str> {
    use SeenProtocol as P;
    let asked = wanted == P::HttpResponse;
    Some(match (seen?, asked) {
        (P::Tls, true) => "this port speaks TLS, use https:// or wss://",
        (P::Tls, false) => "the client begins TLS, and this port has none",
        (P::Socks5 | P::Socks4 | P::Socks4Reply, true) => {
            "this is a SOCKS proxy, use socks5h:// or socks4a://"
        }
        (P::Socks5 | P::Socks4, false) => "the client takes this port for a SOCKS proxy",
        (P::Http2Settings, true) => "this port speaks HTTP/2 only",
        (P::Http2Preface, false) => "the client speaks HTTP/2 without asking, and this port cannot",
        (P::HttpRequest, true) => "the peer is a client too",
        (P::HttpResponse, false) => "the peer is a server too",
        (P::ProxyHeader, false) => "a load balancer sends it, and this port expects none",
        (P::ProxyHeader, true) => "the peer is a load balancer",
        (P::Markup, _) => "something between answers for the server",
        (P::Ssh | P::Greeting220 | P::Imap | P::Pop3, true) => {
            "this is the port of another service"
        }
        _ => return None,
    })
}

const NOT_THE_SERVER: &str =
    ", an ordinary answer: something between answers for the server, or does not pass upgrades on";

const NO_UPGRADE: &str = ", an ordinary answer: the server has no such protocol at this path, or \
    something between does not pass upgrades on";

/// The number of characters of a method that an error shows.
const METHOD_SHOWN: usize = 32;
