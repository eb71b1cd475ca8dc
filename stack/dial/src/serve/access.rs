//! The addresses that a proxy server may connect to.

use std::net::{IpAddr, SocketAddr};

/// The addresses that a proxy server may connect to.
///
/// A policy checks addresses, after the look-up of a name: a name can have any address. RFC 9110
/// §9.3.6 recommends to "restrict its use to a limited set of known ports or a configurable list of
/// safe request targets".
///
/// ```
/// use wirestack_dial::serve::AccessPolicy;
///
/// let policy = AccessPolicy::loopback().allow("192.0.2.7".parse()?, Some(443));
/// assert!(policy.permits("127.0.0.1:22".parse()?));
/// assert!(policy.permits("192.0.2.7:443".parse()?));
/// assert!(!policy.permits("192.0.2.7:22".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct AccessPolicy {
    base: Base,
    allowed: Vec<(IpAddr, Option<u16>)>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Base {
    #[default]
    Nothing,
    Loopback,
    Everything,
}

impl AccessPolicy {
    /// Permits only this machine: 127.0.0.0/8 and `::1`.
    pub fn loopback() -> Self {
        Self {
            base: Base::Loopback,
            allowed: Vec::new(),
        }
    }

    /// Permits all addresses: an open proxy.
    pub fn everything() -> Self {
        Self {
            base: Base::Everything,
            allowed: Vec::new(),
        }
    }

    /// Permits no address; [`allow`](Self::allow) adds some.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Permits one more address, at one port or at all ports.
    #[must_use]
    pub fn allow(mut self, ip: IpAddr, port: Option<u16>) -> Self {
        self.allowed.push((ip.to_canonical(), port));
        self
    }

    /// Returns `true` if a connection to this address is permitted.
    pub fn permits(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical(); // `::ffff:127.0.0.1` is 127.0.0.1
        let base_permits = match self.base {
            Base::Nothing => false,
            Base::Loopback => ip.is_loopback(),
            Base::Everything => true,
        };
        let is_allowed = |(allowed, port): &(IpAddr, Option<u16>)| {
            *allowed == ip && port.is_none_or(|port| port == address.port())
        };
        base_permits || self.allowed.iter().any(is_allowed)
    }
}
