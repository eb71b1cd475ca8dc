mod flow;
mod memory;
mod read;
mod transfer;
mod write;

use crate::{End, Stop};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use bytes::{Bytes, BytesMut};

/// A bounded queue of bytes with an end: one direction of a connection.
///
/// Large chunks are queued as they are and never copied; small writes gather in one buffer behind
/// them. A parser reads through [`unread`](Self::unread), which is contiguous; a driver writes from
/// [`io_slices`](Self::io_slices). An empty pipe holds no memory.
///
/// A pipe has room up to its limit, or up to the number of bytes that the reader
/// [requires](Self::require) if that is more. So a unit larger than the limit cannot deadlock.
///
/// ```
/// use wirestack_layer::{Flow, Pipe};
///
/// let mut pipe = Pipe::with_limit(1000);
/// pipe.write(b"one");
/// pipe.push(bytes::Bytes::from_static(b"two"));
/// pipe.fill(|buffer| buffer.extend_from_slice(b"three"));
/// assert_eq!((pipe.len(), pipe.total(), pipe.room()), (11, 11, 989));
/// pipe.consume(3);
/// assert_eq!(pipe.take(3), "two");
/// pipe.unread_mut().make_ascii_uppercase(); // in place
/// assert_eq!(pipe.unread(), b"THREE");
/// assert_eq!(pipe.chunks().map(<[u8]>::len).sum::<usize>(), 5);
/// assert!(!pipe.first().is_empty() && pipe.capacity() >= 5);
///
/// pipe.require(8); // the reader needs so many for its next step
/// assert_eq!((pipe.required(), pipe.wanted()), (8, 3));
/// pipe.finish();
/// assert!(pipe.truncation("demo", "a frame was cut").is_some());
/// pipe.set_limit(0);
/// assert!(!pipe.is_empty());
/// ```
#[derive(Debug)]
pub struct Pipe {
    // In order: `chunks`, then `buf`; or `buf`, then `chunks`, if it leads.
    chunks: VecDeque<Bytes>,
    queued: usize,
    buf: BytesMut,
    /// `true` if `buf` has the first bytes, and there are chunks behind it.
    leads: bool,
    /// The memory of `buf` is lent: it stays when the pipe is empty.
    lent: bool,
    limit: usize,
    required: usize,
    /// Boxed, because an error is large and most flows have not ended.
    end: Option<Box<End>>,
    stop: Option<Box<Stop>>,
    moves: u64,
    total: u64,
}

impl Default for Pipe {
    fn default() -> Self {
        Self::with_limit(LIMIT)
    }
}

impl Pipe {
    /// Creates a pipe with room for 64 KiB.
    ///
    /// ```
    /// use wirestack_layer::{Flow, Pipe};
    ///
    /// assert_eq!(Pipe::new().room(), 64 * 1024);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a pipe with room for `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            chunks: VecDeque::new(),
            queued: 0,
            buf: BytesMut::new(),
            leads: false,
            lent: false,
            limit,
            required: 0,
            end: None,
            stop: None,
            moves: 0,
            total: 0,
        }
    }

    /// Changes the limit: the number of bytes that the pipe may hold.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Returns the number of unread bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.queued + self.buf.len()
    }

    /// Returns `true` if there are no unread bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of bytes that ever went in.
    #[inline]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Returns the memory that the pipe holds, in bytes.
    pub fn capacity(&self) -> usize {
        self.queued + self.buf.capacity()
    }
}

/// A chunk of fewer bytes is copied, because that costs less than to queue it.
const SMALL: usize = 4096;

/// The limit of a pipe by default, in bytes.
const LIMIT: usize = 64 * 1024;
