//! The PROXY header: both versions, addresses of every kind, TLVs.

use super::Case;
use wirestack_laws::Subject;
use wirestack_proxy_header::{Accepts, Client, Header, Server, kind};

pub(crate) const CASES: u8 = 6;

pub(crate) fn case(number: u8) -> Case {
    let (v4, v6) = ("192.0.2.1:4711", "[2001:db8::1]:443");
    let tcp = |address: &str| Header::tcp(address.parse().unwrap(), address.parse().unwrap());
    let client = move || match number {
        0 => Client::v1(tcp(v4)).unwrap(),
        1 => Client::v1(tcp(v6)).unwrap(),
        2 => Client::v2(Header::local()),
        3 => Client::v2(tcp(v4).with_tlv(kind::ALPN, &b"h2"[..]).unwrap()).with_checksum(),
        4 => {
            let info = b"\x01\0\0\0\0\x21\0\x07TLSv1.3\x22\0\x02me";
            Client::v2(tcp(v6).with_tlv(kind::SSL, &info[..]).unwrap())
        }
        _ => Client::v2(Header::unknown()),
    };
    let server = move || match number {
        0 => Server::new(Accepts::V1),
        3 => Server::new(Accepts::V2).with_limit(100),
        _ => Server::new(Accepts::Both),
    };
    let subject = Subject::tunnel(format!("proxy-header {number}"), client, server);
    Case::bytes(subject.same_bytes().memory(4096))
}
