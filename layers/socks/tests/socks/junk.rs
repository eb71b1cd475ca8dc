//! Bytes that nobody planned, from seeds: nothing panics, and everything ends.

use crate::kit::{self, Dice, Side, bytes};
use wirestack_layer::Flow;
use wirestack_socks::{Reply, Server};

const ROUNDS: u64 = 20_000;

#[test]
fn junk_for_a_client() {
    let proxy = bytes("05 02  01 00  05 00 00 03 0b 'example.org' 01bb 'hello'");
    for seed in 1..=ROUNDS {
        check(seed, &proxy, Side::new(kit::client_with_password()));
    }
}

#[test]
fn junk_for_a_server() {
    let client = bytes("05 02 00 02  01 02 'me' 02 'pw'  05 01 00 03 01 'a' 01bb 'hello'");
    for seed in 1..=ROUNDS {
        check(seed, &client, Side::new(kit::server_with_password()));
    }
}

/// Feeds a conversation with a few bytes changed, cut at random, then finishes it.
fn check(seed: u64, conversation: &[u8], mut side: Side) {
    let mut dice = Dice::new(seed);
    let mut input = conversation.to_vec();
    for _ in 0..dice.roll(4) {
        let at = dice.roll(input.len());
        input[at] = dice.roll(256) as u8;
    }
    input.truncate(dice.roll(input.len() + 1));
    let mut rest = &input[..];
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(1 + dice.roll(rest.len()));
        rest = after;
        side.receive(piece);
        decide(&mut side, &mut dice);
    }
    side.from_wire.finish();
    side.process();
    decide(&mut side, &mut dice);
    assert!(
        side.to_app.is_closed(),
        "seed {seed}: {:?}",
        side.layer.progress()
    );
    assert!(side.from_wire.is_empty(), "seed {seed}");
    assert!(side.to_wire.len() < 1024, "seed {seed}");
    assert_eq!(side.error().is_none(), side.layer.is_open(), "seed {seed}");
}

fn decide(side: &mut Side, dice: &mut Dice) {
    use wirestack_layer::LayerExt;
    if let Some(server) = side.layer.part::<Server>() {
        match dice.roll(2) {
            0 => server.accept(kit::bound()),
            _ => server.reject(Reply::from(dice.roll(256) as u8)),
        }
        side.process();
    }
}
