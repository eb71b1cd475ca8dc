//! The header of datagrams, there and back, cut short, and full of junk.

use crate::kit::{self, Dice, address, bytes};
use bytes::BytesMut;
use wirestack_socks::datagram::{self, DatagramError, MAX_HEADER};
use wirestack_socks::{Address, AddressError, SocksError};

#[test]
fn datagrams_are_tables_too() {
    let rows = [
        ("192.0.2.7", "0000 00 01 c0000207 0035 'query'"),
        (
            "2001:db8::7",
            "0000 00 04 20010db8000000000000000000000007 0035 'query'",
        ),
        ("example.org", "0000 00 03 0b 'example.org' 0035 'query'"),
    ];
    for (host, notation) in rows {
        let address = address(host, 53);
        assert_eq!(emitted(&address, b"query"), bytes(notation));
        let parsed = (address, &b"query"[..]);
        assert_eq!(datagram::parse(&bytes(notation)), Ok(parsed));
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
            let DatagramError::Truncated { seen: told, wanted } = error else {
                panic!("{error}");
            };
            assert_eq!(told, seen);
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
fn an_address_that_is_none_is_an_error() {
    let rows = [
        (
            "0000 00 00 c0000207 0035",
            SocksError::UnknownAddressType(0),
        ),
        ("0000 00 02", SocksError::UnknownAddressType(2)),
        (
            "0000 00 03 00 0035",
            SocksError::BadAddress(AddressError::Length(0)),
        ),
        (
            "0000 00 03 01 00 0035",
            SocksError::BadAddress(AddressError::Character('\0')),
        ),
    ];
    for (notation, cause) in rows {
        let error = datagram::parse(&bytes(notation)).unwrap_err();
        assert_eq!(error, DatagramError::BadAddress(cause));
    }
}

#[test]
fn errors_say_what_was_seen_and_what_was_wanted() {
    let rows = [
        ("", "the datagram has 0 bytes, wanted at least 3"),
        (
            "0000 01",
            "the datagram is fragment 0x01, wanted whole ones, 0x00",
        ),
        ("0000 00 09", "address type 0x09, wanted 0x01, 0x03 or 0x04"),
    ];
    for (notation, shown) in rows {
        let error = datagram::parse(&bytes(notation)).unwrap_err();
        assert_eq!(error.to_string(), shown);
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
