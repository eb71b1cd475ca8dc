//! The names of messages and the codes of methods, which errors show.

// The names of the messages, in errors and while they are awaited.
pub(crate) const GREETING: &str = "the greeting";
pub(crate) const CHOICE: &str = "the choice of a method";
pub(crate) const PASSWORD: &str = "the password";
pub(crate) const STATUS: &str = "the answer to the password";
pub(crate) const REQUEST: &str = "the request";
pub(crate) const SOCKS4_REQUEST: &str = "the SOCKS4 request";
pub(crate) const SOCKS4_REPLY: &str = "the SOCKS4 reply";
pub(crate) const SECOND_REPLY: &str = "the second reply to BIND";
/// The subject of the second decision on BIND.
pub(crate) const PEER: &str = "the peer of BIND";
pub(crate) const DATAGRAM: &str = "the datagram";

/// The methods of authentication (RFC 1928 §3).
pub(crate) mod method {
    pub(crate) const NO_AUTHENTICATION: u8 = 0x00;
    pub(crate) const PASSWORD: u8 = 0x02;
    pub(crate) const NONE_ACCEPTABLE: u8 = 0xff;
}
