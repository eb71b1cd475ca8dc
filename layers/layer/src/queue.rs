use crate::{End, Flow, Stop};
use alloc::boxed::Box;
use alloc::collections::VecDeque;

/// The size of an item of a [`Queue`], which counts against the queue's limit.
///
/// ```
/// use wirestack_layer::{ByteSize, Queue};
///
/// struct Reading(Vec<f64>);
///
/// impl ByteSize for Reading {
///     fn byte_size(&self) -> usize {
///         self.0.len() * 8
///     }
/// }
///
/// let mut queue = Queue::with_limit(1000);
/// queue.push(Reading(vec![0.5; 10]));
/// assert_eq!(queue.byte_size(), 80);
/// ```
pub trait ByteSize {
    /// Returns the size in bytes. It must not change while the item is queued.
    fn byte_size(&self) -> usize;
}

/// A queue of items with an end, bounded by their size in bytes.
///
/// ```
/// use wirestack_layer::{ByteSize, Flow, Queue};
///
/// struct Line(&'static str);
///
/// impl ByteSize for Line {
///     fn byte_size(&self) -> usize {
///         self.0.len()
///     }
/// }
///
/// let mut queue = Queue::with_limit(64 * 1024);
/// queue.push(Line("first"));
/// queue.push(Line("second"));
/// assert_eq!((queue.len(), queue.byte_size()), (2, 11));
/// assert_eq!(queue.front().unwrap().0, "first");
/// assert_eq!(queue.iter().count(), 2);
/// assert_eq!(queue.pop().unwrap().0, "first");
/// queue.set_limit(6); // it is full now: the writer waits
/// assert!(queue.room() == 0 && !queue.is_empty());
/// ```
#[derive(Debug)]
pub struct Queue<T> {
    items: VecDeque<T>,
    weight: usize,
    limit: usize,
    end: Option<Box<End>>,
    stop: Option<Box<Stop>>,
    moves: u64,
}

impl<T: ByteSize> Queue<T> {
    /// Creates a queue with room for `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            items: VecDeque::new(),
            weight: 0,
            limit,
            end: None,
            stop: None,
            moves: 0,
        }
    }

    /// Changes the limit: the number of bytes that the queue may hold.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Returns the number of items.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns `true` if there are no items.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the size of all items together, in bytes.
    pub fn byte_size(&self) -> usize {
        self.weight
    }

    /// Adds an item at the end.
    #[inline]
    pub fn push(&mut self, item: T) {
        debug_assert!(self.end.is_none(), "pushed to a queue that had ended");
        if self.stop.is_some() {
            return;
        }
        self.weight += item.byte_size();
        self.items.push_back(item);
        self.moves += 1;
    }

    /// Takes the next item.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let item = self.items.pop_front()?;
        self.weight -= item.byte_size();
        self.moves += 1;
        if self.items.is_empty() && self.items.capacity() > KEPT {
            self.items = VecDeque::new();
        }
        Some(item)
    }

    /// Returns the next item without taking it.
    pub fn front(&self) -> Option<&T> {
        self.items.front()
    }

    /// Returns an iterator over the items.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }
}

impl<T: ByteSize> Default for Queue<T> {
    fn default() -> Self {
        Self::with_limit(LIMIT)
    }
}

impl<T: ByteSize> Flow for Queue<T> {
    fn close(&mut self, end: End) {
        if self.end.is_none() {
            self.end = Some(Box::new(end));
            self.moves += 1;
        }
    }

    #[inline]
    fn closed(&self) -> Option<&End> {
        self.end.as_deref()
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    #[inline]
    fn room(&self) -> usize {
        self.limit.saturating_sub(self.weight)
    }

    fn discard(&mut self) {
        if !self.items.is_empty() {
            (self.items, self.weight) = (VecDeque::new(), 0);
            self.moves += 1;
        }
    }

    fn stop(&mut self, stop: Stop) {
        self.moves += u64::from(stop.put(&mut self.stop));
    }

    #[inline]
    fn stop_state(&self) -> Option<&Stop> {
        self.stop.as_deref()
    }

    #[inline]
    fn revision(&self) -> u64 {
        self.moves
    }
}

/// The limit of a queue by default, in bytes.
const LIMIT: usize = 256 * 1024;

/// An empty queue keeps space for this many items at most, so that an idle connection holds no
/// buffers.
const KEPT: usize = 4;
