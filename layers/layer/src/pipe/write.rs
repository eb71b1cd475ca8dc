use super::{Pipe, SMALL};
use bytes::{Bytes, BytesMut};

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

    pub(super) fn append(&mut self, bytes: Bytes) {
        self.seal();
        self.queued += bytes.len();
        self.chunks.push_back(bytes);
    }

    pub(super) fn seal(&mut self) {
        if !self.buf.is_empty() {
            self.queued += self.buf.len();
            // `split` and not `take`: the next small writes go to the rest of the buffer.
            self.chunks.push_back(self.buf.split().freeze());
        }
    }
}
