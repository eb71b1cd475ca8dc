//! Bytes that make choices.

/// Bytes that make choices: a fuzzer changes them, a test draws them at random.
///
/// A script that has ended goes on with zeros, so that every slice of bytes is a script.
///
/// ```
/// use wirestack_laws::fuzz::Script;
///
/// let mut script = Script::new(&[7, 1, 4, b'a', b'b', b'c']);
/// assert_eq!((script.below(5), script.flag()), (2, true));
/// assert_eq!(script.choose(&["GET", "PUT", "HEAD"]), "PUT");
/// assert_eq!((script.take(1), script.rest()), (&b"a"[..], &b"bc"[..]));
/// assert_eq!((script.is_over(), script.byte()), (true, 0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns the next byte.
    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// Returns a number below `n`, which is at most 256, from one byte. It is zero if `n` is.
    pub fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n.max(1)
    }

    /// Returns the lowest bit of the next byte.
    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Returns one of these values.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn choose<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// Returns the next `n` bytes, or those that are left.
    pub fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Returns the bytes that are left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// Returns `true` if no bytes are left.
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }
}
