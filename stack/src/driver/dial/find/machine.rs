//! The clock and the addresses of this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{SystemTime, UNIX_EPOCH};
use wirestack_dial::find::Machine;
use wirestack_layer::Instant;

/// Returns the time and the addresses of this machine.
pub(super) fn machine() -> Machine {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Machine::new(now.unwrap_or_default(), addresses(), Instant::now)
}

/// Returns the addresses from which this machine would reach the internet, or else a private
/// network. Nothing is sent: to connect a UDP socket asks the table of routes only.
fn addresses() -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    let mut add = |to: &[IpAddr]| {
        let before = found.len();
        for to in to {
            if let Some(ip) = source_address(*to)
                && !found.contains(&ip)
            {
                found.push(ip);
            }
        }
        found.len() > before
    };
    // The addresses that documents use: nobody has them, so they go the default way.
    let internet = [
        Ipv4Addr::new(192, 0, 2, 1).into(),
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
    ];
    if !add(&internet) {
        let private = [
            Ipv4Addr::new(10, 0, 0, 1).into(),
            Ipv4Addr::new(172, 16, 0, 1).into(),
            Ipv4Addr::new(192, 168, 0, 1).into(),
            Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).into(),
        ];
        add(&private);
    }
    found
}

/// Returns the address of this machine from which it reaches this one, if it does.
fn source_address(to: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match to {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(SocketAddr::new(to, 9)).ok()?;
    let from = socket.local_addr().ok()?.ip();
    (!from.is_unspecified() && !from.is_loopback()).then_some(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_read_and_no_address_is_one_that_others_cannot_reach() {
        let machine = machine();
        assert!(machine.unix_time.as_secs() > 1_700_000_000);
        for ip in machine.addresses {
            assert!(!ip.is_loopback() && !ip.is_unspecified(), "{ip}");
        }
    }
}
