//! The cost of moving bytes.

use bytes::{Bytes, BytesMut};
use std::time::{Duration, Instant};
use wirestack_layer::{Flow, Pipe};

/// A way for bytes to get into a pipe.
struct Way {
    name: &'static str,
    put: fn(&mut Pipe, &[u8]),
}

const WAYS: &[Way] = &[
    Way {
        name: "write",
        put: |pipe, piece| pipe.write(piece),
    },
    Way {
        name: "push",
        put: |pipe, piece| pipe.push(Bytes::copy_from_slice(piece)),
    },
    Way {
        name: "push of a slice of more",
        put: |pipe, piece| {
            let more = Bytes::from([piece, piece].concat());
            pipe.push(more.slice(..piece.len()));
        },
    },
    Way {
        name: "transfer_to",
        put: |pipe, piece| {
            let mut from = Pipe::new();
            from.write(piece);
            from.transfer_all_to(pipe);
        },
    },
    Way {
        name: "transfer_to, of chunks and small writes",
        put: |pipe, piece| {
            let mut from = Pipe::new();
            from.write(&piece[..9]);
            from.push(Bytes::copy_from_slice(&piece[9..]));
            from.transfer_all_to(pipe);
        },
    },
];

/// By every way into a pipe, a large unit that arrives in pieces is copied a few times, and not
/// once for each piece.
#[test]
#[allow(clippy::disallowed_methods)] // how long it takes is the subject
fn a_unit_in_pieces_is_gathered_in_linear_time() {
    for Way { name, put } in WAYS {
        let time = |len: usize| {
            let mut pipe = Pipe::with_limit(usize::MAX);
            let piece = [7; 4096 + 9];
            let begun = Instant::now();
            let mut sum = 0;
            while pipe.len() < len {
                put(&mut pipe, &piece);
                pipe.require(len);
                sum += pipe.unread().len(); // a parser looks after each piece
            }
            assert!(sum > 0);
            begun.elapsed()
        };
        time(1 << 20);
        let (one, eight) = (time(1 << 20), time(8 << 20));
        // Eight times as much, with a wide margin for a machine that is busy.
        let bound = 40 * one + Duration::from_millis(100);
        assert!(
            eight < bound,
            "{name}: {one:?} for 1 MiB, {eight:?} for 8 MiB"
        );
    }
}

/// By the same ways, counted instead of measured: whenever the first byte lies somewhere else, all of
/// them were copied.
#[test]
fn a_unit_in_pieces_moves_in_memory_only_as_it_grows() {
    const LEN: usize = 8 << 20;
    for Way { name, put } in WAYS {
        let mut pipe = Pipe::with_limit(usize::MAX);
        let (mut at, mut copied) = (std::ptr::null(), 0);
        while pipe.len() < LEN {
            put(&mut pipe, &[7; 4096 + 9]);
            pipe.require(LEN);
            let bytes = pipe.unread();
            if bytes.as_ptr() != at {
                (at, copied) = (bytes.as_ptr(), copied + bytes.len());
            }
        }
        assert!(copied <= 4 * LEN, "{name}: {copied} bytes copied for {LEN}");
    }
}

/// A full buffer hands its bytes over; a shared one is not copied for the bytes that follow.
#[test]
fn joined_bytes_stay_joined() {
    let mut pipe = Pipe::with_limit(usize::MAX);
    let mut whole = Vec::new();
    for n in 0..50_u8 {
        let mut piece = BytesMut::from(&[n; 5000][..]);
        pipe.write(&piece[..10]);
        pipe.push(piece.split_off(10).freeze());
        whole.extend_from_slice(&[n; 5000]);
        assert!(pipe.unread() == whole);
    }
    assert_eq!(pipe.take(123), whole[..123]);
    assert!(pipe.unread() == &whole[123..]);
    pipe.discard();
    assert!(pipe.is_empty());
}
