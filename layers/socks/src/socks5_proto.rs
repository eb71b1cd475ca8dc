//! Conversions to and from the types of `socks5-proto`, which knows SOCKS5 only.

use crate::{Address, AddressError, Command, Host, Reply};
use ::socks5_proto as theirs;
use alloc::string::String;
use core::fmt;
use core::net::SocketAddr;

impl From<Address> for theirs::Address {
    fn from(ours: Address) -> Self {
        match ours.host() {
            Host::Ip(ip) => Self::SocketAddress(SocketAddr::new(*ip, ours.port())),
            Host::Name(name) => Self::DomainAddress(name.as_bytes().into(), ours.port()),
        }
    }
}

/// Fails if a name is not valid. A name that is an IP literal becomes that address.
impl TryFrom<theirs::Address> for Address {
    type Error = AddressError;

    fn try_from(theirs: theirs::Address) -> Result<Self, AddressError> {
        match theirs {
            theirs::Address::SocketAddress(address) => Ok(address.into()),
            theirs::Address::DomainAddress(name, port) => {
                Self::new(&String::from_utf8_lossy(&name), port)
            }
        }
    }
}

impl From<Command> for theirs::Command {
    fn from(ours: Command) -> Self {
        match ours {
            Command::Connect => Self::Connect,
            Command::Bind => Self::Bind,
            Command::UdpAssociate => Self::Associate,
        }
    }
}

impl From<theirs::Command> for Command {
    fn from(theirs: theirs::Command) -> Self {
        match theirs {
            theirs::Command::Connect => Self::Connect,
            theirs::Command::Bind => Self::Bind,
            theirs::Command::Associate => Self::UdpAssociate,
        }
    }
}

/// Fails for codes that the RFC does not assign, and for those of SOCKS4.
impl TryFrom<Reply> for theirs::Reply {
    type Error = UnassignedReply;

    fn try_from(ours: Reply) -> Result<Self, UnassignedReply> {
        let unassigned = UnassignedReply(ours);
        match ours {
            Reply::Socks4(_) => Err(unassigned),
            ours => Self::try_from(ours.code()).map_err(|_| unassigned),
        }
    }
}

impl From<theirs::Reply> for Reply {
    fn from(theirs: theirs::Reply) -> Self {
        Self::from(u8::from(theirs))
    }
}

/// The error of a reply that `socks5-proto` does not have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UnassignedReply(pub Reply);

/// Shows the same as `Display`: it is what `main` prints.
impl fmt::Debug for UnassignedReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for UnassignedReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the reply is {}, wanted one that RFC 1928 assigns",
            self.0
        )
    }
}

impl core::error::Error for UnassignedReply {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn addresses_go_there_and_back() {
        for host in ["192.0.2.7", "2001:db8::7", "example.org", &"n".repeat(255)] {
            let ours = Address::new(host, 443).unwrap();
            let theirs = theirs::Address::from(ours.clone());
            assert_eq!(theirs.to_string(), ours.to_string());
            assert_eq!(Address::try_from(theirs), Ok(ours));
        }
    }

    #[test]
    fn names_that_are_none_stay_theirs() {
        let rows: [(&[u8], AddressError); 3] = [
            (b"", AddressError::Length(0)),
            (b"a\0", AddressError::Character('\0')),
            (b"\xff", AddressError::Character('\u{fffd}')),
        ];
        for (name, error) in rows {
            let theirs = theirs::Address::DomainAddress(name.into(), 443);
            assert_eq!(Address::try_from(theirs), Err(error));
        }
        let literal = theirs::Address::DomainAddress(b"192.0.2.7".into(), 443);
        assert_eq!(Address::try_from(literal), Address::new("192.0.2.7", 443));
    }

    #[test]
    fn commands_have_the_same_codes() {
        for ours in [Command::Connect, Command::Bind, Command::UdpAssociate] {
            let theirs = theirs::Command::from(ours);
            assert_eq!(u8::from(theirs), ours.code());
            assert_eq!(Command::from(theirs), ours);
        }
    }

    #[test]
    fn replies_have_the_same_codes() {
        for code in 0..=255 {
            let ours = Reply::from(code);
            match theirs::Reply::try_from(ours) {
                Ok(theirs) => {
                    assert_eq!(u8::from(theirs), code);
                    assert_eq!(Reply::from(theirs), ours);
                }
                Err(error) => {
                    assert!(code > 8);
                    assert_eq!(error, UnassignedReply(ours));
                }
            }
            let socks4 = Reply::Socks4(code);
            let error = theirs::Reply::try_from(socks4).unwrap_err();
            assert_eq!(error, UnassignedReply(socks4));
            let text =
                "the reply is connection refused (reply 5), wanted one that RFC 1928 assigns";
            assert_eq!(UnassignedReply(Reply::ConnectionRefused).to_string(), text);
        }
    }
}
