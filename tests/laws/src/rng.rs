/// A xorshift generator, seeded. Nothing else in the kit is random.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Returns a random number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) as usize % n.max(1)
    }

    /// Returns `n` random bytes.
    pub(crate) fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.below(256) as u8).collect()
    }
}

/// Returns at most `most` offsets below `all`: every one, or those at both edges and some between.
pub(crate) fn offsets(all: usize, most: usize) -> Vec<usize> {
    let most = most.max(8);
    if all <= most {
        return (0..all).collect();
    }
    let mut rng = Rng::new(all as u64);
    let edge = most / 4;
    let mut at: Vec<usize> = (0..edge).chain(all - edge..all).collect();
    at.extend((0..most - 2 * edge).map(|_| rng.below(all)));
    at.sort_unstable();
    at.dedup();
    at
}
