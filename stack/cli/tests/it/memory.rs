//! The memory of `wirestack serve` for tunnels in which nothing moves.

use crate::support::Server;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

#[test]
fn an_idle_tunnel_holds_no_more_than_its_two_sockets_need() {
    for protocol in [Protocol::Socks5, Protocol::Connect] {
        let mut server = Server::start(&["serve", "-l", "127.0.0.1:0", "--policy", "loopback"]);
        let at = server.address("proxy");
        let target = TcpListener::bind("127.0.0.1:0").expect("a target");
        let open = |tunnels: usize| {
            let open = (0..tunnels).map(|_| protocol.tunnel(&at, &target));
            open.collect::<Vec<_>>()
        };
        let few = open(50); // the first ones also fill what is shared
        let before = server.memory();
        let many = open(TUNNELS);
        let each = server.memory().saturating_sub(before) / TUNNELS;
        assert!(each <= MOST, "{protocol:?}: {each} bytes");
        drop((few, many));
    }
}

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Socks5,
    Connect,
}

impl Protocol {
    /// Opens a tunnel, and sends a byte there and back.
    fn tunnel(self, proxy: &str, target: &TcpListener) -> (TcpStream, TcpStream) {
        let at = target.local_addr().expect("its address");
        let mut client = TcpStream::connect(proxy).expect("the proxy");
        match self {
            Self::Socks5 => {
                client.write_all(&[5, 1, 0]).expect("sent");
                let port = at.port().to_be_bytes();
                let request = [5, 1, 0, 1, 127, 0, 0, 1, port[0], port[1]];
                client.write_all(&request).expect("sent");
                client.read_exact(&mut [0; 12]).expect("an answer");
            }
            Self::Connect => {
                let head = format!("CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n\r\n");
                client.write_all(head.as_bytes()).expect("sent");
                let mut seen = Vec::new();
                while !seen.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    client.read_exact(&mut byte).expect("an answer");
                    seen.push(byte[0]);
                }
            }
        }
        let (mut server, _) = target.accept().expect("a connection");
        let mut byte = [0];
        client.write_all(b"x").expect("sent");
        server.read_exact(&mut byte).expect("a byte");
        server.write_all(b"y").expect("sent");
        client.read_exact(&mut byte).expect("a byte");
        (client, server)
    }
}

const TUNNELS: usize = 300;

/// The bytes of a tunnel, in a build without optimization.
const MOST: usize = 6_000;
