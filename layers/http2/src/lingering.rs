//! Streams that this side has finished, while the peer has not.

use crate::stream::Stream;
use crate::stream_id::{StreamId, StreamMap};
use crate::streams::Streams;
use std::time::Duration;
use wirestack_layer::Instant;

/// The streams whose application has finished to write and reads no more. Each has some time for
/// its last bytes to leave and for the peer to end it too. Then it is reset (CANCEL).
///
/// A stream has no TIME_WAIT that would have to be left to the peer, so nothing is gained by a
/// longer wait. Without a wait, the reset could overtake bytes at the peer that it has not read.
#[derive(Debug, Default)]
pub(crate) struct Lingering(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    id: StreamId,
    /// `None` before the first look at it, and `Some(None)` for a time that never comes.
    until: Option<Option<Instant>>,
    /// The number of bytes that still have to leave.
    waiting: usize,
}

impl Lingering {
    /// Adds a stream.
    pub(crate) fn add(&mut self, id: StreamId) {
        if !self.0.iter().any(|entry| entry.id == id) {
            self.0.push(Entry {
                id,
                until: None,
                waiting: 0,
            });
        }
    }

    /// Returns `true` if there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Cancels the streams whose time is over, and returns them. The time begins again whenever
    /// bytes have left.
    pub(crate) fn late(
        &mut self,
        streams: &mut StreamMap<Box<Stream>>,
        from_app: &mut Streams,
        now: Instant,
    ) -> Vec<StreamId> {
        let mut late = Vec::new();
        self.0.retain_mut(|entry| {
            let Some(stream) = streams.get_mut(&entry.id) else {
                return false;
            };
            let waiting = from_app.read(entry.id).map_or(0, |pipe| pipe.len());
            if entry.until.is_none() || waiting < entry.waiting {
                entry.until = Some(now.checked_add(LINGER));
            }
            entry.waiting = waiting;
            if entry.until.flatten().is_none_or(|until| until > now) {
                return true;
            }
            stream.cancel();
            late.push(entry.id);
            false
        });
        late
    }

    /// Returns the time at which [`late`](Self::late) must be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.0
            .iter()
            .filter_map(|entry| entry.until.flatten())
            .min()
    }
}

/// The time for the peer to end a stream that this side has finished and reads no more.
const LINGER: Duration = Duration::from_secs(1);
