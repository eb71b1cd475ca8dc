use super::{Pipe, SMALL};
use crate::Flow;
use core::mem;

impl Pipe {
    /// Moves as many bytes as `to` has room for, and the end. It swaps buffers where it can.
    ///
    /// Bytes for a pipe that has ended or was stopped are discarded, since nobody will read them. A
    /// stop of `to` becomes a stop of this pipe.
    ///
    /// ```
    /// use wirestack_layer::Pipe;
    ///
    /// let (mut from, mut to) = (Pipe::new(), Pipe::with_limit(4));
    /// from.write(b"abcdef");
    /// from.transfer_to(&mut to); // as far as there is room
    /// assert_eq!((from.len(), to.unread()), (2, &b"abcd"[..]));
    /// from.transfer_all_to(&mut to); // beyond the limit
    /// assert_eq!(to.unread(), b"abcdef");
    /// to.transfer_up_to(&mut from, 1);
    /// from.prepend_to(&mut to); // back to its front
    /// assert_eq!(to.unread(), b"abcdef");
    /// ```
    pub fn transfer_to(&mut self, to: &mut Self) {
        let n = self.len().min(to.room());
        self.transfer_up_to(to, n);
    }

    /// Moves everything, however little room there is, and the end. A stack uses it once for a
    /// joint: when the layer below becomes transparent.
    ///
    /// ```
    /// use wirestack_layer::Pipe;
    ///
    /// let (mut from, mut to) = (Pipe::new(), Pipe::with_limit(1));
    /// from.write(b"hello");
    /// from.transfer_all_to(&mut to); // beyond the limit
    /// assert_eq!(to.unread(), b"hello");
    /// ```
    pub fn transfer_all_to(&mut self, to: &mut Self) {
        self.transfer_up_to(to, self.len());
    }

    /// Puts everything in front of the bytes in `to`, and the end behind them. A stop of this pipe
    /// becomes a stop of `to`. A stack uses it when a joint dissolves into the flow behind it.
    ///
    /// ```
    /// use wirestack_layer::Pipe;
    ///
    /// let (mut first, mut second) = (Pipe::new(), Pipe::new());
    /// first.write(b"hello, ");
    /// second.write(b"world");
    /// first.prepend_to(&mut second);
    /// assert_eq!(second.unread(), b"hello, world");
    /// ```
    pub fn prepend_to(&mut self, to: &mut Self) {
        if !self.is_empty() {
            self.seal();
            to.seal();
            self.chunks.append(&mut to.chunks);
            to.queued += mem::take(&mut self.queued);
            mem::swap(&mut self.chunks, &mut to.chunks);
            self.moved();
            self.rest();
            to.moves += 1;
        }
        if let Some(end) = self.closed().cloned() {
            to.close(end);
        }
        if let Some(stop) = &self.stop {
            to.stop((**stop).clone());
        }
    }

    /// Moves the next `n` bytes, however little room there is, and the end if those were the last.
    ///
    /// ```
    /// use wirestack_layer::Pipe;
    ///
    /// let (mut from, mut to) = (Pipe::new(), Pipe::new());
    /// from.write(b"head and body");
    /// from.transfer_up_to(&mut to, 4);
    /// assert_eq!((to.unread(), from.unread()), (&b"head"[..], &b" and body"[..]));
    /// ```
    ///
    /// # Panics
    ///
    /// If there are fewer.
    pub fn transfer_up_to(&mut self, to: &mut Self, mut n: usize) {
        if to.is_closed() {
            return self.discard();
        }
        if to.stop.is_some() {
            self.stop_with(to);
            n = 0;
        }
        if n > 0 {
            self.moved();
            to.moves += 1;
            to.total += n as u64;
            if n == self.len() && to.is_empty() {
                mem::swap(&mut self.chunks, &mut to.chunks);
                mem::swap(&mut self.buf, &mut to.buf);
                mem::swap(&mut self.leads, &mut to.leads);
                (self.lent, to.lent) = (false, false); // lent memory is not lent on
                mem::swap(&mut self.queued, &mut to.queued);
                self.rest();
            } else {
                while n > 0 {
                    let part = n.min(self.first().len());
                    if part < SMALL {
                        if to.leads {
                            to.seal();
                        }
                        to.buf.extend_from_slice(&self.first()[..part]);
                        self.consume(part);
                    } else {
                        let chunk = self.take(part);
                        to.append(chunk);
                    }
                    n -= part;
                }
            }
        }
        if let Some(end) = self.end().cloned() {
            to.close(end);
        }
    }
}
