//! Random bytes: a server stays within its limit and comes to an end.

use crate::kit::Side;
use wirestack_layer::Flow;
use wirestack_proxy_header::Server;

#[test]
fn junk_never_panics_and_holds_no_more_than_the_limit() {
    let seed = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0x5eed_u64);
    println!("SEED={seed}");
    let mut state = seed | 1;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let begins = [
        &b""[..],
        b"PROXY ",
        b"PROXY TCP4 ",
        b"\r\n\r\n\0\r\nQUIT\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0",
    ];
    for _ in 0..20_000 {
        let mut bytes = begins[(random() % 5) as usize].to_vec();
        bytes.extend((0..random() % 60).map(|_| (random() % 256) as u8));
        let mut side = Side::new(Server::default());
        for part in bytes.chunks(1 + (random() % 40) as usize) {
            side.receive(part);
        }
        assert!(side.from_wire.required() <= 4096);
        side.from_wire.finish();
        side.process();
        assert!(side.to_app.is_closed());
    }
}
