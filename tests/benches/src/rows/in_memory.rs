//! Work without any socket.

use crate::contestant::Kind;
use crate::contestants::open_server;
use crate::row::Row;
use bytes::Bytes;
use wirestack::{Engine, Instant};

/// Returns the rows.
pub(crate) fn rows() -> Vec<Row> {
    let pieces = |name, chunks| {
        // As many bytes for both: a cost that is linear is the same.
        Row::new("memory", name)
            .case("16 x 1 MiB", Kind::Baseline, move |n| {
                in_pieces(16 * n, 1 << 20, chunks)
            })
            .case("1 x 16 MiB", Kind::Ours, move |n| {
                in_pieces(n, 16 << 20, chunks)
            })
    };
    vec![
        Row::new("parse", "a masked frame of 16 B").case("wirestack", Kind::Ours, parse),
        pieces("16 MiB in pieces of 4 KiB, copied into the flow", false),
        pieces("16 MiB in pieces of 4 KiB, queued as chunks", true),
    ]
}

/// Parses so many masked frames of 16 bytes, each of which is a message.
fn parse(messages: usize) {
    let mut engine = Engine::new(open_server());
    let now = Instant::now();
    let frame = *b"\x82\x90\x01\x02\x03\x04abcdefghijklmnop";
    let batch: Vec<u8> = frame.repeat(BATCH);
    for nth in 0..messages {
        if nth % BATCH == 0 {
            engine.from_wire().write(&batch);
        }
        engine.process(now);
        let received = engine.to_app().pop();
        assert_eq!(received.expect("a message").len(), 16);
    }
}

/// Receives so many messages of this size, which arrive in pieces of 4 KiB.
fn in_pieces(messages: usize, size: usize, chunks: bool) {
    let mut engine = Engine::new(open_server());
    let now = Instant::now();
    let mut header = vec![0x82, 0xff];
    header.extend((size as u64).to_be_bytes());
    header.extend([1, 2, 3, 4]);
    let piece = vec![7; PIECE];
    for _ in 0..messages {
        engine.from_wire().write(&header);
        for _ in 0..size / PIECE {
            engine.process(now);
            if chunks {
                engine.from_wire().push(Bytes::copy_from_slice(&piece));
            } else {
                engine.from_wire().write(&piece);
            }
        }
        engine.process(now);
        assert_eq!(engine.to_app().pop().expect("a message").len(), size);
    }
}

/// The frames that arrive together.
const BATCH: usize = 64;

/// The size of a piece, in bytes.
const PIECE: usize = 4096;
