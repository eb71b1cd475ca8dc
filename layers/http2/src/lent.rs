//! The large pieces that h2 holds, to be found again when it writes them.

use crate::stream_id::StreamId;
use bytes::Bytes;
use std::collections::VecDeque;

/// The large pieces of streams that h2 holds. It writes slices of them: the wire then shares a
/// piece, and does not copy it.
///
/// Nothing depends on finding a piece. A piece is forgotten once nobody else has it, so it costs no
/// memory.
#[derive(Debug, Default)]
pub(crate) struct LentPieces(VecDeque<(StreamId, Bytes)>);

impl LentPieces {
    /// Adds a piece that h2 is about to get, if it is large.
    pub(crate) fn add(&mut self, stream: StreamId, piece: &Bytes) {
        if piece.len() >= LARGE && self.0.len() < MOST {
            self.0.push_back((stream, piece.clone()));
        }
    }

    /// Returns the piece of which this is a slice, cut to that slice, if the slice is large. h2
    /// writes the pieces of a stream in order: behind the last slice of one, it is forgotten with
    /// those before it, whose ends h2 may have copied.
    pub(crate) fn find(&mut self, slice: &[u8]) -> Option<Bytes> {
        let wanted = slice.as_ptr_range();
        let is_it = |(_, piece): &(StreamId, Bytes)| {
            let has = piece.as_ptr_range();
            has.start <= wanted.start && wanted.end <= has.end
        };
        let index = self.0.iter().position(is_it)?;
        let (stream, piece) = &self.0[index];
        let (stream, is_last) = (*stream, wanted.end == piece.as_ptr_range().end);
        let found = (slice.len() >= LARGE / 2).then(|| piece.slice_ref(slice));
        if is_last {
            let behind = self.0.split_off(index + 1);
            self.forget(stream);
            self.0.extend(behind);
        }
        found
    }

    /// Forgets the pieces that nobody else has any more.
    pub(crate) fn release(&mut self) {
        self.0.retain(|(_, piece)| !piece.is_unique());
    }

    /// Forgets the pieces of a stream, which h2 may have thrown away.
    pub(crate) fn forget(&mut self, stream: StreamId) {
        self.0.retain(|(other, _)| *other != stream);
    }
}

/// A smaller piece is copied, because that costs less than to find it.
pub(crate) const LARGE: usize = 4096;

/// The number of pieces that are remembered. More of them only wait for a window.
const MOST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_of_a_lent_piece_shares_its_memory_and_no_other_does() {
        let mut lent = LentPieces::default();
        let [one, two] = [1, 2].map(StreamId::new);
        let [first, second] = [7, 8].map(|byte| Bytes::from(vec![byte; 10_000]));
        lent.add(one, &first);
        lent.add(two, &second);
        lent.add(two, &Bytes::from(vec![9; 100]));
        assert_eq!(lent.0.len(), 2, "a small piece is not lent");
        assert!(lent.find(&vec![7; 5000]).is_none(), "another memory");
        let found = lent.find(&second[247..6000]).expect("the second");
        assert_eq!(found.as_ptr_range(), second[247..6000].as_ptr_range());
        assert!(lent.find(&second[6000..]).is_some());
        assert!(lent.find(&second[6000..]).is_none(), "it was written whole");
        lent.forget(one);
        assert!(lent.find(&first).is_none());
    }

    #[test]
    fn a_piece_is_forgotten_behind_its_last_slice_with_those_before_it() {
        let mut lent = LentPieces::default();
        let [one, two] = [1, 2].map(StreamId::new);
        let [short, copied, other, last] = [1, 2, 3, 4].map(|byte| Bytes::from(vec![byte; 5000]));
        lent.add(one, &short);
        assert!(lent.find(&short[..4990]).is_some());
        assert!(lent.find(&short[4990..]).is_none(), "that is copied");
        assert!(lent.0.is_empty(), "and the piece is forgotten");

        for (stream, piece) in [(one, &copied), (two, &other), (one, &last)] {
            lent.add(stream, piece);
        }
        // h2 has copied the end of the first piece in front of a frame.
        assert!(lent.find(&copied[..4990]).is_some());
        assert!(lent.find(&last).is_some());
        let left: Vec<_> = lent.0.iter().map(|(stream, _)| *stream).collect();
        assert_eq!(left, [two], "the other stream is behind");
    }

    #[test]
    fn a_piece_that_nobody_else_has_is_released() {
        let mut lent = LentPieces::default();
        let [first, second] = [1, 2].map(|byte| Bytes::from(vec![byte; 5000]));
        lent.add(StreamId::new(1), &first);
        lent.add(StreamId::new(1), &second);
        drop(first);
        lent.release();
        assert_eq!(lent.0.len(), 1);
        drop(second);
        lent.release();
        assert!(lent.0.is_empty());
    }

    #[test]
    fn so_many_pieces_are_remembered_and_no_more() {
        let mut lent = LentPieces::default();
        let piece = Bytes::from(vec![0; LARGE]);
        for n in 0..1000 {
            lent.add(StreamId::new(n), &piece);
        }
        assert_eq!(lent.0.len(), MOST);
    }
}
