use crate::{AddressError, Reply};

/// Why a SOCKS5 handshake failed: the cause in an [`Error`](wirestack_layer::Error) of the layer
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
        /// 5, or 1 in the exchange of the password.
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
    /// To a client: the proxy does not connect, for this reason (RFC 1928 §6).
    #[error("the proxy refused to connect: {0}")]
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
    /// To a server: the client asks for something other than CONNECT (1).
    #[error("the client sent command {0:#04x}, wanted CONNECT, 0x01")]
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
}
