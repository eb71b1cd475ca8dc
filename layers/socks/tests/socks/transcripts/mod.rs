//! Whole conversations as tables, each run whole, byte by byte, at every two-way split, through
//! narrow pipes, and with bytes behind its end.

mod associate;
mod bind;
mod client;
mod server;
mod socks4_client;
mod socks4_server;

use crate::kit::{Decision, Side, bytes};
use wirestack_layer::{Error, Flow, Layer, Pipe, Place};

/// What the application has to say from the start: it must not be heard before the tunnel is open.
const EARLY: &str = "early";

/// A conversation: its name, what comes from the wire, what goes to the application, what goes to
/// the wire, the outcome. Behind what comes from the wire, `.` is its end, and `!` an abort.
type Row = [&'static str; 5];

fn check<L: Layer<In = Pipe, Out = Pipe> + 'static>(
    rows: &[Row],
    decision: Decision,
    layer: impl Fn() -> L,
) {
    for [name, from_wire, to_app, to_wire, outcome] in rows {
        let (notation, end) = match from_wire.strip_suffix(['.', '!']) {
            Some(notation) => (notation, from_wire.chars().last()),
            None => (*from_wire, None),
        };
        let input = bytes(notation);
        let wanted = ((*to_app).to_owned(), bytes(to_wire), (*outcome).to_owned());

        let whole: Vec<&[u8]> = vec![&input];
        let single: Vec<&[u8]> = input.chunks(1).collect();
        let halves = (0..=input.len()).map(|at| vec![&input[..at], &input[at..]]);
        for pieces in [whole, single].into_iter().chain(halves) {
            for limit in [1, 64 * 1024] {
                let mut side = Side::new(layer());
                let got = run(&mut side, &pieces, end, decision, limit);
                assert_eq!(got, wanted, "{name}: {pieces:02x?}, limit {limit}");
            }
        }

        if end.is_none() && !outcome.contains("waiting") {
            let mut wanted = wanted;
            if *outcome == "open" {
                wanted.0 += "trailing";
            }
            let mut side = Side::new(layer());
            let longer = [&input[..], b"trailing"].concat();
            let got = run(&mut side, &[&longer], end, decision, 64 * 1024);
            assert_eq!(got, wanted, "{name}, trailing");
        }
    }
}

/// Returns what the application received, what went to the wire, and the outcome.
fn run(
    side: &mut Side,
    pieces: &[&[u8]],
    end: Option<char>,
    decision: Decision,
    limit: usize,
) -> (String, Vec<u8>, String) {
    side.from_app.write(EARLY.as_bytes());
    side.to_wire.set_limit(limit);
    side.to_app.set_limit(limit);
    let (mut to_app, mut to_wire) = (vec![], vec![]);
    let mut settle = |side: &mut Side| {
        loop {
            side.process();
            let moved = side.to_wire.len() + side.to_app.len();
            to_wire.extend(side.sent());
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
        Some('.') => side.from_wire.finish(),
        Some(_) => side
            .from_wire
            .abort(Error::peer("socket", "reset").at(Place::Wire)),
        None => {}
    }
    settle(side);
    if side.error().is_some() {
        assert!(side.from_wire.is_empty() && side.from_app.is_empty());
        assert!(side.to_wire.is_closed() || side.layer.is_open());
    }
    (String::from_utf8(to_app).unwrap(), to_wire, side.outcome())
}
