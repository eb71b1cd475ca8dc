//! IPv4 addresses in the spellings that systems and browsers read.

use std::net::Ipv4Addr;

/// Reads an IPv4 address of one to four numbers, each decimal, octal or hexadecimal. The last one
/// fills the bytes that are left: `127.1`, `0x7f.0.0.1`, `017700000001`, `2130706433`. This is the IPv4
/// parser of the URL Standard, without the dot at the end.
pub(crate) fn read(host: &str) -> Option<Ipv4Addr> {
    let numbers = host.split('.').map(number).collect::<Option<Vec<u32>>>()?;
    let (last, front) = numbers.split_last()?;
    if front.len() > 3 || front.iter().any(|number| *number > 255) {
        return None;
    }
    let last_bits = 32 - 8 * front.len() as u32;
    if last_bits < 32 && *last >= 1 << last_bits {
        return None;
    }
    let high = front.iter().fold(0, |all, number| all << 8 | number);
    Some(Ipv4Addr::from(
        high.checked_shl(last_bits).unwrap_or(0) | last,
    ))
}

/// Returns `true` if a host can be nothing but an IPv4 address: its last label is a number. No name
/// of the domain name system looks like that, and the look-up of a system reads it as an address.
pub(crate) fn is_meant(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_decimal = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    is_decimal || hexadecimal(last).is_some_and(|digits| is_of(digits, 16))
}

fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match hexadecimal(text) {
        Some("") => return Some(0),
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    let is_number = !digits.is_empty() && is_of(digits, radix);
    is_number.then(|| u32::from_str_radix(digits, radix).ok())?
}

/// Returns the digits behind `0x`.
fn hexadecimal(text: &str) -> Option<&str> {
    text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))
}

fn is_of(digits: &str, radix: u32) -> bool {
    digits.chars().all(|digit| digit.is_digit(radix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_whose_last_label_is_a_number_is_meant_as_an_address() {
        for host in [
            "1.2.3.4",
            "0",
            "08",
            "a.1",
            "1.2.3.4.5",
            "a.0x",
            "0X7f",
            "a.0xf",
        ] {
            assert!(is_meant(host), "{host}");
        }
        for host in ["", "a", "1.a", "a.", "1.", "0x7g", "x7f", "1_0", "-1"] {
            assert!(!is_meant(host), "{host}");
        }
    }
}
