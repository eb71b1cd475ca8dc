//! The short path: whole messages both ways, while there is nothing else.

use super::{Connection, State};
use crate::message::Payload;
use crate::{NAME, WebSocketError};
use wirestack_layer::{Error, Flow, Flows};

impl Connection {
    /// Carries whole messages if there is nothing else to do. Returns `false` if there is.
    #[inline(always)]
    pub(crate) fn process_untimed<F: Payload>(&mut self, mut p: Flows<'_, F, F>) -> bool {
        if self.sender.is_plain() {
            self.is_plain(&p) && self.exchange(&mut p)
        } else {
            self.process_in_frame(p)
        }
    }

    /// Does the same while a frame waits for room.
    #[cold]
    #[inline(never)]
    fn process_in_frame<F: Payload>(&mut self, mut p: Flows<'_, F, F>) -> bool {
        if !self.sender.is_in_frame() || !self.is_plain(&p) {
            return false;
        }
        if self.sender.complete_frame(p.to_wire) {
            self.exchange(&mut p)
        } else {
            self.receive_whole(&mut p)
        }
    }

    /// Returns `true` if there is nothing to do but to carry messages, as far as others than the sender
    /// know.
    #[inline]
    fn is_plain<F: Payload>(&self, p: &Flows<'_, F, F>) -> bool {
        matches!(self.state, State::Open)
            && self.fault.is_none()
            && self.watch.is_off()
            && self.control.pings.is_sent()
            && !p.from_app.is_closed()
            && !p.from_wire.is_closed()
    }

    /// Takes whole messages from the wire. Returns `false` if there is something else to do.
    #[inline(always)]
    fn receive_whole<F: Payload>(&mut self, p: &mut Flows<'_, F, F>) -> bool {
        while p.to_app.room() > 0 {
            if p.from_wire.is_empty() {
                if !self.receiver.await_header(p.from_wire) {
                    return false;
                }
                break;
            }
            if !self.receiver.next_whole(p.from_wire, p.to_app) {
                return false;
            }
        }
        true
    }

    /// Carries whole messages both ways. Returns `false` if there is something else to do.
    #[inline(always)]
    fn exchange<F: Payload>(&mut self, p: &mut Flows<'_, F, F>) -> bool {
        if !self.receive_whole(p) {
            return false;
        }
        while p.to_wire.room() > 0 {
            let waiting = p.from_app.waiting();
            let Some((message, last)) = p.from_app.next() else {
                break;
            };
            match self.sender.message(message, last, waiting, p.to_wire) {
                Ok(()) if self.sender.is_plain() => {}
                Ok(()) => return self.sender.is_in_frame(), // which waits for room
                Err(cause) => return self.abandon_exchange(cause, p),
            }
        }
        true
    }

    #[cold]
    fn abandon_exchange<F: Payload>(
        &mut self,
        cause: WebSocketError,
        p: &mut Flows<'_, F, F>,
    ) -> bool {
        self.abandon(Error::local(NAME, cause), p);
        false
    }
}
