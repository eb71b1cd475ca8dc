//! Keepalive: asking a silent peer for a sign of life.

use super::{Connection, Failure};
use crate::WebSocketError;
use crate::keepalive::{Action, PAYLOAD};
use crate::message::Payload;
use bytes::Bytes;
use wirestack_layer::{Flow, Flows, Instant, Pipe};

impl Connection {
    /// Sends a ping to a silent peer.
    pub(super) fn watch<F: Payload>(
        &mut self,
        p: &mut Flows<'_, F, F>,
        now: Instant,
    ) -> Result<(), Failure> {
        // A part of a frame stays on the wire too, but it is the peer that has the rest.
        let unread = !p.from_wire.is_empty() && p.from_wire.wanted() == 0;
        // What ended the connection is told once the application has read what came before.
        let untold = self.fault.is_some() || p.from_wire.is_closed();
        let left = p.to_wire.total().wrapping_sub(p.to_wire.len() as u64);
        let (heard, busy) = (p.from_wire.total(), unread || untold);
        match self.watch.process(now, heard, left, busy) {
            Action::GiveUp(timeout) => return Err(WebSocketError::Silent(timeout).into()),
            Action::Ping => self.ping_silent_peer(p.to_wire, now),
            Action::Nothing => {}
        }
        Ok(())
    }

    /// Sends the ping that is due, if there is room between two frames.
    pub(super) fn ping_silent_peer(&mut self, to_wire: &mut Pipe, now: Instant) {
        if to_wire.room() > 0 && self.sender.is_between_frames() {
            let end = if to_wire.is_empty() {
                0
            } else {
                to_wire.total()
            };
            self.watch.pinged(now, end);
            self.sender.ping(Bytes::from_static(PAYLOAD), to_wire);
        }
    }
}
