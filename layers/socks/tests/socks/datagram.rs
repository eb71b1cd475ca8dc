//! The header of datagrams (RFC 1928 §7): written and read, cut short, and full of junk.

use crate::kit::{self, Dice, address, bytes};
use bytes::BytesMut;
use wirestack_socks::datagram::{self, DatagramError, MAX_HEADER};
use wirestack_socks::{Address, AddressError, SocksError};

#[test]
fn a_datagram_carries_each_kind_of_address() {
    struct Row {
        host: &'static str,
        datagram: &'static str,
    }
    for row in [
        Row {
            host: "192.0.2.7",
            datagram: "0000 00 01 c0000207 0035 'query'",
        },
        Row {
            host: "2001:db8::7",
            datagram: "0000 00 04 20010db8000000000000000000000007 0035 'query'",
        },
        Row {
            host: "example.org",
            datagram: "0000 00 03 0b 'example.org' 0035 'query'",
        },
    ] {
        let address = address(row.host, 53);
        let datagram = bytes(row.datagram);
        assert_eq!(emitted(&address, b"query"), datagram);
        let parsed = (address, &b"query"[..]);
        assert_eq!(datagram::parse(&datagram), Ok(parsed));
    }
}

#[test]
fn the_longest_header_is_as_long_as_promised() {
    let name = "n".repeat(255);
    let longest = emitted(&address(&name, 53), b"");
    assert_eq!(longest.len(), MAX_HEADER);
    assert_eq!(MAX_HEADER, 262);
}

#[test]
fn a_payload_of_any_length_comes_back() {
    for length in [0, 1, 1472, 65_507] {
        let payload = vec![7; length];
        let sent = emitted(&kit::peer(), &payload);
        assert_eq!(datagram::parse(&sent), Ok((kit::peer(), &payload[..])));
    }
}

#[test]
fn a_datagram_that_is_cut_in_its_header_is_an_error() {
    for host in ["192.0.2.7", "2001:db8::7", "example.org"] {
        let whole = emitted(&address(host, 53), b"");
        for seen in 0..whole.len() {
            let error = datagram::parse(&whole[..seen]).unwrap_err();
            let DatagramError::Truncated {
                seen: named,
                wanted,
            } = error
            else {
                panic!("{error}");
            };
            assert_eq!(named, seen);
            assert!(seen < wanted && wanted <= whole.len());
        }
    }
}

#[test]
fn fragments_are_dropped_and_reserved_bytes_are_not_looked_at() {
    let mut sent = emitted(&kit::peer(), b"part");
    sent[0] = 0xff;
    sent[1] = 0xff;
    assert!(datagram::parse(&sent).is_ok());
    for fragment in 1..=255 {
        sent[2] = fragment;
        let error = DatagramError::Fragmented(fragment);
        assert_eq!(datagram::parse(&sent), Err(error.clone()));
        assert_eq!(datagram::parse(&sent[..3]), Err(error));
    }
}

#[test]
fn an_invalid_address_is_an_error() {
    struct Row {
        datagram: &'static str,
        cause: SocksError,
    }
    for row in [
        Row {
            datagram: "0000 00 00 c0000207 0035",
            cause: SocksError::UnknownAddressType(0),
        },
        Row {
            datagram: "0000 00 02",
            cause: SocksError::UnknownAddressType(2),
        },
        Row {
            datagram: "0000 00 03 00 0035",
            cause: SocksError::BadAddress(AddressError::Length(0)),
        },
        Row {
            datagram: "0000 00 03 01 00 0035",
            cause: SocksError::BadAddress(AddressError::Character('\0')),
        },
    ] {
        let error = datagram::parse(&bytes(row.datagram)).unwrap_err();
        assert_eq!(error, DatagramError::BadAddress(row.cause));
    }
}

#[test]
fn errors_name_the_bytes_seen_and_the_bytes_wanted() {
    struct Row {
        datagram: &'static str,
        error: &'static str,
    }
    for row in [
        Row {
            datagram: "",
            error: "the datagram has 0 bytes, wanted at least 3",
        },
        Row {
            datagram: "0000 01",
            error: "the datagram is fragment 0x01, wanted a whole one, 0x00",
        },
        Row {
            datagram: "0000 00 09",
            error: "the peer sent the address type 0x09, wanted 0x01 (IPv4), 0x03 (a name) or 0x04 (IPv6)",
        },
    ] {
        let error = datagram::parse(&bytes(row.datagram)).unwrap_err();
        assert_eq!(error.to_string(), row.error);
    }
}

#[test]
fn junk_is_an_error_or_means_what_it_says() {
    for seed in 1..=100_000 {
        let mut dice = Dice::new(seed);
        let mut junk: Vec<u8> = (0..dice.roll(40)).map(|_| dice.roll(256) as u8).collect();
        if let [_, _, fragment, kind, ..] = &mut junk[..] {
            *fragment = [0, 0, 0, *fragment][dice.roll(4)];
            *kind = [1, 3, 4, *kind][dice.roll(4)];
        }
        let Ok((address, payload)) = datagram::parse(&junk) else {
            continue;
        };
        assert!(junk.ends_with(payload), "seed {seed}");
        let again = emitted(&address, payload);
        assert_eq!(datagram::parse(&again), Ok((address, payload)));
    }
}

fn emitted(address: &Address, payload: &[u8]) -> Vec<u8> {
    let mut to = BytesMut::new();
    datagram::emit(address, payload, &mut to);
    to.to_vec()
}
