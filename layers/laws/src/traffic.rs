use bytes::Bytes;
use std::fmt::Debug;
use wirestack_layer::{Flow, Pipe, Ports, Queue, Weigh};

/// A flow that the kit can make, fill and read.
pub trait Traffic: Flow + Sized + 'static {
    /// What it carries.
    type Item: Clone + PartialEq + Debug + 'static;
    /// Creates a flow with room for so many bytes.
    fn with_limit(limit: usize) -> Self;
    /// Adds as many of the items as there is room for, and returns how many.
    fn put(&mut self, items: &[Self::Item]) -> usize;
    /// Moves everything that waits behind `got`.
    fn drain(&mut self, got: &mut Vec<Self::Item>);
    /// Returns what one item costs, in bytes.
    fn weight(item: &Self::Item) -> usize;
    /// Returns how much waits, in bytes.
    fn held(&self) -> usize;
    /// Does what a transparent layer does; nothing, if no such layer can have this flow.
    fn tunnel(_ports: Ports<'_, Self, Self>) {}
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
    fn weight(_: &u8) -> usize {
        1
    }
    fn held(&self) -> usize {
        self.len()
    }
    fn tunnel(mut ports: Ports<'_>) {
        ports.tunnel();
    }
}

impl<T: Weigh + Clone + PartialEq + Debug + 'static> Traffic for Queue<T> {
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
    fn weight(item: &T) -> usize {
        item.weight()
    }
    fn held(&self) -> usize {
        Self::weight(self)
    }
}

/// Returns `size` bytes in which every place can be told from its neighbours.
pub fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|i| b'a' + (i % 23) as u8).collect()
}
