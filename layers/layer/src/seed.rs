use core::fmt;

/// 32 bytes of randomness that came in from outside.
///
/// Layers never ask the system for entropy: whoever builds a layer that needs keys, masks or nonces
/// hands it a seed, a driver from the system's generator and a test from a number that it prints.
/// A seed can be used once: it is neither `Clone` nor shown by `Debug`.
pub struct Seed([u8; 32]);

impl Seed {
    /// Wraps 32 bytes, which must be unpredictable outside tests.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, to start a generator with.
    pub fn into_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl From<[u8; 32]> for Seed {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}
