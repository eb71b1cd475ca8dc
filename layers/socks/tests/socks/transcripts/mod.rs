//! Whole conversations as tables of [`Exchange`]s.

mod associate;
mod bind;
mod client;
mod server;
mod socks4_client;
mod socks4_server;

use crate::kit::{Decision, Side, WireEnd, bytes, bytes_and_end};
use wirestack_layer::{Error, Flow, Layer, Pipe, Place};
use wirestack_socks::{Client, Server};

/// A conversation between a client and a server, one of which is the layer under test.
///
/// The layer is fed the bytes of its peer whole, byte by byte, at every two-way split, through
/// narrow pipes, and with more bytes behind them. Each time it must send and deliver the same.
struct Exchange {
    name: &'static str,
    /// The bytes on the wire from the client to the server, in the notation of [`bytes_and_end`].
    client_sends: &'static str,
    /// The bytes on the wire from the server to the client, in the same notation.
    server_sends: &'static str,
    /// The text that the application of the layer under test reads from its tunnel.
    app_reads: &'static str,
    /// The error that ended the tunnel, `finished` for a clean end, or the layer's progress.
    outcome: &'static str,
}

/// The bytes that the application writes before anything else. They appear on the wire as
/// `'early'`, once the tunnel is open and not before.
const EARLY: &str = "early";

/// Checks the client's half of each exchange.
fn check_client(exchanges: &[Exchange], client: impl Fn() -> Client) {
    for exchange in exchanges {
        let halves = (exchange.server_sends, exchange.client_sends);
        check(exchange, halves, Decision::Wait, &client);
    }
}

/// Checks the server's half of each exchange; its application makes the given decision.
fn check_server(exchanges: &[Exchange], decision: Decision, server: impl Fn() -> Server) {
    for exchange in exchanges {
        let halves = (exchange.client_sends, exchange.server_sends);
        check(exchange, halves, decision, &server);
    }
}

fn check<L: Layer<In = Pipe, Out = Pipe> + 'static>(
    exchange: &Exchange,
    (peer_sends, layer_sends): (&str, &str),
    decision: Decision,
    layer: impl Fn() -> L,
) {
    let (name, outcome) = (exchange.name, exchange.outcome);
    let (input, end) = bytes_and_end(peer_sends);
    let mut wanted = Seen {
        app_reads: exchange.app_reads.to_owned(),
        layer_sends: bytes(layer_sends),
        outcome: outcome.to_owned(),
    };

    let whole: Vec<&[u8]> = vec![&input];
    let single: Vec<&[u8]> = input.chunks(1).collect();
    let halves = (0..=input.len()).map(|at| vec![&input[..at], &input[at..]]);
    for pieces in [whole, single].into_iter().chain(halves) {
        for limit in [1, 64 * 1024] {
            let mut side = Side::new(layer());
            let seen = run(&mut side, &pieces, end, decision, limit);
            assert_eq!(seen, wanted, "{name}: {pieces:02x?}, limit {limit}");
        }
    }

    if end.is_none() && !outcome.contains("waiting") {
        if outcome == "open" {
            wanted.app_reads += "trailing";
        }
        let mut side = Side::new(layer());
        let longer = [&input[..], b"trailing"].concat();
        let seen = run(&mut side, &[&longer], end, decision, 64 * 1024);
        assert_eq!(seen, wanted, "{name}, trailing");
    }
}

/// The things that an [`Exchange`] foretells.
#[derive(Debug, PartialEq)]
struct Seen {
    app_reads: String,
    layer_sends: Vec<u8>,
    outcome: String,
}

fn run(
    side: &mut Side,
    pieces: &[&[u8]],
    end: Option<WireEnd>,
    decision: Decision,
    limit: usize,
) -> Seen {
    side.from_app.write(EARLY.as_bytes());
    side.to_wire.set_limit(limit);
    side.to_app.set_limit(limit);
    let (mut to_app, mut layer_sends) = (vec![], vec![]);
    let mut settle = |side: &mut Side| {
        loop {
            side.process();
            let moved = side.to_wire.len() + side.to_app.len();
            layer_sends.extend(side.sent());
            to_app.extend(side.delivered());
            if moved == 0 && !decision.make(side) {
                return;
            }
        }
    };
    settle(side);
    for piece in pieces {
        side.from_wire.write(piece);
        settle(side);
    }
    match end {
        Some(WireEnd::Finish) => side.from_wire.finish(),
        Some(WireEnd::Abort) => side
            .from_wire
            .abort(Error::peer("socket", "reset").at(Place::Wire)),
        None => {}
    }
    settle(side);
    if side.error().is_some() {
        assert!(side.from_wire.is_empty() && side.from_app.is_empty());
        assert!(side.to_wire.is_closed() || side.layer.is_open());
    }
    Seen {
        app_reads: String::from_utf8(to_app).unwrap(),
        layer_sends,
        outcome: side.outcome(),
    }
}
