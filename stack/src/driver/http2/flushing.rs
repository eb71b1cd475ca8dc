//! The flushes of streams that share a connection.

use super::waiting::{Waiting, Woken};
use std::collections::HashSet;
use std::hash::BuildHasherDefault;
use std::mem;
use wirestack_http2::{StreamId, StreamIdHasher};

/// A stream has flushed once the connection holds nothing for the wire. Beside a stream that writes
/// without a pause, this would never come on a slow wire. So while one flushes, the streams may write
/// so many bytes more, together, and wait then until everything has left.
#[derive(Default)]
pub(super) struct Flushing {
    /// `None` if no stream flushes.
    room: Option<usize>,
    /// The streams that had no room.
    held: StreamSet,
    /// The streams that have flushed, and whose tasks have not heard of it. By then, others may have
    /// written again.
    flushed: StreamSet,
}

impl Flushing {
    /// Notes that a stream flushes, whose bytes the connection has taken.
    pub(super) fn begin(&mut self) {
        self.room.get_or_insert(ROOM);
    }

    /// Returns `true` if a stream has flushed, once.
    pub(super) fn take_flushed(&mut self, id: StreamId) -> bool {
        !self.flushed.is_empty() && self.flushed.remove(&id)
    }

    /// Notes that a stream has written so many bytes, or an end.
    pub(super) fn note(&mut self, id: StreamId, written: usize) {
        self.take_flushed(id);
        if let Some(room) = &mut self.room {
            *room = room.saturating_sub(written);
        }
    }

    /// Returns `true` if a stream has to wait before it writes. It is woken when everything has left.
    pub(super) fn holds(&mut self, id: StreamId) -> bool {
        let holds = self.room == Some(0);
        if holds {
            self.held.insert(id);
        }
        holds
    }

    /// Notes that everything has left, also of the streams for which `is_taken` returns `true`.
    pub(super) fn end(
        &mut self,
        waiting: &mut Waiting,
        woken: &mut Woken,
        is_taken: impl FnMut(StreamId) -> bool,
    ) {
        if self.room.take().is_some() {
            for id in mem::take(&mut self.held) {
                let writers = waiting.take_writers(id);
                writers.into_iter().for_each(|waker| woken.add(waker));
            }
        }
        if waiting.has_flushers() {
            self.flushed.extend(waiting.take_flushers(woken, is_taken));
        }
    }

    /// Forgets a stream.
    pub(super) fn forget(&mut self, id: StreamId) {
        self.flushed.remove(&id);
        self.held.remove(&id);
    }
}

type StreamSet = HashSet<StreamId, BuildHasherDefault<StreamIdHasher>>;

/// So many bytes may be written beside a flush. A stream that flushes again and again stops no
/// other, as each flush leaves this much.
const ROOM: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::http2::waiting::Interest;
    use std::task::Waker;
    use wirestack_http2::{ConnectRequest, Streams};

    fn streams() -> [StreamId; 3] {
        let mut streams = Streams::default();
        [1, 2, 3].map(|port| {
            let tunnel = ConnectRequest::tunnel("example.org", port).unwrap();
            streams.open(tunnel).unwrap()
        })
    }

    #[test]
    fn beside_a_flush_64_kib_are_written_and_more_wait_until_everything_has_left() {
        let [quiet, loud, other] = streams();
        let (mut flushing, mut waiting) = (Flushing::default(), Waiting::default());
        flushing.note(loud, 1 << 20);
        assert!(!flushing.holds(loud), "nobody flushes");
        waiting.register(Interest::Flush(quiet), Waker::noop());
        flushing.begin();
        flushing.note(loud, 40_000);
        flushing.begin(); // is polled again
        flushing.note(other, (64 << 10) - 40_001);
        assert!(!flushing.holds(loud) && !flushing.holds(other));
        flushing.note(loud, 1);
        assert!(flushing.holds(loud) && flushing.holds(other));
        flushing.end(&mut waiting, &mut Woken::default(), |_| true);
        assert!(!flushing.holds(loud) && !flushing.holds(other));
        assert!(flushing.take_flushed(quiet) && !flushing.take_flushed(quiet));
    }

    #[test]
    fn a_stream_has_flushed_until_it_writes_again() {
        let [quiet, stalled, _] = streams();
        let (mut flushing, mut waiting) = (Flushing::default(), Waiting::default());
        waiting.register(Interest::Flush(quiet), Waker::noop());
        waiting.register(Interest::Flush(stalled), Waker::noop());
        flushing.end(&mut waiting, &mut Woken::default(), |id| id == quiet);
        assert!(waiting.flushes(stalled) && !waiting.flushes(quiet));
        flushing.note(quiet, 5);
        assert!(!flushing.take_flushed(quiet) && !flushing.take_flushed(stalled));
    }
}
