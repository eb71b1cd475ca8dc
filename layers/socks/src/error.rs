use crate::{AddressError, Reply};
use std::net::Ipv4Addr;

/// Why a handshake failed: the cause in an [`Error`](wirestack_layer::Error) of the layer
/// `socks`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// A message begins with another version number: the peer speaks something else.
    #[error("{message} has version {seen:#04x}, wanted {wanted:#04x}")]
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
    #[error("the wire ended after {seen} bytes of {awaited}")]
    Truncated {
        /// The message that was awaited.
        awaited: &'static str,
        /// How many bytes of it had arrived.
        seen: usize,
    },
    /// An address is neither IPv4 (1), a name (3) nor IPv6 (4), so its length is unknown.
    #[error("address type {0:#04x}, wanted 0x01, 0x03 or 0x04")]
    UnknownAddressType(u8),
    /// An address has a name that cannot be one.
    #[error(transparent)]
    BadAddress(#[from] AddressError),

    /// To a client: the proxy accepts none of the methods offered (RFC 1928 §3, X'FF').
    #[error("the proxy accepts none of the methods offered: {offered:02x?}")]
    MethodsRefused {
        /// What was offered: 0 is no authentication, 2 a password.
        offered: &'static [u8],
    },
    /// To a client: the proxy chose a method that was not offered.
    #[error("the proxy chose method {0:#04x}, which was not offered")]
    UnofferedMethod(u8),
    /// To a client: the proxy does not accept the password, with this status (RFC 1929 §2).
    #[error("the proxy refused the password with status {0:#04x}")]
    PasswordRefused(u8),
    /// To a client: the proxy refuses what it was asked for, for this reason (RFC 1928 §6).
    ///
    /// The second reply to BIND may say so too: nobody came, or somebody else.
    #[error("the proxy refused the request: {0}")]
    Refused(Reply),

    /// To a server: the client does not offer the one method that is accepted here.
    #[error("the client does not offer method {wanted:#04x}, which is required")]
    RequiredMethod {
        /// 0 is no authentication, 2 a password.
        wanted: u8,
    },
    /// To a server: the user name or the password is empty, against RFC 1929 §2.
    #[error("the client sent an empty user name or password, wanted 1 to 255 bytes")]
    EmptyPassword,
    /// To a server: the check did not accept the user name and the password.
    #[error("the client sent a wrong user name or password")]
    WrongPassword,
    /// To a server: the user id of a SOCKS4 client was not accepted.
    #[error("the client sent a user id that is not accepted")]
    WrongUserId,
    /// To a server: a SOCKS4 client sent more than 255 bytes of this field, without an end.
    #[error("the client sent a {0} of more than 255 bytes")]
    TooLong(&'static str),
    /// To a server: the client asks for a command that is not served: neither CONNECT (1) nor
    /// another that [`Server::serving`](crate::Server::serving) allows.
    #[error("the client sent command {0:#04x}, which is not served")]
    UnsupportedCommand(u8),
    /// To a server: its own application rejected the request, with this reply.
    #[error("the request was rejected: {0}")]
    Rejected(Reply),
}

/// Why a user name and a password cannot be sent: RFC 1929 §2 gives each of them 1 to 255 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// The user name has so many bytes.
    #[error("a user name of {0} bytes, wanted 1 to 255")]
    UserLength(usize),
    /// The password is empty or too long; how long it is, is nobody's business.
    #[error("a password that is not 1 to 255 bytes long")]
    PasswordLength,
    /// The client speaks SOCKS4.
    #[error("a password for SOCKS4, which has none")]
    Socks4,
}

/// Why a client cannot speak SOCKS4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Socks4Error {
    /// The target is an IPv6 address.
    #[error("an IPv6 address, wanted IPv4 or a name")]
    Ipv6,
    /// The target is one of 0.0.0.1 to 0.0.0.255, which to SOCKS4a announce a name.
    #[error("the IPv4 address {0}, which would announce a name")]
    AnnouncesName(Ipv4Addr),
    /// SOCKS4 relays no datagrams.
    #[error("UDP ASSOCIATE, wanted CONNECT or BIND")]
    UdpAssociate,
    /// The user id has a NUL, which would end it.
    #[error("a user id with a NUL")]
    UserIdNul,
    /// The user id has so many bytes.
    #[error("a user id of {0} bytes, wanted at most 255")]
    UserIdLength(usize),
    /// The client has a password, which SOCKS4 cannot send.
    #[error("a password, which SOCKS4 cannot send")]
    Password,
}
