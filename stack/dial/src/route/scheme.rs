//! The kinds of proxies, and the schemes that name them.

use crate::route::endpoint::RouteError;

/// The kind of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proxy {
    Socks4 { tls: bool },
    Socks5 { tls: bool },
    Http,
    Https,
    H2c,
    H2,
}

/// The protocol in which a proxy takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Socks,
    Http1,
    Http2,
}

impl Proxy {
    /// Returns the proxy that a scheme in lower case names.
    pub(crate) fn of_scheme(scheme: &str) -> Result<Self, RouteError> {
        let (name, tls) = match scheme.strip_suffix("+tls") {
            Some(name) => (name, true),
            None => (scheme, false),
        };
        Ok(match name {
            // Desktops write `socks`; curl takes it for SOCKS4.
            "socks" if !tls => Self::Socks4 { tls },
            "socks4" | "socks4a" => Self::Socks4 { tls },
            "socks5" | "socks5h" => Self::Socks5 { tls },
            "http" if !tls => Self::Http,
            "https" if !tls => Self::Https,
            "h2c" if !tls => Self::H2c,
            "h2" if !tls => Self::H2,
            _ => return Err(RouteError::Scheme(SCHEMES)),
        })
    }

    /// Returns the scheme that tells most about the proxy.
    pub(crate) fn scheme(self) -> &'static str {
        match self {
            Self::Socks4 { tls: false } => "socks4a",
            Self::Socks4 { tls: true } => "socks4a+tls",
            Self::Socks5 { tls: false } => "socks5h",
            Self::Socks5 { tls: true } => "socks5h+tls",
            Self::Http => "http",
            Self::Https => "https",
            Self::H2c => "h2c",
            Self::H2 => "h2",
        }
    }

    pub(crate) fn default_port(self) -> u16 {
        match self {
            Self::Socks4 { .. } | Self::Socks5 { .. } => 1080,
            Self::Http | Self::H2c => 80,
            Self::Https | Self::H2 => 443,
        }
    }

    /// Returns `true` if TLS lies between this side and the proxy.
    pub(crate) fn is_secure(self) -> bool {
        match self {
            Self::Socks4 { tls } | Self::Socks5 { tls } => tls,
            Self::Https | Self::H2 => true,
            Self::Http | Self::H2c => false,
        }
    }

    /// Returns the number of layers that the hop becomes: its TLS, and the client of the proxy.
    pub(crate) fn layers(self) -> usize {
        1 + usize::from(self.is_secure())
    }

    pub(crate) fn is_socks4(self) -> bool {
        matches!(self, Self::Socks4 { .. })
    }

    pub(crate) fn speaks(self) -> Speaks {
        match self {
            Self::Socks4 { .. } | Self::Socks5 { .. } => Speaks::Socks,
            Self::Http | Self::Https => Speaks::Http1,
            Self::H2c | Self::H2 => Speaks::Http2,
        }
    }

    /// Returns the protocols to offer to the proxy by ALPN: those that the next layer speaks, as the
    /// proxy chooses from the offer. SOCKS has no name there.
    pub(crate) fn alpn(self) -> &'static [&'static [u8]] {
        match self.speaks() {
            Speaks::Socks => &[],
            Speaks::Http1 => &[b"http/1.1"],
            Speaks::Http2 => &[b"h2"],
        }
    }
}

const SCHEMES: &str = "socks5://, socks5h://, socks4://, socks4a://, http://, https://, h2://, h2c://, \
                       socks5+tls:// or socks4+tls://";
