use crate::names::{CHOICE, GREETING, SOCKS4_REPLY, method};
use crate::{Address, AddressError, Command, Reply};
use alloc::boxed::Box;
use core::fmt;
use core::net::Ipv4Addr;
use wirestack_layer::{FirstBytes, SeenProtocol};

/// The reason why a handshake failed: the cause in an [`Error`](wirestack_layer::Error) of the
/// layer `socks`.
///
/// ```
/// use wirestack_layer::{End, Flow, Flows, Instant, Layer, Pipe};
/// use wirestack_socks::{Address, Client, Reply, SocksError};
///
/// let mut client = Client::new(Address::new("example.org", 443)?);
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// from_wire.write(b"\x05\x00\x05\x02\x00\x01\0\0\0\0\0\0");
/// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// client.process(flows, Instant::ORIGIN);
/// let Some(End::Aborted(error)) = to_app.end() else { panic!() };
/// let Some(SocksError::Refused { reply, .. }) = error.cause() else { panic!() };
/// assert_eq!(*reply, Reply::NotAllowed);
/// # Ok::<(), wirestack_socks::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocksError {
    /// A message begins with the wrong version number: the peer speaks another protocol.
    BadVersion {
        /// The name of the message.
        message: &'static str,
        /// Its first byte.
        seen: u8,
        /// The right number: 5, even if SOCKS4 is served too; 1 in the password exchange; 0 in a
        /// reply of SOCKS4.
        wanted: u8,
    },
    /// The peer begins with another protocol.
    NotSocks {
        /// The name of the message that was wanted.
        message: &'static str,
        /// The first bytes of the peer.
        seen: FirstBytes,
    },
    /// The peer finished in the middle of the handshake.
    Truncated {
        /// The name of the message that was awaited.
        awaited: &'static str,
        /// The number of bytes of it that had arrived.
        seen: usize,
    },
    /// The type of an address is neither IPv4 (1), name (3) nor IPv6 (4), so its length is unknown.
    UnknownAddressType(u8),
    /// An address has a name that is not valid.
    BadAddress(AddressError),

    /// To a client: the proxy accepts none of the methods offered (RFC 1928 §3, X'FF').
    MethodsRefused {
        /// The methods: 0 is no authentication, 2 a password.
        offered: &'static [u8],
    },
    /// To a client: the proxy chose a method that was not offered.
    UnofferedMethod(u8),
    /// To a client: the proxy does not accept the password, with this status (RFC 1929 §2).
    PasswordRefused(u8),
    /// To a client: the proxy refuses the request, for this reason (RFC 1928 §6).
    ///
    /// The second reply to BIND may be a refusal too: no peer has connected, or the wrong one.
    Refused {
        /// The reason.
        reply: Reply,
        /// The command and the address that the proxy was asked for; `None` if they are not known.
        asked: Option<Box<(Command, Address)>>,
    },

    /// To a server: the client does not offer the one method that the server accepts.
    RequiredMethod {
        /// The method: 0 is no authentication, 2 a password.
        wanted: u8,
    },
    /// To a server: the user name or the password is empty, against RFC 1929 §2.
    EmptyPassword,
    /// To a server: the check did not accept the user name and the password.
    WrongPassword,
    /// To a server: the user id of a SOCKS4 client was not accepted.
    WrongUserId,
    /// To a server: a SOCKS4 client sent more than 255 bytes of this field.
    TooLong(&'static str),
    /// To a server: the client asks for a command that is not served. CONNECT (1) is;
    /// [`Server::serving`](crate::Server::serving) adds others.
    UnsupportedCommand(u8),
    /// To a server: its own application rejected the request, with this reply.
    Rejected(Reply),
}

impl fmt::Display for SocksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadVersion {
                message,
                seen,
                wanted,
            } => write!(f, "{message} has version {seen:#04x}, wanted {wanted:#04x}"),
            Self::NotSocks { message, seen } => {
                let of = match *message {
                    SOCKS4_REPLY => "",
                    _ => " of SOCKS5",
                };
                write!(f, "saw {seen} where {message}{of} was wanted")?;
                match seen.protocol().and_then(|seen| advice(seen, message)) {
                    Some(advice) => write!(f, ": {advice}"),
                    None => Ok(()),
                }
            }
            Self::Truncated { awaited, seen: 0 } => {
                write!(f, "the connection ended before {awaited}")?;
                f.write_str(match *awaited {
                    CHOICE => ": it may speak SOCKS4 only, or no SOCKS at all",
                    SOCKS4_REPLY => ": it may speak SOCKS5 only, use socks5h://",
                    _ => "",
                })
            }
            Self::Truncated { awaited, seen } => {
                write!(f, "the connection ended after {seen} bytes of {awaited}")
            }
            Self::UnknownAddressType(code) => {
                write!(
                    f,
                    "the peer sent the address type {code:#04x}, wanted 0x01 (IPv4), 0x03 (a name) or 0x04 (IPv6)"
                )
            }
            Self::BadAddress(error) => error.fmt(f),
            Self::MethodsRefused { offered } if offered.contains(&method::PASSWORD) => f.write_str(
                "the proxy accepts no client by a user name and a password, nor without: it may \
                 want GSSAPI, which is not spoken here",
            ),
            Self::MethodsRefused { .. } => f.write_str(
                "the proxy accepts no client without a user name and a password, and there are \
                 none: give them, as in socks5h://user:password@proxy",
            ),
            Self::UnofferedMethod(method) => write!(
                f,
                "the proxy chose {}, which was not offered",
                MethodName(*method)
            ),
            Self::PasswordRefused(status) => write!(
                f,
                "the proxy refused the user name or the password (status {status})"
            ),
            Self::Refused { reply, asked } => match asked.as_deref() {
                Some((command, address)) => {
                    write!(f, "the proxy refused {command} {address}: {reply}")
                }
                None => write!(f, "the proxy refused the request: {reply}"),
            },
            Self::RequiredMethod {
                wanted: method::NO_AUTHENTICATION,
            } => f.write_str(
                "the client does not offer to go without authentication (method 0x00), and there \
                 is none here",
            ),
            Self::RequiredMethod { wanted } => write!(
                f,
                "the client does not offer {}, which is required",
                MethodName(*wanted)
            ),
            Self::EmptyPassword => {
                f.write_str("the client sent an empty user name or password, wanted 1 to 255 bytes")
            }
            Self::WrongPassword => f.write_str("the client sent a wrong user name or password"),
            Self::WrongUserId => f.write_str("the client sent a user id that is not accepted"),
            Self::TooLong(field) => write!(f, "the client sent a {field} of more than 255 bytes"),
            Self::UnsupportedCommand(code) => write!(
                f,
                "the client sent command {code:#04x}, which is not served"
            ),
            Self::Rejected(reply) => write!(f, "the request was rejected: {reply}"),
        }
    }
}

impl core::error::Error for SocksError {}

/// Shows the name of a method of authentication (RFC 1928 §3).
struct MethodName(u8);

impl fmt::Display for MethodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            method::NO_AUTHENTICATION => f.write_str("no authentication (method 0x00)"),
            0x01 => f.write_str("GSSAPI (method 0x01)"),
            method::PASSWORD => f.write_str("a user name and a password (method 0x02)"),
            other => write!(f, "method {other:#04x}"),
        }
    }
}

/// Returns the advice for a peer that speaks this protocol instead.
fn advice(seen: SeenProtocol, message: &str) -> Option<&'static str> {
    Some(match seen {
        SeenProtocol::Tls if message == GREETING => "the client begins TLS, and this port has none",
        SeenProtocol::Tls => "this port speaks TLS, and SOCKS has none",
        SeenProtocol::HttpResponse => "this is an HTTP proxy or a web server, use http://",
        SeenProtocol::HttpRequest => "the client takes this port for an HTTP proxy",
        SeenProtocol::Http2Settings => "this port speaks HTTP/2, use h2c://",
        SeenProtocol::Http2Preface => "the client speaks HTTP/2",
        SeenProtocol::Socks4Reply => "the proxy speaks SOCKS4 only, use socks4a://",
        SeenProtocol::Socks4 => "the client speaks SOCKS4, which is not served",
        SeenProtocol::Socks5 => "the proxy speaks SOCKS5 only, use socks5h://",
        SeenProtocol::ProxyHeader => "a load balancer sends it, and this port expects none",
        SeenProtocol::Ssh | SeenProtocol::Greeting220 | SeenProtocol::Imap | SeenProtocol::Pop3 => {
            "this is the port of another service"
        }
        _ => return None,
    })
}

impl From<AddressError> for SocksError {
    fn from(error: AddressError) -> Self {
        Self::BadAddress(error)
    }
}

/// The reason why a user name and a password cannot be sent. RFC 1929 §2 has a length of one byte
/// for each.
///
/// ```
/// use wirestack_socks::{Address, Client, PasswordError};
///
/// let client = Client::new(Address::new("example.org", 443)?);
/// let refused = client.with_password("x".repeat(256), "secret");
/// assert!(matches!(refused, Err(PasswordError::UserLength(256))));
/// # Ok::<(), wirestack_socks::AddressError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PasswordError {
    /// The user name has this many bytes.
    UserLength(usize),
    /// The password is too long. Its length is kept secret.
    PasswordLength,
    /// The client speaks SOCKS4.
    Socks4,
}

/// Shows the same as `Display`: it is what `main` prints.
impl fmt::Debug for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UserLength(length) => {
                write!(f, "a user name of {length} bytes, wanted at most 255")
            }
            Self::PasswordLength => {
                f.write_str("a password that is too long, wanted at most 255 bytes")
            }
            Self::Socks4 => {
                f.write_str("a password for SOCKS4, which cannot send one: use SOCKS5 (socks5h://)")
            }
        }
    }
}

impl core::error::Error for PasswordError {}

/// The reason why a client cannot speak SOCKS4.
///
/// ```
/// use wirestack_socks::{Address, Client, Socks4Error};
///
/// let client = Client::new(Address::new("2001:db8::1", 443)?);
/// assert!(matches!(client.socks4("ada"), Err(Socks4Error::Ipv6)));
/// # Ok::<(), wirestack_socks::AddressError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Socks4Error {
    /// The target is an IPv6 address.
    Ipv6,
    /// The target is one of 0.0.0.1 to 0.0.0.255, which announce a name in SOCKS4a.
    AnnouncesName(Ipv4Addr),
    /// SOCKS4 relays no datagrams.
    UdpAssociate,
    /// The user id has a NUL, which would end it.
    UserIdNul,
    /// The user id has this many bytes.
    UserIdLength(usize),
    /// The client has a password, which SOCKS4 cannot send.
    Password,
}

/// Shows the same as `Display`: it is what `main` prints.
impl fmt::Debug for Socks4Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Socks4Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv6 => f.write_str("SOCKS4 cannot ask for an IPv6 address, only for IPv4 or a name: use SOCKS5 (socks5h://)"),
            Self::AnnouncesName(ip) => write!(
                f,
                "SOCKS4 cannot ask for the IPv4 address {ip}, which announces a name in SOCKS4a: use \
                 SOCKS5 (socks5h://)"
            ),
            Self::UdpAssociate => f.write_str("SOCKS4 has no UDP ASSOCIATE, only CONNECT and BIND: use SOCKS5 (socks5h://)"),
            Self::UserIdNul => f.write_str("a user id with a NUL, wanted one without"),
            Self::UserIdLength(length) => {
                write!(f, "a user id of {length} bytes, wanted at most 255")
            }
            Self::Password => f.write_str("a password, which SOCKS4 cannot send: use SOCKS5 (socks5h://)"),
        }
    }
}

impl core::error::Error for Socks4Error {}
