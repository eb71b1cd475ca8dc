use std::net::{IpAddr, SocketAddr};

/// Where a proxy may connect to.
///
/// It is asked about addresses, after names have been looked up: a name says nothing about where it
/// leads. RFC 9110 §9.3.6 recommends to "restrict its use to a limited set of known ports or a
/// configurable list of safe request targets".
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
    /// Permits this machine only, which is where proxies of this project go unless they are told
    /// otherwise.
    pub fn loopback() -> Self {
        Self {
            base: Base::Loopback,
            allowed: Vec::new(),
        }
    }

    /// Permits everything: an open proxy.
    pub fn everything() -> Self {
        Self {
            base: Base::Everything,
            allowed: Vec::new(),
        }
    }

    /// Permits nothing but what is allowed one by one.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Permits one address too, at one port or at all.
    #[must_use]
    pub fn allow(mut self, ip: IpAddr, port: Option<u16>) -> Self {
        self.allowed.push((ip.to_canonical(), port));
        self
    }

    /// Returns whether a connection to this address is permitted.
    pub fn permits(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical(); // `::ffff:127.0.0.1` is 127.0.0.1
        let by_base = match self.base {
            Base::Nothing => false,
            Base::Loopback => ip.is_loopback(),
            Base::Everything => true,
        };
        by_base
            || self
                .allowed
                .iter()
                .any(|(allowed, port)| *allowed == ip && port.is_none_or(|p| p == address.port()))
    }
}
