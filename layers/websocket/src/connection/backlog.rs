//! The memory of the messages that wait for the application.

use super::Connection;
use crate::message::Payload;

impl Connection {
    /// Notes that a frame, or a part of one, has taken bytes from the wire, of which so many more than
    /// before wait for the application.
    ///
    /// A message is a slice of the memory that it came in, and holds all of it. The flow to the
    /// application counts the message, but not what came with it: a peer that puts pongs between its
    /// messages would make each of them hold the memory of a read.
    pub(super) fn note_taken<F: Payload>(&mut self, taken: usize, waiting: usize, to_app: &mut F) {
        if to_app.is_empty() {
            self.beside = 0;
            return;
        }
        let grown = to_app.waiting().saturating_sub(waiting);
        self.beside = (self.beside + taken).saturating_sub(grown);
        if self.beside >= MOST_BESIDE {
            to_app.detach();
            self.beside = 0;
        }
    }
}

/// The most bytes that waiting messages may hold beside their own: as many as may wait by default.
const MOST_BESIDE: usize = 256 * 1024;
