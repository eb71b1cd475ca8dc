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
            self.gather(self.len());
        }
        &mut self.buf
    }

    /// Returns the first unread bytes in one piece: `n` of them or more, or all if there are fewer.
    /// This copies at most `n` bytes, and none if they lie in one piece.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use wirestack_layer::Pipe;
    ///
    /// let mut pipe = Pipe::new();
    /// pipe.push(Bytes::from(vec![1; 5000]));
    /// pipe.push(Bytes::from(vec![2; 5000]));
    /// assert_eq!(pipe.peek(5000).len(), 5000); // no byte was copied
    /// assert_eq!(pipe.peek(5001), [&[1; 5000][..], &[2]].concat());
    /// assert_eq!(pipe.peek(20_000).len(), 10_000);
    /// ```
    #[inline]
    pub fn peek(&mut self, n: usize) -> &[u8] {
        if self.queued == 0 {
            return &self.buf;
        }
        if self.first().len() < n {
            self.gather(n);
        }
        self.first()
    }

    /// Returns the first unread bytes like [`peek`](Self::peek), to be decrypted or unmasked in
    /// place. A chunk that others share is copied too.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use wirestack_layer::Pipe;
    ///
    /// let mut pipe = Pipe::new();
    /// pipe.push(Bytes::from(vec![b'a'; 5000]));
    /// pipe.push(Bytes::from(vec![b'b'; 5000]));
    /// pipe.peek_mut(1)[..2].make_ascii_uppercase();
    /// assert_eq!(pipe.take(3), "AAa");
    /// ```
    #[inline]
    pub fn peek_mut(&mut self, n: usize) -> &mut [u8] {
        if self.queued > 0 && !(self.leads && self.buf.len() >= n) {
            self.gather(n);
        }
        &mut self.buf
    }

    /// Moves bytes from the chunks to the front of the buffer, until it has `n` or all.
    fn gather(&mut self, n: usize) {
        let n = n.clamp(1, self.len()); // an empty buffer would lead nothing
        if !self.leads {
            self.seal();
            self.take_first_chunk();
        }
        if self.buf.capacity() < n {
            self.grow(n);
        }
        while let Some(chunk) = self.chunks.front_mut()
            && self.buf.len() < n
        {
            let part = chunk.len().min(n - self.buf.len());
            self.buf.extend_from_slice(&chunk[..part]);
            self.queued -= part;
            chunk.advance(part);
            if chunk.is_empty() {
                self.chunks.pop_front();
            }
        }
        self.leads = !self.chunks.is_empty();
        self.rest_chunks();
    }

    /// Makes room for `n` bytes in the buffer, which has fewer.
    fn grow(&mut self, n: usize) {
        if self.buf.len() >= LARGE {
            // Many bytes stay where they are, if the memory behind them is free.
            return self.buf.reserve(n - self.buf.len());
        }
        let next = match self.required {
            _ if n < self.len() => 0, // it is a unit, and others follow
            0 => 2 * self.buf.len(),
            required => required.min(2 * self.buf.len()),
        };
        let mut memory = BytesMut::with_capacity(n.max(next));
        memory.extend_from_slice(&self.buf);
        self.buf = memory;
    }

    /// Makes the first chunk the buffer, unless others share it: then it is to be copied.
    fn take_first_chunk(&mut self) {
        let Some(first) = self.chunks.pop_front() else {
            return;
        };
        self.queued -= first.len();
        (self.buf, self.lent) = (BytesMut::new(), false);
        match first.try_into_mut() {
            Ok(first) => self.buf = first,
            Err(shared) => {
                self.queued += shared.len();
                self.chunks.push_front(shared);
            }
        }
    }

    /// Returns the unread bytes, piece by piece, as they lie in memory.
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let buf = (!self.buf.is_empty()).then_some(&self.buf[..]);
        let (head, tail) = if self.leads { (buf, None) } else { (None, buf) };
        let chunks = self.chunks.iter().map(|chunk| &chunk[..]);
        head.into_iter().chain(chunks).chain(tail)
    }

    /// Returns the first piece of the unread bytes; empty only if the pipe is.
    #[inline]
    pub fn first(&self) -> &[u8] {
        match self.chunks.front() {
            Some(chunk) if !self.leads => chunk,
            _ => &self.buf,
        }
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
        if self.leads {
            let part = n.min(self.buf.len());
            self.buf.advance(part);
            n -= part;
            self.follow_if_empty();
        }
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
            self.gather(n);
            return self.take(n);
        }
        self.moved();
        if self.leads {
            let taken = if n == self.buf.len() {
                mem::take(&mut self.buf)
            } else {
                self.buf.split_to(n)
            };
            self.follow_if_empty();
            return taken.freeze();
        }
        let Some(chunk) = self.chunks.front_mut() else {
            return Bytes::new(); // bytes that are queued lie in chunks
        };
        let taken = chunk.split_to(n);
        if chunk.is_empty() {
            self.chunks.pop_front();
        }
        self.queued -= n;
        if self.queued == 0 {
            self.rest();
        }
        taken
    }

    /// Notes that the chunks have the first bytes, once those of the buffer are read.
    fn follow_if_empty(&mut self) {
        if self.buf.is_empty() {
            (self.buf, self.leads) = (BytesMut::new(), false);
        }
    }

    /// Reads through `f`, which must only take bytes from the front of its buffer.
    pub(crate) fn drain<R>(&mut self, f: impl FnOnce(&mut BytesMut) -> R) -> R {
        self.unread_mut();
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

/// From this length on, a buffer grows in place where it can.
const LARGE: usize = 64 * 1024;
