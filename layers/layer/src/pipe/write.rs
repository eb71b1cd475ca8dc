use super::{Pipe, SMALL};
use bytes::{Bytes, BytesMut};
use core::mem;

/// Writing.
impl Pipe {
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
        if self.leads {
            self.seal(); // what is written comes behind the chunks
        }
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

    /// Makes sure that `n` bytes can be written without more memory. If there is too little, it takes
    /// enough for `batch` bytes at once. Bytes that wait are not copied to it if they are many.
    ///
    /// ```
    /// use wirestack_layer::Pipe;
    ///
    /// let mut pipe = Pipe::new();
    /// for n in 0..1000 {
    ///     pipe.reserve(4, 4000); // memory for all of them, once
    ///     pipe.write(&[n as u8; 4]);
    /// }
    /// assert_eq!((pipe.len(), pipe.capacity()), (4000, 4000));
    /// ```
    #[inline]
    pub fn reserve(&mut self, n: usize, batch: usize) {
        if self.buf.capacity() == 0 {
            self.buf = BytesMut::with_capacity(n.max(batch));
        } else if self.leads || self.buf.capacity() - self.buf.len() < n {
            self.take_memory(n.max(batch));
        }
    }

    fn take_memory(&mut self, n: usize) {
        if self.leads {
            self.seal();
        } else if self.buf.len() >= SMALL {
            self.queued += self.buf.len();
            self.chunks.push_back(mem::take(&mut self.buf).freeze());
            self.lent = false; // the memory goes with the bytes
        }
        if self.buf.capacity() == 0 {
            self.buf = BytesMut::with_capacity(n);
        } else {
            self.buf.reserve(n);
        }
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

    pub(super) fn append(&mut self, bytes: Bytes) {
        if !self.leads {
            self.seal();
        }
        self.queued += bytes.len();
        self.chunks.push_back(bytes);
    }

    /// Makes the buffer a chunk.
    pub(super) fn seal(&mut self) {
        if self.buf.is_empty() {
            return;
        }
        self.queued += self.buf.len();
        if mem::take(&mut self.leads) {
            self.chunks.push_front(mem::take(&mut self.buf).freeze());
        } else {
            // `split` and not `take`: the next small writes go to the rest of the buffer.
            self.chunks.push_back(self.buf.split().freeze());
        }
    }
}
