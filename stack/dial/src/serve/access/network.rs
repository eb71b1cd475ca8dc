//! Networks of addresses, and ranges of ports.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::{RangeFull, RangeInclusive};
use std::str::FromStr;

/// A network of addresses in CIDR notation (RFC 4632): an address, and the number of its leading
/// bits that are equal in the whole network. A single address is a network too.
///
/// ```
/// use wirestack_dial::serve::Network;
///
/// let network: Network = "10.1.0.0/16".parse()?;
/// assert!(network.contains("10.1.2.3".parse()?));
/// assert!(network.contains("::ffff:10.1.2.3".parse()?)); // the same address, written as IPv6
/// assert!(!network.contains("10.2.0.0".parse()?));
/// assert_eq!("2001:db8::7".parse::<Network>()?.to_string(), "2001:db8::7/128");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    /// The first address. An IPv4-mapped one is an IPv4 address here.
    first: IpAddr,
    prefix: u8,
}

impl Network {
    /// Creates a network from one of its addresses and the length of its prefix in bits: at most 32
    /// for IPv4 and 128 for IPv6.
    ///
    /// ```
    /// use wirestack_dial::serve::Network;
    ///
    /// let network = Network::new("10.1.2.3".parse()?, 8)?; // any address in it will do
    /// assert_eq!(network.to_string(), "10.0.0.0/8");
    /// assert!(Network::new("10.0.0.0".parse()?, 33).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidNetwork`] for a longer prefix.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, InvalidNetwork> {
        let (canonical, longest) = match (address, address.to_canonical()) {
            (IpAddr::V6(_), mapped @ IpAddr::V4(_)) if prefix >= MAPPED_BITS => {
                return Self::new(mapped, prefix - MAPPED_BITS);
            }
            (IpAddr::V4(_), ip) => (ip, 32),
            (ip @ IpAddr::V6(_), _) => (ip, 128),
        };
        if prefix > longest {
            return Err(InvalidNetwork);
        }
        let first = masked(canonical, prefix);
        Ok(Self { first, prefix })
    }

    /// Creates an IPv4 network of the program's own, whose prefix is known to be right.
    pub(super) const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Self {
        let first = IpAddr::V4(Ipv4Addr::new(a, b, c, d));
        Self { first, prefix }
    }

    /// Creates an IPv6 network of the program's own, from its first 48 bits.
    pub(super) const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Self {
        let first = IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0));
        Self { first, prefix }
    }

    /// Returns `true` if an address is in the network. An IPv4-mapped IPv6 address is the IPv4
    /// address that it stands for.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && masked(address, self.prefix) == self.first
    }
}

/// Returns an address without the bits behind its prefix.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32)));
            Ipv4Addr::from(u32::from(ip) & mask.unwrap_or(0)).into()
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128)));
            Ipv6Addr::from(u128::from(ip) & mask.unwrap_or(0)).into()
        }
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        let first = address.to_canonical();
        let prefix = if first.is_ipv4() { 32 } else { 128 };
        Self { first, prefix }
    }
}

impl From<Ipv4Addr> for Network {
    fn from(address: Ipv4Addr) -> Self {
        IpAddr::from(address).into()
    }
}

impl From<Ipv6Addr> for Network {
    fn from(address: Ipv6Addr) -> Self {
        IpAddr::from(address).into()
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let Some((address, prefix)) = text.split_once('/') else {
            return text
                .parse::<IpAddr>()
                .map(Self::from)
                .or(Err(InvalidNetwork));
        };
        let address = address.parse().or(Err(InvalidNetwork))?;
        let is_digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = prefix.parse().ok().filter(|_| is_digits);
        let network = Self::new(address, prefix.ok_or(InvalidNetwork)?)?;
        // `10.1.2.3/8` is more likely a mistake than a network.
        let is_first = network.first == address.to_canonical() || network.first == address;
        if is_first {
            Ok(network)
        } else {
            Err(InvalidNetwork)
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

/// The error of a text that is not a network: neither an address nor `address/prefix`, or with bits
/// behind the prefix.
///
/// ```
/// use wirestack_dial::serve::Network;
///
/// assert!("10.1.2.0/33".parse::<Network>().is_err());
/// let network = Network::new("10.1.2.0".parse()?, 24)?;
/// assert!(network.contains("10.1.2.77".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```
/// use wirestack_dial::serve::{InvalidNetwork, Network};
///
/// let error: InvalidNetwork = "10.0.0.0/33".parse::<Network>().unwrap_err();
/// assert!(error.to_string().contains("10.0.0.0/8")); // what is wanted
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the text is not a network: wanted an address, or the first address and the number of leading \
     bits as in 10.0.0.0/8"
)]
#[non_exhaustive]
pub struct InvalidNetwork;

/// Shows the same as `Display`: it is what `main` prints.
impl fmt::Debug for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A range of ports: one port, a range, or with `..` all.
///
/// ```
/// use wirestack_dial::serve::Ports;
///
/// assert!(Ports::from(443).contains(443));
/// assert!(Ports::from(8000..=8999).contains(8080));
/// assert!(Ports::from(..).contains(25));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports(RangeInclusive<u16>);

impl Ports {
    /// Returns `true` if a port is in the range.
    pub fn contains(&self, port: u16) -> bool {
        self.0.contains(&port)
    }

    /// Returns `true` if the range has every port.
    pub(super) fn is_all(&self) -> bool {
        *self.0.start() <= 1 && *self.0.end() == u16::MAX
    }
}

impl From<u16> for Ports {
    fn from(port: u16) -> Self {
        Self(port..=port)
    }
}

impl From<RangeInclusive<u16>> for Ports {
    fn from(ports: RangeInclusive<u16>) -> Self {
        Self(ports)
    }
}

impl From<RangeFull> for Ports {
    fn from(_: RangeFull) -> Self {
        Self(0..=u16::MAX)
    }
}

/// The length of the prefix of IPv4-mapped IPv6 addresses, `::ffff:0:0/96`.
const MAPPED_BITS: u8 = 96;

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn networks_are_read_and_shown() {
        for (text, shown) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("::/0", "::/0"),
            ("fc00::/7", "fc00::/7"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ] {
            assert_eq!(network(text).to_string(), shown);
        }
        for text in [
            "",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0.1/8",
            "::/129",
            "::1/64",
            "10.0.0/8",
            "example.org",
            "10.0.0.0/8/8",
            "[::]/0",
            "fe80::%1/64",
        ] {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork), "{text}");
        }
        assert!(Network::new(Ipv4Addr::LOCALHOST.into(), 33).is_err());
        let inside = Network::new(Ipv4Addr::LOCALHOST.into(), 8).unwrap();
        assert_eq!(inside, network("127.0.0.0/8"));
    }

    #[test]
    fn a_network_has_its_first_and_last_address_and_no_other_family() {
        for (text, first, last, before, behind) in [
            (
                "10.0.0.0/8",
                "10.0.0.0",
                "10.255.255.255",
                "9.255.255.255",
                "11.0.0.0",
            ),
            (
                "192.0.2.8/30",
                "192.0.2.8",
                "192.0.2.11",
                "192.0.2.7",
                "192.0.2.12",
            ),
            ("fc00::/7", "fc00::", "fdff:ffff::1", "fbff::1", "fe00::"),
            (
                "2001:db8::7",
                "2001:db8::7",
                "2001:db8::7",
                "2001:db8::6",
                "2001:db8::8",
            ),
        ] {
            let contains = |ip: &str| network(text).contains(ip.parse().unwrap());
            assert!(contains(first) && contains(last), "{text}");
            assert!(!contains(before) && !contains(behind), "{text}");
        }
        assert!(!network("::/0").contains("10.0.0.1".parse().unwrap()));
        assert!(!network("::/0").contains("::ffff:10.0.0.1".parse().unwrap()));
        assert!(network("0.0.0.0/0").contains("::ffff:10.0.0.1".parse().unwrap()));
        assert!(!network("0.0.0.0/0").contains("::1".parse().unwrap()));
    }
}
