//! Addresses that are no servers of the public Internet, and the IPv4 addresses inside of IPv6
//! ones.

use super::network::Network;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Returns `true` for a global unicast address: one that a server of the public Internet can have
/// (the registries of RFC 6890). An IPv4 address inside of an IPv6 address has to be one too.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(ip) => !is_in(&SPECIAL_V4, ip.into()),
        // NAT64 is how a host without IPv4 reaches IPv4. All other such forms have no users left.
        IpAddr::V6(ip) if NAT64.contains(ip.into()) => is_public(last_32_bits(ip).into()),
        IpAddr::V6(ip) => {
            GLOBAL_UNICAST.contains(ip.into())
                && !is_in(&SPECIAL_V6, ip.into())
                && isatap(ip).is_none_or(|inside| is_public(inside.into()))
        }
    }
}

/// Returns the IPv4 addresses that an IPv6 address leads to where its form of translation or tunnel
/// is in use. An IPv4-mapped address is no such form: it is an IPv4 address.
pub(super) fn embedded(address: IpAddr) -> Vec<Ipv4Addr> {
    let IpAddr::V6(ip) = address.to_canonical() else {
        return Vec::new();
    };
    let words = ip.segments();
    let at = |n: usize| from_words(words[n], words[n + 1]);
    let mut found = Vec::from_iter(isatap(ip));
    if NAT64.contains(ip.into()) || LOCAL_NAT64.contains(ip.into()) {
        found.push(last_32_bits(ip));
    }
    if LOCAL_NAT64.contains(ip.into()) {
        // "64 to 71 […] MUST be set to zero", in the middle of the address (RFC 6052 §2.2)
        let (high, low) = (words[3], (words[4] << 8) | (words[5] >> 8));
        found.push(from_words(high, low));
    }
    if SIX_TO_FOUR.contains(ip.into()) {
        found.push(at(1)); // RFC 3056 §2
    }
    if TEREDO.contains(ip.into()) {
        found.push(at(2)); // its server; its client is written inverted (RFC 4380 §4)
        found.push(Ipv4Addr::from(!u32::from(last_32_bits(ip))));
    }
    if COMPATIBLE.contains(ip.into()) && !ip.is_unspecified() && !ip.is_loopback() {
        found.push(last_32_bits(ip)); // RFC 4291 §2.5.5.1
    }
    if words[..6] == [0, 0, 0, 0, 0xffff, 0] {
        found.push(last_32_bits(ip)); // IPv4-translated (RFC 2765 §2.1)
    }
    found
}

/// Returns the IPv4 address of an interface of ISATAP (RFC 5214 §6.1).
fn isatap(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let words = ip.segments();
    let is_isatap = matches!(words[4], 0 | 0x0200) && words[5] == 0x5efe;
    is_isatap.then(|| last_32_bits(ip))
}

fn last_32_bits(ip: Ipv6Addr) -> Ipv4Addr {
    let words = ip.segments();
    from_words(words[6], words[7])
}

fn from_words(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}

fn is_in(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// The IPv4 addresses of no public server.
const SPECIAL_V4: [Network; 17] = [
    Network::v4(0, 0, 0, 0, 8), // "this network", and 0.0.0.0, which is this machine
    Network::v4(10, 0, 0, 0, 8), // private (RFC 1918)
    Network::v4(100, 64, 0, 0, 10), // behind a carrier's NAT (RFC 6598); metadata of Alibaba
    Network::v4(127, 0, 0, 0, 8), // loopback
    Network::v4(168, 63, 129, 16, 32), // the host of a machine at Azure
    Network::v4(169, 254, 0, 0, 16), // link-local (RFC 3927); metadata of most clouds
    Network::v4(172, 16, 0, 0, 12), // private
    Network::v4(192, 0, 0, 0, 24), // protocol assignments (RFC 6890); metadata of Oracle
    Network::v4(192, 0, 2, 0, 24), // documentation (RFC 5737)
    Network::v4(192, 88, 99, 0, 24), // relays of 6to4 (RFC 7526)
    Network::v4(192, 168, 0, 0, 16), // private
    Network::v4(198, 18, 0, 0, 15), // benchmarks (RFC 2544)
    Network::v4(198, 51, 100, 0, 24), // documentation
    Network::v4(203, 0, 113, 0, 24), // documentation
    Network::v4(224, 0, 0, 0, 4), // multicast
    Network::v4(233, 252, 0, 0, 24), // documentation of multicast (RFC 6676)
    Network::v4(240, 0, 0, 0, 4), // reserved, and 255.255.255.255, the broadcast
];

/// The only block that global unicast addresses are given from. Outside of it are `::`, `::1`, ULA
/// (fc00::/7, with the metadata of AWS and Google), link-local, site-local and multicast.
const GLOBAL_UNICAST: Network = Network::v6(0x2000, 0, 0, 3);

/// The addresses of no public server inside of it.
const SPECIAL_V6: [Network; 4] = [
    Network::v6(0x2001, 0, 0, 23), // protocol assignments: Teredo, benchmarks, ORCHID
    Network::v6(0x2001, 0xdb8, 0, 32), // documentation (RFC 3849)
    SIX_TO_FOUR,
    Network::v6(0x3fff, 0, 0, 20), // documentation (RFC 9637)
];

const SIX_TO_FOUR: Network = Network::v6(0x2002, 0, 0, 16);
const TEREDO: Network = Network::v6(0x2001, 0, 0, 32);
const NAT64: Network = Network::v6(0x64, 0xff9b, 0, 96);
/// NAT64 inside of a network (RFC 8215).
const LOCAL_NAT64: Network = Network::v6(0x64, 0xff9b, 1, 48);
const COMPATIBLE: Network = Network::v6(0, 0, 0, 96);

#[cfg(test)]
mod tests {
    use super::*;
    use chacha20::ChaCha12Rng;
    use chacha20::rand_core::{Rng, SeedableRng};

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn special_addresses_are_not_public_in_any_form() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
        ] {
            let ip: Ipv4Addr = text.parse().unwrap();
            let [high, low] = [(u32::from(ip) >> 16) as u16, u32::from(ip) as u16];
            let not = !u32::from(ip);
            assert!(!is_public(ip.into()), "{text}");
            for form in [
                format!("::ffff:{ip}"),
                format!("::{ip}"),
                format!("::ffff:0:{ip}"),
                format!("64:ff9b::{ip}"),
                format!("64:ff9b:1::{ip}"),
                format!(
                    "64:ff9b:1:{high:x}:{:x}:{:x}::",
                    low >> 8,
                    (low & 0xff) << 8
                ),
                format!("2002:{high:x}:{low:x}::1"),
                format!("2001:0:{high:x}:{low:x}::1"),
                format!("2001:0:808:808::{:x}:{:x}", not >> 16, not & 0xffff),
                format!("2606:4700::5efe:{ip}"),
                format!("2606:4700::200:5efe:{ip}"),
                format!("fe80::5efe:{ip}"),
            ] {
                let form: Ipv6Addr = form.parse().unwrap();
                assert!(!is_public(form.into()), "{text} as {form}");
                let mapped = form.to_ipv4_mapped().is_some();
                let compatible = form.is_loopback() || form.is_unspecified();
                let found = embedded(form.into());
                assert!(
                    found.contains(&ip) || mapped || compatible,
                    "{text} in {form}"
                );
            }
        }
        for text in [
            "::",
            "::1",
            "fc00::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "2001:2::1",
            "2001:20::1",
            "2001:db8::1",
            "3fff::1",
            "5f00::1",
        ] {
            assert!(!public(text), "{text}");
        }
    }

    #[test]
    fn servers_of_the_internet_are_public() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "93.184.215.14",
            "100.63.255.255",
            "100.128.0.1",
            "168.63.129.17",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.254",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
            "2620:fe::fe",
            "2606:4700::5efe:8.8.8.8",
        ] {
            assert!(public(text), "{text}");
        }
    }

    /// Whatever the standard library knows to be special is not public.
    #[test]
    fn no_address_is_public_that_the_standard_library_calls_special() {
        let seed = [11; 32];
        let mut random = ChaCha12Rng::from_seed(seed);
        for n in 0..200_000 {
            let mut bytes = [0; 16];
            random.fill_bytes(&mut bytes);
            if n % 2 == 0 {
                // Near the borders of special blocks.
                bytes[0] = [0, 10, 100, 127, 169, 172, 192, 198, 203, 224, 239, 240, 255][n % 13];
            }
            let v4 = Ipv4Addr::from([bytes[0], bytes[1], bytes[2], bytes[3]]);
            let special = v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_unspecified();
            assert!(!(special && is_public(v4.into())), "seed {seed:?}: {v4}");
            assert_eq!(
                is_public(v4.into()),
                is_public(v4.to_ipv6_mapped().into()),
                "{v4}"
            );
            if n % 3 == 0 {
                bytes[0] = [0, 0x20, 0xfc, 0xfd, 0xfe, 0xff][n % 6];
            }
            let v6 = Ipv6Addr::from(bytes);
            let special = v6.is_loopback()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.is_multicast()
                || v6.is_unspecified();
            assert!(!(special && is_public(v6.into())), "seed {seed:?}: {v6}");
        }
    }
}
