mod flow;
mod memory;
mod transfer;

use crate::{BoxError, End, Error, Flow, Stop};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use bytes::{Buf, Bytes, BytesMut};
use core::mem;

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
    // In order: `chunks`, then `buf`.
    chunks: VecDeque<Bytes>,
    queued: usize,
    buf: BytesMut,
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

    // --- reading ---

    /// Returns the unread bytes in one piece. This copies only if the writer queued chunks.
    #[inline]
    pub fn unread(&mut self) -> &[u8] {
        self.unread_mut()
    }

    /// Returns the unread bytes in one piece, to be decrypted or unmasked in place.
    #[inline]
    pub fn unread_mut(&mut self) -> &mut [u8] {
        if !self.chunks.is_empty() {
            self.join();
        }
        &mut self.buf
    }

    fn join(&mut self) {
        if self.buf.is_empty() {
            // Its memory may be that of the first chunk. The chunk would then be shared, and copied
            // whole for every chunk that comes.
            self.buf = BytesMut::new();
        }
        let first = self.chunks.pop_front().unwrap_or_default();
        let mut whole = match first.try_into_mut() {
            Ok(whole) => whole,
            Err(shared) => BytesMut::from(&shared[..]),
        };
        whole.reserve(self.queued + self.buf.len() - whole.len());
        for chunk in self.chunks.drain(..) {
            whole.extend_from_slice(&chunk);
        }
        whole.unsplit(mem::take(&mut self.buf));
        self.chunks = VecDeque::new();
        self.buf = whole;
        self.queued = 0;
    }

    /// Returns the unread bytes, piece by piece, as they lie in memory.
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let tail = (!self.buf.is_empty()).then_some(&self.buf[..]);
        self.chunks.iter().map(|chunk| &chunk[..]).chain(tail)
    }

    /// Returns the first piece of the unread bytes; empty only if the pipe is.
    #[inline]
    pub fn first(&self) -> &[u8] {
        self.chunks
            .front()
            .map_or(&self.buf[..], |chunk| &chunk[..])
    }

    /// Drops the next `n` bytes.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[inline]
    pub fn consume(&mut self, n: usize) {
        assert!(n <= self.len(), "consumed more bytes than a pipe has");
        if n == 0 {
            return; // the requirement holds until something is read
        }
        self.moved();
        if self.queued == 0 && n == self.buf.len() {
            return self.rest_whole();
        }
        self.consume_chunks(n);
    }

    fn consume_chunks(&mut self, mut n: usize) {
        while let Some(chunk) = self.chunks.front_mut() {
            let part = n.min(chunk.len());
            chunk.advance(part);
            self.queued -= part;
            n -= part;
            if !chunk.is_empty() {
                return;
            }
            self.chunks.pop_front();
        }
        self.buf.advance(n);
        self.rest();
    }

    /// Takes the next `n` bytes out, without a copy if they lie in one piece.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[inline]
    pub fn take(&mut self, n: usize) -> Bytes {
        assert!(n <= self.len(), "took more bytes than a pipe has");
        if n == 0 {
            return Bytes::new();
        }
        if self.queued > 0 {
            return self.take_chunk(n);
        }
        self.moved();
        if n == self.buf.len() && !self.lent {
            self.rest_chunks();
            return mem::take(&mut self.buf).freeze(); // the buffer itself, not a share of it
        }
        self.buf.split_to(n).freeze()
    }

    fn take_chunk(&mut self, n: usize) -> Bytes {
        if n > self.first().len() {
            self.join();
            return self.take(n);
        }
        self.moved();
        let Some(chunk) = self.chunks.front_mut() else {
            return Bytes::new(); // bytes that are queued lie in chunks
        };
        let taken = chunk.split_to(n);
        if chunk.is_empty() {
            self.chunks.pop_front();
        }
        self.queued -= n;
        taken
    }

    /// Reads through `f`, which must only take bytes from the front of its buffer.
    pub(crate) fn drain<R>(&mut self, f: impl FnOnce(&mut BytesMut) -> R) -> R {
        if !self.chunks.is_empty() {
            self.join();
        }
        let before = self.buf.len();
        let result = f(&mut self.buf);
        if self.buf.len() != before {
            self.moved();
            self.rest();
        }
        result
    }

    /// Sets the number of unread bytes below which the reader can do nothing. It holds until
    /// something is read.
    ///
    /// The pipe makes room for so many, and [`wanted`](Self::wanted) lets a driver read them
    /// straight into their place. A reader bounds `n` by its own limits first.
    #[inline]
    pub fn require(&mut self, n: usize) {
        if n > self.required {
            if n > self.limit {
                self.moves += 1; // there is more room than before
            }
            self.required = n;
        }
    }

    /// Returns the number of bytes that the reader requires; 0 if it requires none.
    #[inline]
    pub fn required(&self) -> usize {
        self.required
    }

    /// Returns the number of bytes that the reader requires and that are not there yet.
    #[inline]
    pub fn wanted(&self) -> usize {
        self.required.saturating_sub(self.len())
    }

    #[inline]
    fn moved(&mut self) {
        self.required = 0;
        self.moves += 1;
    }

    /// Frees the memory of an empty pipe.
    #[inline]
    fn rest(&mut self) {
        if self.buf.is_empty() {
            self.rest_whole();
        }
    }

    /// Drops the last bytes of the buffer with its memory.
    #[inline]
    fn rest_whole(&mut self) {
        if self.lent {
            self.buf.clear();
        } else {
            self.buf = BytesMut::new();
        }
        self.rest_chunks();
    }

    #[inline]
    fn rest_chunks(&mut self) {
        if self.chunks.is_empty() && self.chunks.capacity() > 0 {
            self.chunks = VecDeque::new();
        }
    }

    /// Returns the error of a reader that was interrupted in the middle of a unit: the reason of an
    /// abort, or `cause` if the writer finished there. Returns `None` while more may come.
    pub fn truncation(&self, layer: &'static str, cause: impl Into<BoxError>) -> Option<Error> {
        match self.closed()? {
            End::Finished => Some(Error::peer(layer, cause)),
            End::Aborted(error) => Some(error.clone()),
        }
    }

    // --- writing ---

    /// Appends a copy of `bytes`.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) {
        self.fill(|buf| {
            if buf.capacity() == 0 {
                *buf = BytesMut::from(bytes); // exactly as large, and without a look at its growth
            } else {
                buf.extend_from_slice(bytes);
            }
        });
    }

    /// Appends through `f`, which must only add to its buffer.
    #[inline]
    pub fn fill<R>(&mut self, f: impl FnOnce(&mut BytesMut) -> R) -> R {
        let before = self.buf.len();
        let result = f(&mut self.buf);
        if self.buf.len() != before {
            debug_assert!(self.end.is_none(), "wrote to a pipe that had ended");
            if self.stop.is_some() {
                self.buf.truncate(before);
                self.rest();
                return result;
            }
            self.moves += 1;
            self.total += (self.buf.len() - before) as u64;
        } else {
            self.rest();
        }
        result
    }

    /// Appends `bytes`, without a copy if they are many.
    pub fn push(&mut self, bytes: Bytes) {
        if bytes.len() < SMALL {
            return self.write(&bytes);
        }
        debug_assert!(self.end.is_none(), "wrote to a pipe that had ended");
        if self.stop.is_some() {
            return;
        }
        self.moves += 1;
        self.total += bytes.len() as u64;
        self.append(bytes);
    }

    fn append(&mut self, bytes: Bytes) {
        self.seal();
        self.queued += bytes.len();
        self.chunks.push_back(bytes);
    }

    fn seal(&mut self) {
        if !self.buf.is_empty() {
            self.queued += self.buf.len();
            // `split` and not `take`: the next small writes go to the rest of the buffer.
            self.chunks.push_back(self.buf.split().freeze());
        }
    }
}

/// A chunk of fewer bytes is copied, because that costs less than to queue it.
const SMALL: usize = 4096;

/// The limit of a pipe by default, in bytes.
const LIMIT: usize = 64 * 1024;
