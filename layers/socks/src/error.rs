use crate::{AddressError, Reply};
use core::fmt;
use core::net::Ipv4Addr;

/// The reason why a handshake failed: the cause in an [`Error`](wirestack_layer::Error) of the
/// layer `socks`.
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
    Refused(Reply),

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
            Self::Truncated { awaited, seen } => {
                write!(f, "the wire ended after {seen} bytes of {awaited}")
            }
            Self::UnknownAddressType(code) => {
                write!(f, "address type {code:#04x}, wanted 0x01, 0x03 or 0x04")
            }
            Self::BadAddress(error) => error.fmt(f),
            Self::MethodsRefused { offered } => write!(
                f,
                "the proxy accepts none of the methods offered: {offered:02x?}"
            ),
            Self::UnofferedMethod(method) => write!(
                f,
                "the proxy chose method {method:#04x}, which was not offered"
            ),
            Self::PasswordRefused(status) => write!(
                f,
                "the proxy refused the password with status {status:#04x}"
            ),
            Self::Refused(reply) => write!(f, "the proxy refused the request: {reply}"),
            Self::RequiredMethod { wanted } => write!(
                f,
                "the client does not offer method {wanted:#04x}, which is required"
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

impl From<AddressError> for SocksError {
    fn from(error: AddressError) -> Self {
        Self::BadAddress(error)
    }
}

/// The reason why a user name and a password cannot be sent. RFC 1929 §2 has a length of one byte
/// for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PasswordError {
    /// The user name has this many bytes.
    UserLength(usize),
    /// The password is too long. Its length is kept secret.
    PasswordLength,
    /// The client speaks SOCKS4.
    Socks4,
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
            Self::Socks4 => f.write_str("a password for SOCKS4, which cannot send one: use SOCKS5"),
        }
    }
}

impl core::error::Error for PasswordError {}

/// The reason why a client cannot speak SOCKS4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl fmt::Display for Socks4Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv6 => f.write_str("an IPv6 address, wanted IPv4 or a name"),
            Self::AnnouncesName(ip) => write!(
                f,
                "the IPv4 address {ip}, which announces a name in SOCKS4a: use SOCKS5"
            ),
            Self::UdpAssociate => f.write_str("UDP ASSOCIATE, wanted CONNECT or BIND"),
            Self::UserIdNul => f.write_str("a user id with a NUL, wanted one without"),
            Self::UserIdLength(length) => {
                write!(f, "a user id of {length} bytes, wanted at most 255")
            }
            Self::Password => f.write_str("a password, which SOCKS4 cannot send: use SOCKS5"),
        }
    }
}

impl core::error::Error for Socks4Error {}
