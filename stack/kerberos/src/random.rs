//! The randomness of one login, from one seed.

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use kerbcore::KerberosKey;
use wirestack_layer::Seed;

/// A generator that cannot be predicted.
pub(crate) struct Random(ChaCha12Rng);

impl Random {
    pub(crate) fn new(seed: Seed) -> Self {
        Self(ChaCha12Rng::from_seed(seed.into_bytes()))
    }

    /// Returns a nonce. Some implementations read it as a number with a sign.
    pub(crate) fn nonce(&mut self) -> u32 {
        self.0.next_u32() >> 1
    }

    /// Returns microseconds for an authenticator: services refuse the same time twice.
    pub(crate) fn microseconds(&mut self) -> i32 {
        (self.nonce() % 1_000_000).cast_signed()
    }

    /// Encrypts for a usage (RFC 4120 §7.5.1), behind a fresh confounder.
    pub(crate) fn encrypt(&mut self, key: &KerberosKey, usage: u32, plaintext: &[u8]) -> Vec<u8> {
        let mut confounder = vec![0; key.enctype().confounder_len()];
        self.0.fill_bytes(&mut confounder);
        key.encrypt_with_confounder(usage, &confounder, plaintext)
    }
}
