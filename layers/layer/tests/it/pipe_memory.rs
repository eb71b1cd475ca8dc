//! The memory of a pipe: what is copied, what is kept, and what is lent.

use bytes::{Bytes, BytesMut};
use wirestack_layer::Pipe;

fn chunk(len: usize) -> Bytes {
    Bytes::from(vec![7; len])
}

/// The number of bytes that were copied while a unit arrived, with a look at it behind each piece:
/// whenever the first byte lies somewhere else, all were.
fn copied(unit: usize, piece: usize, requires: bool) -> usize {
    let mut pipe = Pipe::with_limit(usize::MAX);
    let (mut at, mut copied) = (std::ptr::null(), 0);
    while pipe.len() < unit {
        pipe.push(chunk(piece));
        if requires {
            pipe.require(unit);
        }
        let bytes = pipe.unread();
        if bytes.as_ptr() != at {
            (at, copied) = (bytes.as_ptr(), copied + bytes.len());
        }
    }
    copied
}

#[test]
fn a_unit_of_60_kib_is_not_copied_for_each_of_its_pieces() {
    for requires in [false, true] {
        let copied = copied(60 << 10, 4096, requires);
        assert!(
            copied <= 3 * (60 << 10),
            "{copied} bytes, required {requires}"
        );
    }
}

#[test]
fn a_unit_across_two_chunks_gets_memory_of_its_own_size() {
    let mut pipe = Pipe::with_limit(usize::MAX);
    pipe.push(chunk(10_000));
    pipe.push(chunk(10_000));
    pipe.consume(2000);
    let unit = pipe.take(9000).try_into_mut().expect("its only owner");
    assert_eq!(unit.capacity(), 9000);
}

#[test]
fn what_lies_in_one_piece_is_read_where_it_is() {
    let mut pipe = Pipe::with_limit(usize::MAX);
    let shared = chunk(5000);
    pipe.push(shared.clone());
    pipe.push(chunk(5000));
    assert_eq!(pipe.peek(5000).as_ptr(), shared.as_ptr());
    pipe.consume(5000);
    let place = pipe.first().as_ptr();
    pipe.push(chunk(5000));
    assert_eq!(pipe.peek_mut(5000).as_ptr(), place);
}

#[test]
fn from_4096_bytes_on_a_chunk_moves_without_a_copy() {
    for (len, moves) in [(4095, false), (4096, true), (9000, true)] {
        let bytes = chunk(len);
        let place = bytes.as_ptr();
        let (mut pipe, mut to) = (Pipe::new(), Pipe::new());
        pipe.push(bytes);
        assert_eq!(pipe.first().as_ptr() == place, moves, "push of {len}");

        let (bytes, place) = {
            let bytes = chunk(len + 5000);
            let place = bytes.as_ptr();
            (bytes, place)
        };
        let mut from = Pipe::new();
        from.push(bytes);
        to.write(b"before");
        from.transfer_up_to(&mut to, len);
        to.consume(6);
        assert_eq!(to.first().as_ptr() == place, moves, "move of {len}");
        assert_eq!((to.len(), from.len()), (len, 5000));
    }
}

#[test]
fn room_for_a_write_is_made_only_where_there_is_too_little() {
    let mut pipe = Pipe::new();
    pipe.reserve(4, 8);
    pipe.write(b"four");
    pipe.reserve(4, 100); // there is just as much
    assert_eq!(pipe.capacity(), 8);
    pipe.reserve(5, 100);
    assert!(pipe.capacity() > 100);
}

#[test]
fn memory_is_lent_to_a_pipe_that_has_none_and_stays_until_it_is_taken_back() {
    let mut pipe = Pipe::new();
    pipe.lend(BytesMut::with_capacity(4096));
    pipe.lend(BytesMut::with_capacity(100)); // it has some
    for _ in 0..3 {
        pipe.write(b"hello");
        assert!(pipe.take_back().is_none(), "bytes are in it");
        pipe.consume(5);
        assert_eq!(pipe.capacity(), 4096);
    }
    assert_eq!(pipe.take_back().map(|memory| memory.capacity()), Some(4096));
    assert!(pipe.take_back().is_none() && pipe.capacity() == 0);
}

/// Memory is lent on with all bytes in it, to a pipe that has none.
#[test]
fn memory_goes_along_only_if_it_was_lent_and_everything_in_it_goes() {
    let lent = |bytes: &[u8]| {
        let mut pipe = Pipe::new();
        pipe.lend(BytesMut::with_capacity(100));
        pipe.write(bytes);
        pipe
    };
    let mut own = Pipe::new();
    own.write(b"hello");
    let mut with_chunk = lent(b"hello");
    with_chunk.push(chunk(5000));
    let mut not_empty = Pipe::new();
    not_empty.write(b"before");
    let cases = [
        ("all of it", lent(b"hello"), Pipe::new(), 5, true),
        ("a part", lent(b"hello"), Pipe::new(), 4, false),
        ("memory of its own", own, Pipe::new(), 5, false),
        ("a chunk behind it", with_chunk, Pipe::new(), 5005, false),
        ("behind others", lent(b"hello"), not_empty, 5, false),
    ];
    for (name, mut from, mut to, n, goes_along) in cases {
        from.transfer_lent(&mut to, n);
        to.consume(to.len());
        assert_eq!(to.take_back().is_some(), goes_along, "{name}");
    }
}

#[test]
fn a_pipe_that_was_reclaimed_whole_begins_anew() {
    for chunks in 1..4 {
        let mut pipe = Pipe::with_limit(usize::MAX);
        let shared = chunk(5000);
        for _ in 0..=chunks {
            pipe.push(shared.clone());
        }
        pipe.peek(5001);
        pipe.reclaim(pipe.len());
        pipe.push(shared.clone());
        assert_eq!(pipe.first(), &shared[..], "{chunks} chunks");
        assert!(pipe.chunks().eq([&shared[..]]), "{chunks} chunks");
    }
}

#[test]
fn the_memory_for_small_writes_is_freed_when_the_last_chunk_is_taken() {
    let mut pipe = Pipe::new();
    pipe.reserve(10, 60_000);
    pipe.write(&[1; 10]);
    pipe.push(chunk(5000));
    pipe.consume(10);
    assert_eq!(pipe.take(5000).len(), 5000);
    assert_eq!(pipe.capacity(), 0);
}
