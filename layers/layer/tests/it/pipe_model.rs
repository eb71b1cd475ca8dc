//! A pipe beside a queue of bytes that knows nothing of chunks, memory and fronts.

use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use wirestack_layer::Pipe;

/// Numbers that depend on a seed alone (Knuth's MMIX generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    /// A length: small ones, and those around the size from which on a chunk is not copied.
    fn len(&mut self) -> usize {
        let most = [3, 40, 4095, 4096, 9000][self.below(5)];
        self.below(most + 1)
    }

    fn bytes(&mut self) -> Vec<u8> {
        let (len, first) = (self.len(), self.below(256));
        (0..len).map(|n| (first + n) as u8).collect()
    }
}

/// A pipe and the bytes that have to be in it.
struct Pair {
    pipe: Pipe,
    model: VecDeque<u8>,
}

impl Pair {
    fn put(&mut self, numbers: &mut Numbers) {
        let bytes = numbers.bytes();
        self.model.extend(&bytes);
        let pipe = &mut self.pipe;
        match numbers.below(4) {
            0 => pipe.write(&bytes),
            1 => pipe.push(Bytes::from(bytes)),
            2 => pipe.push(Bytes::from([&bytes[..], &bytes].concat()).slice(..bytes.len())),
            _ => {
                pipe.reserve(bytes.len(), numbers.len());
                let before = pipe.capacity();
                pipe.fill(|buffer| buffer.extend_from_slice(&bytes));
                assert!(
                    bytes.is_empty() || pipe.capacity() == before,
                    "enough was reserved"
                );
            }
        }
    }

    fn get(&mut self, numbers: &mut Numbers) {
        let n = numbers.len().min(self.model.len());
        let pipe = &mut self.pipe;
        match numbers.below(6) {
            0 => {
                pipe.consume(n);
                self.model.drain(..n);
            }
            1 => {
                pipe.reclaim(n);
                self.model.drain(..n);
            }
            2 => {
                let taken = pipe.take(n);
                assert!(self.model.drain(..n).eq(taken.iter().copied()), "taken");
            }
            3 => {
                let seen = pipe.peek(n);
                assert!(seen.len() >= n && seen.len() <= self.model.len());
                assert!(seen.iter().eq(self.model.iter().take(seen.len())), "peeked");
            }
            4 => {
                let seen = pipe.peek_mut(n);
                assert!(seen.len() >= n && seen.len() <= self.model.len());
                let model = self.model.iter_mut();
                for (byte, model) in seen.iter_mut().zip(model) {
                    assert_eq!(byte, model);
                    (*byte, *model) = (!*byte, !*model);
                }
            }
            _ => assert!(pipe.unread().iter().eq(&self.model), "unread"),
        }
    }

    fn lend(&mut self) {
        match self.pipe.take_back() {
            Some(memory) => assert!(memory.is_empty() && self.model.is_empty()),
            None => self.pipe.lend(BytesMut::with_capacity(6000)),
        }
    }

    fn check(&mut self) {
        let pipe = &mut self.pipe;
        assert_eq!(
            (pipe.len(), pipe.is_empty()),
            (self.model.len(), self.model.is_empty())
        );
        assert!(pipe.chunks().flatten().eq(&self.model), "the bytes");
        assert!(pipe.chunks().all(|chunk| !chunk.is_empty()));
        assert!(pipe.first() == pipe.chunks().next().unwrap_or_default());
        assert!(pipe.capacity() >= pipe.len());
        if pipe.is_empty() {
            match pipe.take_back() {
                Some(memory) => pipe.lend(memory),
                None => assert_eq!(pipe.capacity(), 0, "an empty pipe holds no memory"),
            }
        }
    }
}

fn move_some(from: &mut Pair, to: &mut Pair, numbers: &mut Numbers) {
    let n = numbers.len().min(from.model.len());
    match numbers.below(3) {
        0 => {
            from.pipe.transfer_up_to(&mut to.pipe, n);
            to.model.extend(from.model.drain(..n));
        }
        1 => {
            from.pipe.transfer_lent(&mut to.pipe, n);
            to.model.extend(from.model.drain(..n));
        }
        _ => {
            from.pipe.prepend_to(&mut to.pipe);
            from.model.append(&mut to.model);
            std::mem::swap(&mut from.model, &mut to.model);
        }
    }
}

/// Any calls in any order: the same bytes come out as from a plain queue.
#[test]
fn a_pipe_is_a_queue_of_bytes_whatever_is_called() {
    for seed in 0..200 {
        let mut numbers = Numbers(seed);
        let new = || Pair {
            pipe: Pipe::with_limit(usize::MAX),
            model: VecDeque::new(),
        };
        let mut pairs = [new(), new()];
        let mut shared = Vec::new();
        for step in 0..200 {
            let [one, other] = &mut pairs;
            match numbers.below(16) {
                0..6 => one.put(&mut numbers),
                6..12 => one.get(&mut numbers),
                12 => one.lend(),
                13 => pairs.swap(0, 1),
                14 => {
                    // Somebody else has a part of the bytes.
                    let n = one.pipe.first().len();
                    let part = one.pipe.take(n);
                    one.model.drain(..n);
                    shared.push(part.clone());
                    other.pipe.push(part.clone());
                    other.model.extend(&part);
                }
                _ => move_some(one, other, &mut numbers),
            }
            println!("seed {seed}, step {step}");
            pairs.iter_mut().for_each(Pair::check);
        }
    }
}

/// A reader of units copies only those that lie in two chunks, and a unit that is read in place has
/// memory of its own size.
#[test]
fn a_unit_in_one_chunk_is_not_copied_and_one_in_two_chunks_is_once() {
    let mut pipe = Pipe::with_limit(usize::MAX);
    let chunks = [1, 2].map(|byte| Bytes::from(vec![byte; 10_000]));
    let places = chunks.each_ref().map(|chunk| chunk.as_ptr_range());
    chunks.into_iter().for_each(|chunk| pipe.push(chunk));

    pipe.peek_mut(4000)[..4000].fill(7);
    let first = pipe.take(4000);
    assert_eq!(first.as_ptr(), places[0].start, "unmasked where it came");
    let second = pipe.peek(6000).as_ptr();
    assert_eq!(second, places[0].start.wrapping_add(4000));
    pipe.consume(4000);
    let across = pipe.take(5000);
    assert_eq!((across[1999], across[2000]), (1, 2));
    assert!(
        across
            .try_into_mut()
            .is_ok_and(|memory| memory.capacity() == 5000)
    );
    let behind = pipe.take(7000);
    assert_eq!(behind.as_ptr(), places[1].start.wrapping_add(3000));
}

/// The memory of what a driver has written comes back to it, unless somebody has a part of it.
#[test]
fn written_memory_comes_back_once_nobody_has_it() {
    let mut pipe = Pipe::new();
    pipe.lend(BytesMut::with_capacity(20_000));
    pipe.write(&[1; 8000]);
    let mut wire = Pipe::new();
    pipe.transfer_all_to(&mut wire);
    wire.push(Bytes::from(vec![2; 5000]));
    let tail = wire.take(8000);
    wire.push(tail.clone());
    wire.reclaim(13_000);
    assert!(
        wire.take_back().is_none() && wire.capacity() == 0,
        "it is shared"
    );
    wire.push(tail);
    wire.reclaim(7000);
    assert_eq!(wire.len(), 1000);
    wire.reclaim(1000);
    assert!(wire.take_back().is_some());
}

/// A pipe between two layers stays when it is empty for good. It must not hold the memory of bytes
/// that it has passed on.
#[test]
fn an_empty_pipe_has_no_part_of_the_memory_that_it_gave_away() {
    let written = || {
        let mut pipe = Pipe::new();
        pipe.reserve(10, 60_000);
        pipe.write(&[1; 10]);
        pipe
    };
    let ways: [fn(&mut Pipe) -> Bytes; 4] = [
        |pipe| pipe.take(10),
        |pipe| {
            let mut to = Pipe::new();
            pipe.prepend_to(&mut to);
            to.take(10)
        },
        |pipe| {
            pipe.push(Bytes::from(vec![2; 5000]));
            let small = pipe.take(10);
            drop(pipe.take(5000));
            small
        },
        |pipe| {
            pipe.push(Bytes::from(vec![2; 5000]));
            let small = pipe.take(10);
            pipe.reclaim(5000);
            drop(pipe.take_back());
            small
        },
    ];
    for (n, way) in ways.into_iter().enumerate() {
        let mut pipe = written();
        let given = way(&mut pipe);
        assert_eq!((pipe.len(), pipe.capacity()), (0, 0), "way {n}");
        assert!(given.is_unique(), "way {n}");
    }
}

#[cfg(feature = "std")]
#[test]
fn the_slices_of_a_vectored_write_are_the_pieces_in_order() {
    let mut pipe = Pipe::new();
    for byte in 1..=3 {
        pipe.push(vec![byte; 100_000].into());
    }
    for most in 0..5 {
        let mut slices = [std::io::IoSlice::new(&[]); 5];
        let filled = pipe.io_slices(&mut slices[..most]);
        assert_eq!(filled, most.min(3));
        let bytes = slices.iter().flat_map(|slice| slice.iter());
        assert!(bytes.eq(pipe.chunks().take(most).flatten()), "{most}");
    }
}
