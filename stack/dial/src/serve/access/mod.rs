//! The targets that a proxy server may connect to.

mod host;
mod network;
mod special;

pub use network::{InvalidNetwork, Network, Ports};

use host::HostPattern;
use std::net::{IpAddr, SocketAddr};

/// The targets that a proxy server may connect to: hosts, addresses and ports.
///
/// A policy is a preset and rules before it. A target is asked about twice:
///
/// 1. **Its host, before a look-up.** The first rule of [`allow_host`](Self::allow_host),
///    [`deny_host`](Self::deny_host) and [`trust_host`](Self::trust_host) that matches decides;
///    without one, the host is permitted.
/// 2. **Each of its addresses, after the look-up.** The first rule of [`allow`](Self::allow) and
///    [`deny`](Self::deny) that matches decides; without one, the preset and its
///    [ports](Self::ports) do.
///
/// Both must permit it, and the addresses that were asked about are those that are connected to:
/// nothing is looked up again. So the owner of a name cannot lead a client to a denied address
/// (server-side request forgery, DNS rebinding).
///
/// ```
/// use wirestack_dial::serve::AccessPolicy;
///
/// let policy = AccessPolicy::public()
///     .deny("198.51.100.0/24".parse()?, ..)
///     .allow("10.1.2.0/24".parse()?, 8000..=8999) // an exception to the preset
///     .deny_host("*.internal", ..);
/// assert!(policy.permits("93.184.215.14:443".parse()?));
/// assert!(policy.permits("10.1.2.3:8080".parse()?));
/// assert!(!policy.permits("10.1.3.3:8080".parse()?));
/// assert!(!policy.permits("93.184.215.14:25".parse()?));
/// assert!(!policy.permits_host("db.internal", 443));
///
/// let servers = AccessPolicy::nothing().allow("10.1.2.3".parse()?, 443); // nothing but this
/// assert!(servers.permits("10.1.2.3:443".parse()?) && !servers.permits("10.1.2.4:443".parse()?));
/// let open = AccessPolicy::everything(); // for clients that have logged in
/// assert!(open.permits("10.1.2.4:22".parse()?) && open.permits_peer("10.1.2.4".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// An IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`) is that IPv4 address. A rule that
/// denies it also denies the other forms that lead to it: NAT64, 6to4, Teredo, ISATAP,
/// IPv4-compatible and IPv4-translated addresses. Other spellings of an address as a host, such as
/// `127.1`, `0x7f.0.0.1` and `2130706433`, are that address.
///
/// RFC 9110 §9.3.6: a proxy "SHOULD restrict its use to a limited set of known ports or a
/// configurable list of safe request targets".
#[derive(Clone, Debug)]
pub struct AccessPolicy {
    hosts: Vec<HostRule>,
    networks: Vec<NetworkRule>,
    preset: Preset,
    ports: Vec<Ports>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Preset {
    #[default]
    Nothing,
    Loopback,
    Public,
    Everything,
}

#[derive(Clone, Debug)]
struct HostRule {
    pattern: HostPattern,
    ports: Ports,
    verdict: HostVerdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HostVerdict {
    Denied,
    Allowed,
    /// Its addresses are not asked about.
    Trusted,
}

#[derive(Clone, Debug)]
struct NetworkRule {
    network: Network,
    ports: Ports,
    allows: bool,
}

impl AccessPolicy {
    /// Permits the servers of the public Internet, at the ports 80 and 443. It is the preset for a
    /// forward proxy: no client gets into the network that the proxy is in.
    ///
    /// Left out are loopback and unspecified addresses, private ones (RFC 1918, fc00::/7), those
    /// behind a carrier's NAT (100.64.0.0/10), link-local and site-local ones, multicast,
    /// broadcast, reserved, benchmark and documentation addresses, the metadata services of clouds,
    /// and every IPv6 address that leads to one of them.
    ///
    /// [`ports`](Self::ports) sets other ports, and [`allow`](Self::allow) makes exceptions.
    pub fn public() -> Self {
        Self::new(Preset::Public).ports([80, 443])
    }

    /// Permits only this machine: 127.0.0.0/8 and `::1`.
    ///
    /// ```
    /// use wirestack_dial::serve::AccessPolicy;
    ///
    /// let here = AccessPolicy::loopback();
    /// assert!(here.permits("127.0.0.1:8080".parse()?) && !here.permits("192.0.2.7:80".parse()?));
    /// assert!(AccessPolicy::everything().permits("10.0.0.1:22".parse()?));
    /// assert!(!AccessPolicy::nothing().permits("192.0.2.7:80".parse()?));
    /// assert!(here.permits_peer("127.0.0.1".parse()?)); // of BIND
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn loopback() -> Self {
        Self::new(Preset::Loopback)
    }

    /// Permits all addresses, **also those of the network that the proxy is in**: an open proxy.
    pub fn everything() -> Self {
        Self::new(Preset::Everything)
    }

    /// Permits no address; [`allow`](Self::allow) adds some.
    pub fn nothing() -> Self {
        Self::new(Preset::Nothing)
    }

    fn new(preset: Preset) -> Self {
        Self {
            hosts: Vec::new(),
            networks: Vec::new(),
            preset,
            ports: vec![Ports::from(..)],
        }
    }

    /// Sets the ports that the preset permits: `[443, 8443]`, `[1024..=65535]`, or `[..]` for all.
    /// Rules have ports of their own.
    ///
    /// ```
    /// use wirestack_dial::serve::AccessPolicy;
    ///
    /// let web = AccessPolicy::public().ports([80, 443]);
    /// assert!(web.permits("1.1.1.1:443".parse()?) && !web.permits("1.1.1.1:25".parse()?));
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub fn ports<P: Into<Ports>>(mut self, ports: impl IntoIterator<Item = P>) -> Self {
        self.ports = ports.into_iter().map(Into::into).collect();
        self
    }

    /// Permits the addresses of a network at some ports, unless a rule before this one denies them.
    #[must_use]
    pub fn allow(self, network: Network, ports: impl Into<Ports>) -> Self {
        self.with_network(network, ports.into(), true)
    }

    /// Denies the addresses of a network at some ports, unless a rule before this one permits them.
    #[must_use]
    pub fn deny(self, network: Network, ports: impl Into<Ports>) -> Self {
        self.with_network(network, ports.into(), false)
    }

    fn with_network(mut self, network: Network, ports: Ports, allows: bool) -> Self {
        self.networks.push(NetworkRule {
            network,
            ports,
            allows,
        });
        self
    }

    /// Permits hosts, unless a rule before this one denies them. **Their addresses are still asked
    /// about.** With [`deny_host("*", ..)`](Self::deny_host) behind it, no other hosts are
    /// permitted:
    ///
    /// ```
    /// use wirestack_dial::serve::AccessPolicy;
    ///
    /// let policy = AccessPolicy::public().allow_host("*.example.org", ..).deny_host("*", ..);
    /// assert!(policy.permits_host("www.example.org", 443));
    /// assert!(!policy.permits_host("example.com", 443));
    /// assert!(!policy.permits_host("93.184.215.14", 443));
    /// ```
    ///
    /// A pattern is a name, `*.` and a name for all names below it, an address for each spelling of
    /// it, or `*` for every host, one that is an address too. A name that is looked up to an address
    /// is not that address here: see [`deny`](Self::deny). A name in Unicode stands for its A-labels
    /// (`xn--...`), as clients write them; without the feature `idna`, write those.
    #[must_use]
    pub fn allow_host(self, pattern: &str, ports: impl Into<Ports>) -> Self {
        self.with_host(pattern, ports.into(), HostVerdict::Allowed)
    }

    /// Denies hosts before they are looked up, unless a rule before this one permits them. For the
    /// pattern, see [`allow_host`](Self::allow_host).
    ///
    /// Others may own names that lead to the same addresses. To close addresses,
    /// [deny](Self::deny) them.
    #[must_use]
    pub fn deny_host(self, pattern: &str, ports: impl Into<Ports>) -> Self {
        self.with_host(pattern, ports.into(), HostVerdict::Denied)
    }

    /// Permits hosts **at whatever address the look-up returns**, also at one that the rest of the
    /// policy denies, unless a rule before this one denies them. The owner of these names
    /// decides where the clients get to. For the pattern, see [`allow_host`](Self::allow_host).
    ///
    /// ```
    /// use wirestack_dial::serve::AccessPolicy;
    ///
    /// // A name inside, whatever its address is.
    /// let policy = AccessPolicy::public().trust_host("wiki.corp.test", 443);
    /// assert!(policy.permits_found("wiki.corp.test", "10.1.2.3:443".parse()?));
    /// assert!(!policy.permits_found("mail.corp.test", "10.1.2.4:443".parse()?));
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub fn trust_host(self, pattern: &str, ports: impl Into<Ports>) -> Self {
        self.with_host(pattern, ports.into(), HostVerdict::Trusted)
    }

    fn with_host(mut self, pattern: &str, ports: Ports, verdict: HostVerdict) -> Self {
        self.hosts.push(HostRule {
            pattern: HostPattern::new(pattern),
            ports,
            verdict,
        });
        self
    }

    /// Returns `true` if a connection to this address is permitted.
    pub fn permits(&self, address: SocketAddr) -> bool {
        self.permits_ip(address.ip(), Some(address.port()))
    }

    /// Returns `true` if a connection from this address is permitted, whatever port it comes from:
    /// the peer of a BIND.
    pub fn permits_peer(&self, address: IpAddr) -> bool {
        self.permits_ip(address, None)
    }

    /// Returns `true` if a host may be looked up, or connected to if it is an address.
    pub fn permits_host(&self, host: &str, port: u16) -> bool {
        let is_permitted = self.host_verdict(host, port) != HostVerdict::Denied;
        let address = host::address_of(host).map(|ip| SocketAddr::new(ip, port));
        is_permitted && address.is_none_or(|address| self.permits_found(host, address))
    }

    /// Returns `true` if a connection to this address is permitted, which `host` was found to have.
    ///
    /// ```
    /// use wirestack_dial::serve::AccessPolicy;
    ///
    /// let policy = AccessPolicy::public().trust_host("git.corp.test", 443);
    /// let inside = "10.0.0.7:443".parse()?;
    /// assert!(policy.permits_found("git.corp.test", inside)); // with whatever address it has
    /// assert!(!policy.permits_found("evil.test", inside));
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn permits_found(&self, host: &str, address: SocketAddr) -> bool {
        match self.host_verdict(host, address.port()) {
            HostVerdict::Denied => false,
            HostVerdict::Trusted => true,
            HostVerdict::Allowed => self.permits(address),
        }
    }

    fn host_verdict(&self, host: &str, port: u16) -> HostVerdict {
        let matches = |rule: &&HostRule| rule.ports.contains(port) && rule.pattern.matches(host);
        let rule = self.hosts.iter().find(matches);
        rule.map_or(HostVerdict::Allowed, |rule| rule.verdict)
    }

    /// Without a port, a rule for some ports allows and does not deny.
    fn permits_ip(&self, ip: IpAddr, port: Option<u16>) -> bool {
        let ip = ip.to_canonical(); // `::ffff:127.0.0.1` is 127.0.0.1
        let embedded = special::embedded(ip);
        let matches = |rule: &&NetworkRule| {
            let leads = || {
                let mut inside = embedded.iter().copied().map(IpAddr::from);
                !rule.allows && inside.any(|inside| rule.network.contains(inside))
            };
            let ports = match port {
                Some(port) => rule.ports.contains(port),
                None => rule.allows || rule.ports.is_all(),
            };
            ports && (rule.network.contains(ip) || leads())
        };
        if let Some(rule) = self.networks.iter().find(matches) {
            return rule.allows;
        }
        let ports = port.is_none_or(|port| self.ports.iter().any(|ports| ports.contains(port)));
        ports
            && match self.preset {
                Preset::Nothing => false,
                Preset::Loopback => ip.is_loopback(),
                Preset::Public => special::is_public(ip),
                Preset::Everything => true,
            }
    }
}

/// Permits nothing.
impl Default for AccessPolicy {
    fn default() -> Self {
        Self::nothing()
    }
}

/// Returns the address that a host stands for without a look-up, in any spelling.
pub(super) fn address_of(host: &str) -> Option<IpAddr> {
    host::address_of(host)
}

#[cfg(test)]
mod tests;
