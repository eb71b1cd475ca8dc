use crate::{AddressError, Reply};
use core::fmt;
use core::net::Ipv4Addr;

/// Why a handshake failed: the cause in an [`Error`](wirestack_layer::Error) of the layer
/// `socks`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocksError {
    /// A message begins with another version number: the peer speaks something else.
    BadVersion {
        /// The message.
        message: &'static str,
        /// Its first byte.
        seen: u8,
        /// 5, even where SOCKS4 would do too; 1 in the exchange of the password; 0 in a reply of
        /// SOCKS4.
        wanted: u8,
    },
    /// The peer finished in the middle of the handshake.
    Truncated {
        /// The message that was awaited.
        awaited: &'static str,
        /// How many bytes of it had arrived.
        seen: usize,
    },
    /// An address is neither IPv4 (1), a name (3) nor IPv6 (4), so its length is unknown.
    UnknownAddressType(u8),
    /// An address has a name that cannot be one.
    BadAddress(AddressError),

    /// To a client: the proxy accepts none of the methods offered (RFC 1928 §3, X'FF').
    MethodsRefused {
        /// What was offered: 0 is no authentication, 2 a password.
        offered: &'static [u8],
    },
    /// To a client: the proxy chose a method that was not offered.
    UnofferedMethod(u8),
    /// To a client: the proxy does not accept the password, with this status (RFC 1929 §2).
    PasswordRefused(u8),
    /// To a client: the proxy refuses what it was asked for, for this reason (RFC 1928 §6).
    ///
    /// The second reply to BIND may say so too: nobody came, or somebody else.
    Refused(Reply),

    /// To a server: the client does not offer the one method that is accepted here.
    RequiredMethod {
        /// 0 is no authentication, 2 a password.
        wanted: u8,
    },
    /// To a server: the user name or the password is empty, against RFC 1929 §2.
    EmptyPassword,
    /// To a server: the check did not accept the user name and the password.
    WrongPassword,
    /// To a server: the user id of a SOCKS4 client was not accepted.
    WrongUserId,
    /// To a server: a SOCKS4 client sent more than 255 bytes of this field, without an end.
    TooLong(&'static str),
    /// To a server: the client asks for a command that is not served: neither CONNECT (1) nor
    /// another that [`Server::serving`](crate::Server::serving) allows.
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
            Self::UnknownAddressType(it) => {
                write!(f, "address type {it:#04x}, wanted 0x01, 0x03 or 0x04")
            }
            Self::BadAddress(error) => error.fmt(f),
            Self::MethodsRefused { offered } => write!(
                f,
                "the proxy accepts none of the methods offered: {offered:02x?}"
            ),
            Self::UnofferedMethod(it) => {
                write!(f, "the proxy chose method {it:#04x}, which was not offered")
            }
            Self::PasswordRefused(it) => {
                write!(f, "the proxy refused the password with status {it:#04x}")
            }
            Self::Refused(it) => write!(f, "the proxy refused the request: {it}"),
            Self::RequiredMethod { wanted } => write!(
                f,
                "the client does not offer method {wanted:#04x}, which is required"
            ),
            Self::EmptyPassword => {
                f.write_str("the client sent an empty user name or password, wanted 1 to 255 bytes")
            }
            Self::WrongPassword => f.write_str("the client sent a wrong user name or password"),
            Self::WrongUserId => f.write_str("the client sent a user id that is not accepted"),
            Self::TooLong(it) => write!(f, "the client sent a {it} of more than 255 bytes"),
            Self::UnsupportedCommand(it) => {
                write!(f, "the client sent command {it:#04x}, which is not served")
            }
            Self::Rejected(it) => write!(f, "the request was rejected: {it}"),
        }
    }
}

impl core::error::Error for SocksError {}

impl From<AddressError> for SocksError {
    fn from(error: AddressError) -> Self {
        Self::BadAddress(error)
    }
}

/// Why a user name and a password cannot be sent: RFC 1929 §2 gives each of them 1 to 255 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PasswordError {
    /// The user name has so many bytes.
    UserLength(usize),
    /// The password is empty or too long; how long it is, is nobody's business.
    PasswordLength,
    /// The client speaks SOCKS4.
    Socks4,
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UserLength(it) => write!(f, "a user name of {it} bytes, wanted 1 to 255"),
            Self::PasswordLength => f.write_str("a password that is not 1 to 255 bytes long"),
            Self::Socks4 => f.write_str("a password for SOCKS4, which has none"),
        }
    }
}

impl core::error::Error for PasswordError {}

/// Why a client cannot speak SOCKS4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Socks4Error {
    /// The target is an IPv6 address.
    Ipv6,
    /// The target is one of 0.0.0.1 to 0.0.0.255, which to SOCKS4a announce a name.
    AnnouncesName(Ipv4Addr),
    /// SOCKS4 relays no datagrams.
    UdpAssociate,
    /// The user id has a NUL, which would end it.
    UserIdNul,
    /// The user id has so many bytes.
    UserIdLength(usize),
    /// The client has a password, which SOCKS4 cannot send.
    Password,
}

impl fmt::Display for Socks4Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv6 => f.write_str("an IPv6 address, wanted IPv4 or a name"),
            Self::AnnouncesName(it) => {
                write!(f, "the IPv4 address {it}, which would announce a name")
            }
            Self::UdpAssociate => f.write_str("UDP ASSOCIATE, wanted CONNECT or BIND"),
            Self::UserIdNul => f.write_str("a user id with a NUL"),
            Self::UserIdLength(it) => write!(f, "a user id of {it} bytes, wanted at most 255"),
            Self::Password => f.write_str("a password, which SOCKS4 cannot send"),
        }
    }
}

impl core::error::Error for Socks4Error {}
