use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// Names a stream within one connection. The number on the wire is another one, and is given later.
///
/// ```
/// use wirestack_http2::{ConnectRequest, StreamMap, Streams};
///
/// let mut streams = Streams::default();
/// let mut names = StreamMap::default();
/// names.insert(streams.open(ConnectRequest::tunnel("example.org", 22)?)?, "ssh");
/// names.insert(streams.open(ConnectRequest::tunnel("example.org", 25)?)?, "mail");
/// assert_eq!(names.len(), 2); // each stream has an id of its own
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamId(u64);

impl StreamId {
    /// Makes the name from a number that counts the streams of this side.
    pub(crate) fn new(number: u64) -> Self {
        Self(number)
    }
}

impl Hash for StreamId {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.0);
    }
}

/// A map of streams by their names.
///
/// The names are counted by this side, so that no peer can choose them to collide. A hash that
/// keeps nothing secret is enough, and costs a tenth of the default one.
///
/// ```
/// use wirestack_http2::{ConnectRequest, StreamMap, Streams};
///
/// let mut streams = Streams::default();
/// let first = streams.open(ConnectRequest::tunnel("first.test", 443)?)?;
/// let second = streams.open(ConnectRequest::tunnel("second.test", 443)?)?;
/// let names: StreamMap<_> = [(first, "first"), (second, "second")].into_iter().collect();
/// assert_eq!((names[&first], names[&second]), ("first", "second"));
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
pub type StreamMap<T> = HashMap<StreamId, T, BuildHasherDefault<StreamIdHasher>>;

/// The hasher of a [`StreamMap`], for keys that are one number.
///
/// ```
/// use std::collections::HashSet;
/// use std::hash::BuildHasherDefault;
/// use wirestack_http2::{StreamId, StreamIdHasher};
///
/// /// A set of streams, as quick as a `StreamMap`.
/// type StreamSet = HashSet<StreamId, BuildHasherDefault<StreamIdHasher>>;
/// assert!(StreamSet::default().is_empty());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct StreamIdHasher(u64);

impl Hasher for StreamIdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // An odd factor spreads the numbers over the high bits, and keeps the low ones apart.
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(SPREAD);
    }
}

/// 2^64 divided by the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    #[test]
    fn names_in_order_have_different_hashes_in_low_and_in_high_bits() {
        let build = BuildHasherDefault::<StreamIdHasher>::default();
        let hash = |n| build.hash_one(StreamId::new(n));
        let low: HashSet<_> = (0..1024).map(|n| hash(n) & 1023).collect();
        assert_eq!(low.len(), 1024);
        let high: HashSet<_> = (0..128).map(|n| hash(n) >> 57).collect();
        assert!(high.len() > 64, "{}", high.len());
    }
}
