//! Random bytes from seeds: no layer panics, and each comes to an end.

use crate::kit::{self, Decision, Dice, Side, bytes};
use wirestack_layer::Flow;
use wirestack_socks::{Client, Reply};

const ROUNDS: u64 = 20_000;

#[test]
fn a_client_survives_junk() {
    let proxy = bytes("05 02  01 00  05 00 00 03 0b 'example.org' 01bb 'hello'");
    for seed in 1..=ROUNDS {
        check(seed, &proxy, Side::new(kit::client_with_password()));
    }
}

#[test]
fn a_server_survives_junk() {
    let client = bytes("05 02 00 02  01 02 'me' 02 'pw'  05 01 00 03 01 'a' 01bb 'hello'");
    for seed in 1..=ROUNDS {
        check(seed, &client, Side::new(kit::server_with_password()));
    }
}

#[test]
fn clients_of_other_versions_and_commands_survive_junk() {
    let socks4 = bytes("00 5a 1267 7f000001  00 5a 0014 c0000207 'hello'");
    let bind = bytes("05 00  05 00 00 01 7f000001 1267  05 00 00 03 01 'a' 0014 'hello'");
    for seed in 1..=ROUNDS {
        let binding = || Client::bind(kit::peer());
        check(seed, &socks4, Side::new(kit::client().socks4("").unwrap()));
        check(seed, &socks4, Side::new(binding().socks4("me").unwrap()));
        check(seed, &bind, Side::new(binding()));
        check(seed, &bind, Side::new(Client::associate(kit::peer())));
    }
}

#[test]
fn a_server_of_every_version_and_command_survives_junk() {
    let conversations = [
        "04 01 0050 c0000207 'me' 00 'hello'",
        "04 01 01bb 00000001 'me' 00 'example.org' 00 'hello'",
        "04 02 0014 c0000207 'me' 00 'hello'",
        "05 01 00  05 02 00 01 c0000207 0014 'hello'",
        "05 01 00  05 03 00 03 01 'a' 0014 'hello'",
    ];
    for conversation in conversations.map(bytes) {
        for seed in 1..=ROUNDS {
            check(seed, &conversation, Side::new(kit::server_of_all()));
        }
    }
}

/// Feeds a conversation with a few bytes changed, in random pieces, then finishes it.
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
    while decide(&mut side, &mut dice) {}
    assert!(
        side.to_app.is_closed(),
        "seed {seed}: {:?}",
        side.layer.progress()
    );
    assert!(side.from_wire.is_empty(), "seed {seed}");
    assert!(side.to_wire.len() < 1024, "seed {seed}");
    assert_eq!(side.error().is_none(), side.layer.is_open(), "seed {seed}");
}

/// Makes a random decision if one is wanted. Returns `true` if it made one.
fn decide(side: &mut Side, dice: &mut Dice) -> bool {
    let reply = Reply::from(dice.roll(256) as u8);
    let decisions = [
        Decision::Accept,
        Decision::RejectPeer(reply),
        Decision::Reject(reply),
    ];
    let decided = decisions[dice.roll(3)].make(side) || Decision::Accept.make(side);
    side.process();
    decided
}
