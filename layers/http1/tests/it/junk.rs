//! Random bytes: a layer does not panic, comes to one end, and holds no more than its limits.

use crate::kit::{Bench, OnChallenge, proxy_client, upgrade_client};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use wirestack_http1::{Limits, connect, upgrade};
use wirestack_layer::{Flow, Layer, Pipe};

/// A small generator (xorshift64*) for seeded tests.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Returns plausible pieces in any order, some of them with a byte changed.
    fn junk(&mut self, pieces: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..1 + self.below(9) {
            let start = bytes.len();
            bytes.extend_from_slice(pieces[self.below(pieces.len())].as_bytes());
            if self.below(4) == 0 && bytes.len() > start {
                let at = start + self.below(bytes.len() - start);
                bytes[at] = self.next() as u8;
            }
        }
        bytes
    }
}

const ANSWERS: &[&str] = &[
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 407 \r\n",
    "HTTP/1.0 100 Go\n",
    "HTTP/1.1 101 x\r\n",
    "Upgrade: websocket\r\n",
    "Connection: Upgrade\r\n",
    "Connection: close\r\n",
    "\r\n",
    "\n",
    " ",
    "Content-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "A: b\r\n c\r\n \r\n",
    "Proxy-Authenticate: Basic realm=\"\\\", Digest\r\n",
    "3\r\nabc\r\n",
    "0\r\n\r\n",
    "ffffffff\r\n",
    "\0",
    "\u{fffd}",
    ": x\r\n",
    "HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\n",
];

const REQUESTS: &[&str] = &[
    "CONNECT a:1 HTTP/1.1\r\n",
    "CONNECT [::1]:443 HTTP/1.0\r\n",
    "GET / HTTP/1.1\r\n",
    "Host: a\r\n",
    "Connection: Upgrade\r\n",
    "Upgrade: websocket\r\n",
    "\r\n",
    "\n",
    " ",
    "Content-Length: 0\r\n",
    "Proxy-Authorization: Basic dTpw\r\n",
    "Proxy-Authorization: Basic \r\n",
    "\0",
    "A: b\r\n c\r\n",
    "CONNECT a:1 HTTP/1.1\r\n\r\n",
    "CONNECT : HTTP/1.1\r\n\r\n",
];

/// Feeds each stream of junk whole, byte by byte and in pieces, and compares the outcomes.
fn storm<L: Layer<In = Pipe, Out = Pipe>>(
    pieces: &[&str],
    make: impl Fn(Limits) -> L,
    decide: impl Fn(&mut L),
) {
    for seed in 1..4000 {
        let mut random = Random(seed);
        let mut limits = Limits::default();
        (limits.head, limits.headers) = (1 + random.below(200), random.below(6));
        (limits.excerpt, limits.body) = (random.below(20), random.below(100));
        let bytes = random.junk(pieces);
        let mut seen = Vec::new();
        for most in [bytes.len(), 1, 7] {
            let mut bench = Bench::new(make(limits.clone()));
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(1 + random.below(most)));
                rest = later;
                bench.from_wire.write(now);
                bench.process();
                decide(&mut bench.layer);
                bench.process();
            }
            for _ in 0..8 {
                decide(&mut bench.layer);
                bench.process();
            }
            bench.finish_wire();
            decide(&mut bench.layer);
            bench.process();
            bench.sleep(limits.grace);
            let open = bench.layer.is_open();
            assert!(open || bench.to_app.is_closed(), "seed {seed}: hangs");
            assert!(bench.from_wire.is_empty(), "seed {seed}: bytes left");
            seen.push(bench.seen());
        }
        let [whole, bytewise, pieces] = &seen[..] else {
            unreachable!()
        };
        let text = bytes.escape_ascii();
        assert_eq!(whole, bytewise, "seed {seed}: {text}");
        assert_eq!(whole, pieces, "seed {seed}: {text}");
    }
}

#[test]
fn a_connect_client_survives_junk() {
    let make = |limits| OnChallenge::new(proxy_client().with_limits(limits), "u", "p");
    storm(ANSWERS, make, |_| {});
}

#[test]
fn an_upgrade_client_survives_junk() {
    storm(
        ANSWERS,
        |limits| upgrade_client().with_limits(limits),
        |_| {},
    );
}

#[test]
fn a_connect_server_survives_junk() {
    let make = |limits| connect::Server::new().with_limits(limits);
    storm(REQUESTS, make, |server| {
        match server.request().map(connect::ConnectRequest::basic) {
            Some(None) => server.challenge("r"),
            Some(Some(_)) => server.accept(HeaderMap::new()),
            None => {}
        }
    });
}

#[test]
fn an_upgrade_server_survives_junk() {
    let make = |limits| upgrade::Server::new().with_limits(limits);
    storm(REQUESTS, make, |server| {
        if server.offers("websocket") {
            server.accept("websocket", &HeaderMap::new());
            return;
        }
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::NOT_FOUND;
        server.reject(response);
    });
}

#[test]
fn a_handshake_requires_no_more_than_its_limit() {
    let mut bench = Bench::new(proxy_client());
    let mut limits = Limits::default();
    limits.head = 1000;
    bench.layer = proxy_client().with_limits(limits);
    bench.process();
    bench.receive(b"HTTP/1.1 200 ");
    for _ in 0..2000 {
        bench.from_wire.write(b"x");
        bench.process();
        assert!(bench.from_wire.required() <= 1000);
    }
    assert!(bench.to_app.is_closed());
}
