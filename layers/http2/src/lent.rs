//! The large pieces that h2 holds, to be found again when it writes them.

use crate::stream_id::StreamId;
use bytes::Bytes;
use std::collections::VecDeque;

/// The large pieces of streams that h2 holds. It writes slices of them: the wire then shares a
/// piece, and does not copy it.
///
/// Nothing depends on finding a piece. It is only lent while h2 holds it too, so it costs no memory.
#[derive(Debug, Default)]
pub(crate) struct LentPieces(VecDeque<(StreamId, Bytes)>);

impl LentPieces {
    /// Adds a piece that h2 is about to get, if it is large.
    pub(crate) fn add(&mut self, stream: StreamId, piece: &Bytes) {
        if piece.len() >= LARGE && self.0.len() < MOST {
            self.0.push_back((stream, piece.clone()));
        }
    }

    /// Returns the piece of which this is a slice, cut to that slice.
    pub(crate) fn find(&mut self, slice: &[u8]) -> Option<Bytes> {
        if slice.len() < LARGE / 2 {
            return None;
        }
        let wanted = slice.as_ptr_range();
        let is_it = |(_, piece): &(StreamId, Bytes)| {
            let has = piece.as_ptr_range();
            has.start <= wanted.start && wanted.end <= has.end
        };
        let index = self.0.iter().position(is_it)?;
        let piece = &self.0[index].1;
        let found = piece.slice_ref(slice);
        if wanted.end == piece.as_ptr_range().end {
            self.0.remove(index); // h2 writes in order: it was the last slice
        }
        Some(found)
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
    fn so_many_pieces_are_remembered_and_no_more() {
        let mut lent = LentPieces::default();
        let piece = Bytes::from(vec![0; LARGE]);
        for n in 0..1000 {
            lent.add(StreamId::new(n), &piece);
        }
        assert_eq!(lent.0.len(), MOST);
    }
}
