//! Compressors and decompressors that no message uses.

use flate2::{Compress, Decompress};
use std::sync::{Arc, Mutex, PoisonError};

/// The idle states of zlib that all connections of one [`Deflate`](super::Deflate) share. None of
/// them holds context of a message.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    /// By window and level.
    pub(super) compressors: Arc<Idle<(u8, u8), Compress>>,
    /// All of one kind: each has the largest window.
    pub(super) decompressors: Arc<Idle<(), Decompress>>,
}

/// Idle states, each with its kind.
#[derive(Debug)]
pub(super) struct Idle<K, T>(Mutex<Vec<(K, T)>>);

impl<K, T> Default for Idle<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: PartialEq, T> Idle<K, T> {
    /// Takes an idle state of this kind, if there is one.
    pub(super) fn take(&self, kind: K) -> Option<T> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = idle.iter().position(|(other, _)| *other == kind)?;
        Some(idle.swap_remove(at).1)
    }

    /// Keeps a state that was reset, unless there are enough.
    pub(super) fn keep(&self, kind: K, zlib: T) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push((kind, zlib));
        }
    }
}

/// The most idle states of each sort: about as many as there are threads at work.
const MAX_IDLE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_idle_states_are_kept_and_no_more() {
        let idle = Idle::<u8, usize>::default();
        for number in 0..20 {
            idle.keep(15, number);
        }
        assert!(idle.take(14).is_none(), "of another kind");
        let mut kept: Vec<_> = std::iter::from_fn(|| idle.take(15)).collect();
        kept.sort_unstable();
        assert_eq!(kept, [0, 1, 2, 3, 4, 5, 6, 7]);
        // What was taken makes room.
        idle.keep(15, 20);
        assert_eq!(idle.take(15), Some(20));
    }
}
