use core::fmt;

/// The answer of a proxy to a request (RFC 1928 §6).
///
/// ```
/// use wirestack_socks::Reply;
///
/// assert_eq!(Reply::from(2), Reply::NotAllowed);
/// assert_eq!(Reply::HostUnreachable.code(), 4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reply {
    /// Succeeded (0).
    Succeeded,
    /// General SOCKS server failure (1).
    GeneralFailure,
    /// Connection not allowed by ruleset (2).
    NotAllowed,
    /// Network unreachable (3).
    NetworkUnreachable,
    /// Host unreachable (4).
    HostUnreachable,
    /// Connection refused (5).
    ConnectionRefused,
    /// TTL expired (6).
    TtlExpired,
    /// Command not supported (7).
    CommandNotSupported,
    /// Address type not supported (8).
    AddressTypeNotSupported,
    /// A code that the RFC leaves unassigned (9 to 255).
    Other(u8),
    /// The refusal of a SOCKS4 proxy: 91 if the request was rejected or failed, 92 if the proxy
    /// cannot reach identd at the client, 93 if identd or the proxy has another id for the user.
    ///
    /// A server sends it to clients of SOCKS4 only; clients of SOCKS5 get a general failure
    /// instead. Clients of SOCKS4 get 91 for every other refusal.
    Socks4(u8),
}

impl Reply {
    /// Returns the code on the wire.
    pub fn code(self) -> u8 {
        match self {
            Self::Succeeded => 0,
            Self::GeneralFailure => 1,
            Self::NotAllowed => 2,
            Self::NetworkUnreachable => 3,
            Self::HostUnreachable => 4,
            Self::ConnectionRefused => 5,
            Self::TtlExpired => 6,
            Self::CommandNotSupported => 7,
            Self::AddressTypeNotSupported => 8,
            Self::Other(code) | Self::Socks4(code) => code,
        }
    }
}

/// Reads a code of SOCKS5.
impl From<u8> for Reply {
    fn from(code: u8) -> Self {
        match code {
            0 => Self::Succeeded,
            1 => Self::GeneralFailure,
            2 => Self::NotAllowed,
            3 => Self::NetworkUnreachable,
            4 => Self::HostUnreachable,
            5 => Self::ConnectionRefused,
            6 => Self::TtlExpired,
            7 => Self::CommandNotSupported,
            8 => Self::AddressTypeNotSupported,
            code => Self::Other(code),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = match self {
            Self::Succeeded => "succeeded",
            Self::GeneralFailure => "general failure of the proxy",
            Self::NotAllowed => "not allowed by the rules of the proxy",
            Self::NetworkUnreachable => "network unreachable",
            Self::HostUnreachable => "host unreachable",
            Self::ConnectionRefused => "connection refused",
            Self::TtlExpired => "TTL expired",
            Self::CommandNotSupported => "command not supported",
            Self::AddressTypeNotSupported => "address type not supported",
            Self::Socks4(91) => "rejected or failed",
            Self::Socks4(92) => "the proxy cannot reach identd at the client",
            Self::Socks4(93) => "identd or the proxy knows the user by another id",
            Self::Other(_) | Self::Socks4(_) => "a reason that no standard defines",
        };
        let version = match self {
            Self::Socks4(_) => "SOCKS4 ",
            _ => "",
        };
        write!(f, "{meaning} ({version}reply {})", self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Reply;

    #[test]
    fn every_code_has_one_reply() {
        for code in 0..=255 {
            let reply = Reply::from(code);
            assert_eq!(reply.code(), code);
            assert_eq!(matches!(reply, Reply::Other(_)), code > 8);
        }
    }
}
