use bytes::Bytes;
use std::fmt::Debug;
use wirestack_layer::{ByteSize, Flow, Flows, Pipe, Queue};

/// A flow that the kit can make, fill and read.
///
/// ```
/// use wirestack_laws::Traffic;
/// use wirestack_layer::Pipe;
///
/// let mut flow = <Pipe as Traffic>::with_limit(3);
/// assert_eq!((flow.put(b"hello"), flow.held()), (3, 3)); // as many as there is room for
/// let mut got = Vec::new();
/// flow.drain(&mut got);
/// assert_eq!(got, b"hel");
/// ```
///
/// ```
/// use wirestack_laws::Traffic;
/// use wirestack_layer::{Flow, Flows, Pipe};
///
/// assert_eq!(<Pipe as Traffic>::byte_size(&b'x'), 1);
///
/// // Only bytes can pass through unchanged.
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// from_wire.write(b"hello");
/// Pipe::tunnel(Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app));
/// assert_eq!(to_app.unread(), b"hello");
/// ```
pub trait Traffic: Flow + Sized + 'static {
    /// The bytes or items that it carries.
    type Item: Clone + PartialEq + Debug + 'static;

    /// Creates a flow that holds at most `limit` bytes.
    fn with_limit(limit: usize) -> Self;

    /// Adds as many of the items as there is room for, and returns their number.
    fn put(&mut self, items: &[Self::Item]) -> usize;

    /// Appends everything that waits to `got`.
    fn drain(&mut self, got: &mut Vec<Self::Item>);

    /// Returns the size of an item in bytes.
    fn byte_size(item: &Self::Item) -> usize;

    /// Returns the number of bytes that wait.
    fn held(&self) -> usize;

    /// Moves the flows as a transparent layer does. The default does nothing: no transparent layer
    /// can have such flows.
    fn tunnel(_ports: Flows<'_, Self, Self>) {}
}

impl Traffic for Pipe {
    type Item = u8;

    fn with_limit(limit: usize) -> Self {
        Self::with_limit(limit)
    }

    fn put(&mut self, items: &[u8]) -> usize {
        let n = items.len().min(self.room());
        if n > 0 {
            self.push(Bytes::copy_from_slice(&items[..n]));
        }
        n
    }

    fn drain(&mut self, got: &mut Vec<u8>) {
        got.extend(self.chunks().flatten());
        self.discard();
    }

    fn byte_size(_: &u8) -> usize {
        1
    }

    fn held(&self) -> usize {
        self.len()
    }

    fn tunnel(mut flows: Flows<'_>) {
        flows.pass_through();
    }
}

impl<T: ByteSize + Clone + PartialEq + Debug + 'static> Traffic for Queue<T> {
    type Item = T;

    fn with_limit(limit: usize) -> Self {
        Self::with_limit(limit)
    }

    fn put(&mut self, items: &[T]) -> usize {
        let before = self.len();
        for item in items {
            if self.room() == 0 {
                break;
            }
            self.push(item.clone());
        }
        self.len() - before
    }

    fn drain(&mut self, got: &mut Vec<T>) {
        got.extend(std::iter::from_fn(|| self.pop()));
    }

    fn byte_size(item: &T) -> usize {
        item.byte_size()
    }

    fn held(&self) -> usize {
        Self::byte_size(self)
    }
}

/// Returns `size` bytes, each of which differs from its neighbours.
///
/// ```
/// use wirestack_laws::pattern;
///
/// assert_eq!(pattern(1000).len(), 1000);
/// assert_ne!(pattern(1000)[..500], pattern(1000)[500..]); // a part that is lost shows
/// ```
pub fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|i| b'a' + (i % 23) as u8).collect()
}
