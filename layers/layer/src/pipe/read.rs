use super::Pipe;
use crate::{BoxError, End, Error, Flow};
use alloc::collections::VecDeque;
use bytes::{Buf, Bytes, BytesMut};
use core::mem;

/// Reading.
impl Pipe {
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
    pub(super) fn moved(&mut self) {
        self.required = 0;
        self.moves += 1;
    }

    /// Frees the memory of an empty pipe.
    #[inline]
    pub(super) fn rest(&mut self) {
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
}
