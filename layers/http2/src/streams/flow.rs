//! All streams as one flow: its end, its stop and its room.

use super::Streams;
use wirestack_layer::{End, Flow, Stop};

impl Flow for Streams {
    fn close(&mut self, end: End) {
        if self.end.is_some() {
            return;
        }
        if let End::Aborted(_) = end {
            for (stream, entry) in &mut self.streams {
                entry.pipe.close(end.clone());
                if !entry.readable {
                    entry.readable = true;
                    self.readable.push_back(*stream);
                }
            }
        }
        self.end = Some(end);
        self.moves += 1;
    }

    fn closed(&self) -> Option<&End> {
        self.end.as_ref()
    }

    fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.unread == 0
    }

    /// Returns the room for new heads, in bytes and roughly. Each stream has room of its own.
    fn room(&self) -> usize {
        MAX_HEADS.saturating_sub(self.heads.len()) * 256
    }

    fn discard(&mut self) {
        if !self.heads.is_empty() {
            self.heads.clear();
            self.moves += 1;
        }
        for entry in self.streams.values_mut() {
            let before = entry.pipe.revision();
            entry.pipe.discard();
            self.moves += entry.pipe.revision() - before;
        }
        self.unread = 0;
    }

    fn stop(&mut self, stop: Stop) {
        for (stream, entry) in &mut self.streams {
            entry.pipe.stop(stop.clone());
            if !entry.writable {
                entry.writable = true;
                self.writable.push_back(*stream);
            }
        }
        self.moves += u64::from(stop.put(&mut self.stop));
    }

    fn stop_state(&self) -> Option<&Stop> {
        self.stop.as_deref()
    }

    fn revision(&self) -> u64 {
        self.moves
    }
}

/// The number of heads that may wait.
const MAX_HEADS: usize = 64;
