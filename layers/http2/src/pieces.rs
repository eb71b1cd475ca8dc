//! The payload of a DATA frame, in as many pieces as it lies in memory.

use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io::IoSlice;
use wirestack_layer::Pipe;

/// Bytes for one frame, in pieces: the header of a message and its payload need no copy to leave
/// together.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    /// It is empty only if all are.
    first: Bytes,
    rest: VecDeque<Bytes>,
    /// The number of bytes in `rest`.
    behind: usize,
}

impl Pieces {
    /// Takes the next `n` bytes out of a pipe, without a copy.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    pub(crate) fn take(pipe: &mut Pipe, n: usize) -> Self {
        let first = pipe.take(n.min(pipe.first().len()));
        let mut behind = n - first.len();
        let mut pieces = Self {
            first,
            behind,
            ..Self::default()
        };
        while behind > 0 {
            let piece = pipe.take(behind.min(pipe.first().len()));
            behind -= piece.len();
            pieces.rest.push_back(piece);
        }
        pieces
    }

    /// Returns the pieces.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Bytes> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.first.len() + self.behind
    }

    fn chunk(&self) -> &[u8] {
        &self.first
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let pieces = self.iter().filter(|piece| !piece.is_empty());
        let filled = slices.iter_mut().zip(pieces);
        filled
            .map(|(slice, piece)| *slice = IoSlice::new(piece))
            .count()
    }

    fn advance(&mut self, mut n: usize) {
        assert!(n <= self.remaining(), "advanced beyond the pieces");
        while n > 0 && n >= self.first.len() {
            n -= self.first.len();
            // The piece is released: h2 keeps a frame for a while after it was written.
            self.first = self.rest.pop_front().unwrap_or_default();
            self.behind -= self.first.len();
        }
        self.first.advance(n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_read_in_order_however_they_are_advanced() {
        let all: Vec<u8> = (0..40_000_u32).map(|n| n as u8).collect();
        for step in [1, 7, 4096, 5000, 12_000, 40_000] {
            let mut pipe = Pipe::new();
            for (from, to) in [(0, 4), (4, 6000), (6000, 6003), (6003, 40_000)] {
                pipe.push(Bytes::copy_from_slice(&all[from..to]));
            }
            let mut pieces = Pieces::take(&mut pipe, 39_000);
            assert_eq!(pipe.len(), 1000);
            let mut read: Vec<u8> = Vec::new();
            while pieces.has_remaining() {
                let mut slices = [IoSlice::new(&[]); 8];
                let filled = pieces.chunks_vectored(&mut slices);
                let total: usize = slices[..filled].iter().map(|slice| slice.len()).sum();
                assert_eq!(total, pieces.remaining());
                assert_eq!(&*slices[0], pieces.chunk());
                let n = step.min(pieces.remaining());
                read.extend(slices.iter().flat_map(|slice| slice.iter()).take(n));
                pieces.advance(n);
            }
            assert!(read == all[..39_000], "by {step}");
        }
    }
}
