//! The short path of receiving: frames that are messages by themselves.

use super::Receiver;
use crate::frame::{Header, Plain};
use crate::mask;
use crate::message::{Message, Payload};
use bytes::Buf;
use wirestack_layer::Pipe;

impl Receiver {
    /// Asks an empty wire for the next header. Returns `false` in the middle of a frame.
    #[inline]
    pub(crate) fn await_header(&self, wire: &mut Pipe) -> bool {
        let between = self.frame.is_none();
        if between {
            wire.require(Header::SHORTEST);
        }
        between
    }

    /// Takes a frame that is a message by itself and has arrived whole, which most frames are, and
    /// delivers it. Returns `false` for everything else, and takes nothing then.
    #[inline(always)]
    pub(crate) fn next_whole<F: Payload>(&mut self, wire: &mut Pipe, app: &mut F) -> bool {
        if F::IN_PARTS || self.frame.is_some() || self.message.is_some() {
            return false;
        }
        let Some(plain) = Plain::parse(wire.peek(Header::LONGEST), self.masked) else {
            return false;
        };
        let Plain {
            text,
            start,
            end,
            key,
        } = plain;
        if end > wire.len() || end - start > self.max_frame.min(self.max_message) {
            return false;
        }
        if self.masked {
            mask::apply(&mut wire.peek_mut(end)[start..end], key, 0);
        }
        if text && simdutf8::basic::from_utf8(&wire.peek(end)[start..end]).is_err() {
            if self.masked {
                // As it came: the fault is found and told elsewhere.
                mask::apply(&mut wire.peek_mut(end)[start..end], key, 0);
            }
            return false;
        }
        let mut payload = wire.take(end);
        payload.advance(start);
        app.deliver(Message::checked(text, payload), true).is_ok()
    }

    /// Does the same as [`next_whole`](Self::next_whole), for the long path.
    pub(crate) fn next_plain<F: Payload>(&mut self, wire: &mut Pipe, app: &mut F) -> bool {
        self.next_whole(wire, app)
    }
}
