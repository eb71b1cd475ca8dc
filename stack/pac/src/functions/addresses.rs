//! The functions about IP addresses.

use std::net::{IpAddr, Ipv4Addr};

/// Reads an IPv4 address as browsers do in these functions: four decimal numbers, which may begin
/// with a zero.
pub(crate) fn read_v4(text: &str) -> Option<Ipv4Addr> {
    let mut bytes = [0; 4];
    let mut parts = text.split('.');
    for byte in &mut bytes {
        let part = parts.next()?;
        let is_number = part.bytes().all(|byte| byte.is_ascii_digit());
        if part.is_empty() || part.len() > 3 || !is_number {
            return None;
        }
        *byte = part.parse().ok()?;
    }
    parts.next().is_none().then(|| bytes.into())
}

/// Returns `true` if the address is in the network. A text that is no address is in none.
pub(crate) fn is_in_net(address: &str, net: &str, mask: &str) -> bool {
    let read = |text| read_v4(text).map(u32::from);
    match (read(address), read(net), read(mask)) {
        (Some(address), Some(net), Some(mask)) => address & mask == net & mask,
        _ => false,
    }
}

/// Returns the number of an IPv4 address, as a signed one. A part that is no number is 0.
pub(crate) fn convert_address(text: &str) -> i32 {
    let mut bytes = [0; 4];
    for (byte, part) in bytes.iter_mut().zip(text.split('.')) {
        let number: u64 = part.trim().parse().unwrap_or_default();
        *byte = (number & 0xff) as u8;
    }
    i32::from_be_bytes(bytes)
}

/// Returns `true` if the address is in the network `address/length`, of the same family.
pub(crate) fn is_in_net_ex(address: &str, prefix: &str) -> bool {
    let Ok(address) = without_zone(address).parse::<IpAddr>() else {
        return false;
    };
    let Some((net, length)) = prefix.split_once('/') else {
        return false;
    };
    let (Ok(net), Ok(length)) = (net.parse::<IpAddr>(), length.parse::<u32>()) else {
        return false;
    };
    match (address, net) {
        (IpAddr::V4(address), IpAddr::V4(net)) if length <= 32 => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            u32::from(address) & mask == u32::from(net) & mask
        }
        (IpAddr::V6(address), IpAddr::V6(net)) if length <= 128 => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            u128::from(address) & mask == u128::from(net) & mask
        }
        _ => false,
    }
}

/// Sorts a list of addresses with semicolons between them: IPv6 first, each family in ascending
/// order. Returns an empty text if one of them is no address.
pub(crate) fn sort_addresses(list: &str) -> String {
    let read = |text: &str| -> Option<(IpAddr, String)> {
        let text = text.trim();
        Some((without_zone(text).parse().ok()?, text.to_owned()))
    };
    let Some(mut sorted) = list.split(';').map(read).collect::<Option<Vec<_>>>() else {
        return String::new();
    };
    sorted.sort_by_key(|(ip, _)| (ip.is_ipv4(), *ip));
    let shown: Vec<_> = sorted.into_iter().map(|(_, text)| text).collect();
    shown.join(";")
}

fn without_zone(text: &str) -> &str {
    text.split_once('%').map_or(text, |(ip, _)| ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netscapes_examples_of_networks_hold() {
        assert!(is_in_net(
            "198.95.249.79",
            "198.95.249.79",
            "255.255.255.255"
        ));
        assert!(!is_in_net(
            "198.95.249.80",
            "198.95.249.79",
            "255.255.255.255"
        ));
        assert!(is_in_net("198.95.6.8", "198.95.0.0", "255.255.0.0"));
        assert!(!is_in_net("198.96.6.8", "198.95.0.0", "255.255.0.0"));
        for wrong in [
            "",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "1.2.3.x",
            "+1.2.3.4",
            "::1",
        ] {
            assert!(!is_in_net(wrong, "0.0.0.0", "0.0.0.0"), "{wrong}");
        }
        assert!(is_in_net("010.1.1.1", "10.0.0.0", "255.0.0.0"));
        assert_eq!(convert_address("104.16.41.2"), 1_745_889_538);
        assert_eq!(convert_address("255.0.0.1"), -16_777_215);
        assert_eq!(convert_address("x"), 0);
    }

    #[test]
    fn microsofts_examples_of_networks_hold() {
        assert!(is_in_net_ex("198.95.249.79", "198.95.249.79/32"));
        assert!(is_in_net_ex("198.95.6.8", "198.95.0.0/16"));
        assert!(is_in_net_ex(
            "3ffe:8311:ffff:abcd:1234:dead:beef:101",
            "3ffe:8311:ffff::/48"
        ));
        assert!(is_in_net_ex("fe80::1%15", "fe80::/10"));
        assert!(is_in_net_ex("10.1.1.1", "0.0.0.0/0"));
        for (address, prefix) in [
            ("198.95.6.8", "::/0"),
            ("a.test", "0.0.0.0/0"),
            ("1.2.3.4", "1.2.3.4"),
            ("1.2.3.4", "1.2.3.4/33"),
            ("::1", "::1/129"),
        ] {
            assert!(!is_in_net_ex(address, prefix), "{address} {prefix}");
        }
        assert_eq!(
            sort_addresses("10.2.3.9;2001:4898:28:3:201:2ff:feea:fc14;::1;127.0.0.1;::9"),
            "::1;::9;2001:4898:28:3:201:2ff:feea:fc14;10.2.3.9;127.0.0.1"
        );
        assert_eq!(sort_addresses("10.2.3.9;x"), "");
        assert_eq!(sort_addresses(""), "");
    }
}
