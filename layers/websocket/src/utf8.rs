//! UTF-8 in pieces (RFC 6455 §8.1), checked so that it fails at the first wrong byte.

use std::str;

/// The check of a text that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Utf8 {
    /// The bytes of a character that is not complete yet.
    begun: [u8; 4],
    len: usize,
}

/// The text is not UTF-8, and no further bytes can mend it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotUtf8;

impl Utf8 {
    /// Checks the next piece. `last` tells that the text ends with it.
    pub(crate) fn check(&mut self, mut piece: &[u8], last: bool) -> Result<(), NotUtf8> {
        while self.len > 0 {
            let Some((byte, rest)) = piece.split_first() else {
                break;
            };
            piece = rest;
            self.complete(*byte)?;
        }
        if last {
            // No bytes may be left over, so the faster check without positions is enough.
            let whole = self.len == 0 && simdutf8::basic::from_utf8(piece).is_ok();
            self.len = 0;
            return whole.then_some(()).ok_or(NotUtf8);
        }
        match simdutf8::compat::from_utf8(piece) {
            Ok(_) => Ok(()),
            // The character that is not whole, or wrong.
            Err(error) => piece[error.valid_up_to()..]
                .iter()
                .try_for_each(|byte| self.complete(*byte)),
        }
    }

    /// Returns the bytes of a character that is not complete yet.
    pub(crate) fn begun(&self) -> &[u8] {
        &self.begun[..self.len]
    }

    /// Adds a byte to the character that is not complete yet.
    fn complete(&mut self, byte: u8) -> Result<(), NotUtf8> {
        let slot = self.begun.get_mut(self.len).ok_or(NotUtf8)?;
        *slot = byte;
        self.len += 1;
        match str::from_utf8(&self.begun[..self.len]) {
            Ok(_) => self.len = 0,
            Err(error) if error.error_len().is_some() => return Err(NotUtf8),
            Err(_) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks `bytes` one at a time and returns how many were taken before it failed.
    fn taken(bytes: &[u8]) -> usize {
        let mut utf8 = Utf8::default();
        let fails = |byte: &u8| utf8.check(&[*byte], false).is_err();
        bytes.iter().position(fails).unwrap_or(bytes.len())
    }

    #[test]
    fn fails_at_the_first_bad_byte() {
        for (bytes, bad) in [
            (&b"\xff"[..], 0),
            (b"ab\xc3\x28", 3),
            (b"\xc0\xaf", 0),
            (b"\xe0\x80\x80", 1),
            (b"\xed\xa0\x80", 1),
            (b"\xf4\x90\x80\x80", 1),
            (b"\xf5", 0),
            (b"\xce\xba\xe1\xbd\xb9\xf4\x90", 6),
            (b"\xf0\x9f\x98\x41", 3),
        ] {
            assert_eq!(taken(bytes), bad, "{bytes:x?}");
            for cut in 0..=bytes.len() {
                let mut utf8 = Utf8::default();
                let (first, second) = bytes.split_at(cut);
                let first = utf8.check(first, false);
                assert_eq!(first.is_err(), cut > bad, "{bytes:x?} cut at {cut}");
                assert_eq!(first.and(utf8.check(second, true)), Err(NotUtf8));
            }
        }
    }

    #[test]
    fn takes_every_character_in_every_cut() {
        let text = "κόσμε 😀 \u{10ffff}\u{d7ff}\u{e000}".repeat(20);
        for cut in 0..=text.len() {
            let mut utf8 = Utf8::default();
            let (first, second) = text.as_bytes().split_at(cut);
            assert_eq!(utf8.check(first, false), Ok(()));
            assert_eq!(utf8.check(second, true), Ok(()));
        }
    }

    #[test]
    fn a_text_does_not_end_in_the_middle_of_a_character() {
        let mut utf8 = Utf8::default();
        assert_eq!(utf8.check(b"ab\xf0\x9f", true), Err(NotUtf8));
        assert_eq!(utf8.check(b"ab\xf0\x9f", false), Ok(()));
        assert_eq!(utf8.check(b"", true), Err(NotUtf8));
        assert_eq!(utf8.check(b"next", true), Ok(()));
    }
}
