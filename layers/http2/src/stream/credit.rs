//! The credit of the peer for what it has sent on a stream.

use super::{Stream, ToApp};
use h2::RecvStream;
use std::mem;
use std::task::{Context, Poll};
use wirestack_layer::Pipe;

impl Stream {
    /// Credit follows the reader. A reader that requires more than a window gets credit for the
    /// bytes in the pipe too: otherwise it and the peer would wait for each other.
    pub(super) fn give_credit(&mut self, pipe: &Pipe) {
        self.give_credit_but(match pipe.wanted() {
            0 => pipe.len(),
            _ => 0,
        });
    }

    /// Gives credit for all but the last bytes, which are unread.
    pub(super) fn give_credit_but(&mut self, unread: usize) {
        let recv = self.recv.as_mut().map(RecvStream::flow_control);
        let Some(credit) = recv.or(self.late_credit.as_mut()) else {
            return;
        };
        let held = unread.min(self.unreleased);
        let released = mem::replace(&mut self.unreleased, held) - held;
        if released > 0 {
            let _ = credit.release_capacity(released); // fails on a dead stream only
        }
    }

    /// Gives credit for what was read behind the end.
    pub(super) fn give_late_credit(&mut self, to_app: &mut ToApp<'_>) {
        if self.late_credit.is_none() {
            return;
        }
        match to_app.streams.write(self.id) {
            Some(pipe) => self.give_credit(&pipe),
            None => self.give_credit_but(0),
        }
    }

    /// Reads no more from h2. Bytes that wait in the pipe still count against the window of the
    /// connection: h2 gives them back by itself only when this side has ended the stream too, and
    /// that may be in an hour.
    pub(super) fn end_reading(&mut self) {
        let recv = self.recv.take().filter(|_| self.unreleased > 0);
        self.late_credit = recv.map(|mut recv| recv.flow_control().clone());
    }

    /// Throws away what the peer still sends, because the application has forgotten the stream.
    pub(super) fn skip(&mut self, cx: &mut Context<'_>) {
        while let Some(recv) = &mut self.recv {
            match recv.poll_data(cx) {
                Poll::Ready(Some(Ok(data))) => self.unreleased += data.len(),
                Poll::Ready(_) => self.end_reading(),
                Poll::Pending => break,
            }
        }
        self.give_credit_but(0);
    }
}
