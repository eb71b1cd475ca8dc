//! Both versions keep the laws of every layer.

use wirestack_laws::{Subject, check};
use wirestack_proxy_header::{Accepts, Client, Header, Server, kind};

fn header() -> Header {
    let (source, destination) = ("192.0.2.1:4711", "192.0.2.7:443");
    Header::tcp(source.parse().unwrap(), destination.parse().unwrap())
}

#[test]
fn version_1_keeps_the_laws() {
    let client = || Client::v1(header()).unwrap();
    let server = || Server::new(Accepts::V1);
    check(
        &Subject::tunnel("proxy-header 1", client, server)
            .same_bytes()
            .memory(108),
    );
}

#[test]
fn version_2_keeps_the_laws() {
    let client = || {
        let header = header().with_tlv(kind::UNIQUE_ID, &b"an id"[..]).unwrap();
        Client::v2(header).with_checksum()
    };
    let server = || Server::new(Accepts::Both);
    check(
        &Subject::tunnel("proxy-header 2", client, server)
            .same_bytes()
            .memory(4096),
    );
}
