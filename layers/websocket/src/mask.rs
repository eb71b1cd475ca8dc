//! Masking (RFC 6455 §5.3).

use bytes::BytesMut;
use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use fearless_simd::{Level, dispatch};
use std::fmt;
use wirestack_layer::Seed;

/// The four bytes that mask a payload.
pub(crate) type Key = [u8; 4];

/// The source of a client's keys: a fresh one for each frame.
///
/// "The masking key MUST be derived from a strong source of entropy, and the masking key for a
/// given frame MUST NOT make it simple for a server/proxy to predict the masking key for a
/// subsequent frame."
pub(crate) struct Masks(Box<ChaCha12Rng>); // boxed, because it is large and a server has none

impl Masks {
    pub(crate) fn new(seed: Seed) -> Self {
        Self(Box::new(ChaCha12Rng::from_seed(seed.into_bytes())))
    }

    /// Returns the key of the next frame.
    pub(crate) fn key(&mut self) -> Key {
        self.0.next_u32().to_ne_bytes()
    }

    /// Returns the 16 random bytes of a handshake (RFC 6455 §4.1, item 7).
    pub(crate) fn nonce(&mut self) -> [u8; 16] {
        let mut nonce = [0; 16];
        self.0.fill_bytes(&mut nonce);
        nonce
    }
}

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Masks(..)")
    }
}

/// Masks or unmasks a piece of a payload that begins `offset` bytes behind its start.
#[inline]
pub(crate) fn apply(piece: &mut [u8], key: Key, offset: usize) {
    let word = u32::from_le_bytes(key).rotate_right(offset as u32 % 4 * 8);
    if piece.len() < WIDE {
        apply_word(piece, word);
    } else {
        apply_wide(piece, word);
    }
}

/// Appends a masked copy of a whole payload to `to`. Large ones are masked while they are copied.
#[inline]
pub(crate) fn append(payload: &[u8], key: Key, to: &mut BytesMut) {
    if payload.len() < WIDE {
        let start = to.len();
        to.extend_from_slice(payload);
        apply(&mut to[start..], key, 0);
    } else {
        append_wide(payload, u32::from_le_bytes(key), to);
    }
}

#[inline(never)]
fn append_wide(payload: &[u8], word: u32, to: &mut BytesMut) {
    to.reserve(payload.len());
    dispatch!(Level::new(), _ => append_blocks(payload, word, to));
}

#[inline(always)]
fn append_blocks(payload: &[u8], word: u32, to: &mut BytesMut) {
    let (blocks, rest) = payload.as_chunks::<BLOCK>();
    for block in blocks {
        let mut block = *block; // it stays in registers
        apply_pairs(&mut block, word);
        to.extend_from_slice(&block);
    }
    let start = to.len();
    to.extend_from_slice(rest);
    apply_word(&mut to[start..], word);
}

/// Masks with the widest instructions that this processor has. To choose them takes longer than
/// to mask a small payload.
#[inline(never)]
fn apply_wide(piece: &mut [u8], word: u32) {
    dispatch!(Level::new(), _ => apply_blocks(piece, word));
}

#[inline(always)]
fn apply_blocks(piece: &mut [u8], word: u32) {
    let (blocks, rest) = piece.as_chunks_mut::<BLOCK>();
    for block in blocks {
        apply_pairs(block, word);
    }
    apply_word(rest, word);
}

/// Masks a block of a size that the compiler makes a few wide instructions of.
#[inline(always)]
fn apply_pairs(block: &mut [u8; BLOCK], word: u32) {
    let pair = u64::from(word) << 32 | u64::from(word);
    for bytes in block.as_chunks_mut::<8>().0 {
        *bytes = (u64::from_le_bytes(*bytes) ^ pair).to_le_bytes();
    }
}

#[inline(always)]
fn apply_word(piece: &mut [u8], word: u32) {
    let block = u128::from(word) * 0x1_0000_0001_0000_0001_0000_0001;
    let (blocks, rest) = piece.as_chunks_mut::<16>();
    for bytes in blocks {
        *bytes = (u128::from_le_bytes(*bytes) ^ block).to_le_bytes();
    }
    let (bytes, rest) = rest.split_at_mut(rest.len() & 8);
    if let Ok(bytes) = <&mut [u8; 8]>::try_from(bytes) {
        *bytes = (u64::from_le_bytes(*bytes) ^ block as u64).to_le_bytes();
    }
    let (bytes, rest) = rest.split_at_mut(rest.len() & 4);
    if let Ok(bytes) = <&mut [u8; 4]>::try_from(bytes) {
        *bytes = (u32::from_le_bytes(*bytes) ^ word).to_le_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(word.to_le_bytes()) {
        *byte ^= key;
    }
}

/// From this length on, a piece is masked with the widest instructions of the processor.
const WIDE: usize = 2048;

/// The bytes that are masked at a time by wide instructions: as many as fit into half of the
/// registers.
const BLOCK: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_byte_by_byte_as_in_rfc_6455_5_3() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for len in [256, WIDE - 1, WIDE, WIDE + 1, WIDE + 271] {
            let plain: Vec<u8> = (0..len).map(|i| (i * 7 + (i >> 8)) as u8).collect();
            for cut in 0..plain.len() {
                let mut masked = plain.clone();
                let (first, second) = masked.split_at_mut(cut);
                apply(first, key, 0);
                apply(second, key, cut);
                let mut pairs = plain.iter().zip(&masked).enumerate();
                assert!(
                    pairs.all(|(i, (p, m))| p ^ key[i % 4] == *m),
                    "{cut} of {len}"
                );
            }
        }
    }

    #[test]
    fn a_masked_copy_is_the_same_as_a_copy_that_is_masked() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for len in (0..3)
            .chain([255, 256, 257, WIDE - 1])
            .chain(WIDE..WIDE + 300)
        {
            let plain: Vec<u8> = (0..len).map(|i| (i * 7 + (i >> 8)) as u8).collect();
            let mut masked = plain.clone();
            apply(&mut masked, key, 0);
            let mut appended = BytesMut::from("before");
            append(&plain, key, &mut appended);
            assert_eq!(appended, [b"before", &masked[..]].concat(), "{len}");
        }
    }

    #[test]
    fn keys_differ_from_frame_to_frame_and_from_seed_to_seed() {
        let keys = |seed| {
            let mut masks = Masks::new(Seed::new([seed; 32]));
            (0..1000).map(|_| masks.key()).collect::<Vec<_>>()
        };
        let (one, two) = (keys(1), keys(2));
        let mut all: Vec<_> = one.iter().chain(&two).collect();
        all.sort();
        all.dedup();
        assert!(all.len() > 1990, "{} different keys", all.len());
    }
}
