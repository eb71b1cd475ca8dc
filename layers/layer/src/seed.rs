use core::fmt;

/// 32 bytes of randomness that came in from outside.
///
/// Layers never ask the system for entropy. The code that builds a layer which needs keys, masks or
/// nonces hands it a seed: a driver takes one from the system's generator, a test makes one from a
/// number that it prints. A seed can be used once: it is not `Clone`, and `Debug` does not show it.
///
/// ```
/// use wirestack_layer::Seed;
///
/// let seed = Seed::new([7; 32]); // in a test; a program fills it by the crate getrandom
/// assert_eq!(format!("{seed:?}"), "Seed(..)"); // it is a secret
/// assert_eq!(seed.into_bytes(), [7; 32]);
/// ```
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_bytes_that_it_was_made_of() {
        let bytes = core::array::from_fn(|n| n as u8);
        assert_eq!(Seed::new(bytes).into_bytes(), bytes);
    }
}
