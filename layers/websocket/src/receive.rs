//! Frames in, messages and control frames out.

use crate::close::Close;
use crate::frame::{Header, Opcode, Parsed};
use crate::message::{Message, Text};
use crate::utf8::{NotUtf8, Utf8};
use crate::{Cause, Settings, mask};
use bytes::{Buf, Bytes, BytesMut};
use wirestack_layer::Pipe;

/// The receiving half of a connection.
///
/// A negotiated extension would claim its bits in [`admit`](Self::admit) and turn payloads around
/// before the UTF-8 check in [`next`](Self::next).
#[derive(Debug)]
pub(crate) struct Receiver {
    /// Whether the peer has to mask.
    masked: bool,
    max_frame: usize,
    max_message: usize,
    max_fragments: usize,
    frame: Option<Begun>,
    message: Option<Fragments>,
    utf8: Utf8,
}

/// A frame whose header was consumed and whose payload has not arrived as a whole.
#[derive(Clone, Copy, Debug)]
struct Begun {
    header: Header,
    /// How much of the payload, as it waits in the pipe, is unmasked and checked.
    done: usize,
}

/// A message that comes in several frames.
#[derive(Debug)]
struct Fragments {
    text: bool,
    payload: BytesMut,
    count: usize,
}

/// What [`Receiver::next`] found.
#[derive(Debug)]
pub(crate) enum Received {
    Message(Message),
    Ping(Bytes),
    Pong(Bytes),
    Close(Close),
    /// A frame that ends nothing.
    Fragment,
    /// No whole frame; the pipe knows how much is required.
    Nothing,
}

impl Receiver {
    pub(crate) fn new(masked: bool, settings: &Settings) -> Self {
        Self {
            masked,
            max_frame: settings.max_frame,
            max_message: settings.max_message,
            max_fragments: settings.max_fragments,
            frame: None,
            message: None,
            utf8: Utf8::default(),
        }
    }
    /// Takes one frame from the wire.
    #[inline]
    pub(crate) fn next(&mut self, wire: &mut Pipe) -> Result<Received, Cause> {
        let unread = wire.unread_mut();
        let (Begun { header, done }, start) = match self.frame.take() {
            Some(begun) => (begun, 0),
            None => match Header::parse(unread, self.masked)? {
                Parsed::Header(header, len) => {
                    self.admit(&header)?;
                    (Begun { header, done: 0 }, len)
                }
                Parsed::Needs(n) => {
                    wire.require(n);
                    return Ok(Received::Nothing);
                }
            },
        };
        // What was admitted fits.
        let len = usize::try_from(header.len).unwrap_or(usize::MAX);
        let arrived = len.min(unread.len() - start);
        let whole = arrived == len;
        let fresh = &mut unread[start + done..start + arrived];
        if let Some(key) = header.key {
            mask::apply(fresh, key, done);
        }
        if self.is_text(header.opcode) {
            self.utf8.check(fresh, whole && header.fin)?;
        }
        if !whole {
            let done = arrived;
            self.frame = Some(Begun { header, done });
            wire.consume(start);
            wire.require(len);
            return Ok(Received::Nothing);
        }
        if self.message.is_none() || header.opcode.is_control() {
            let mut payload = wire.take(start + len);
            payload.advance(start);
            return self.finish(header, payload);
        }
        if let Some(message) = &mut self.message {
            message.count += 1;
            message
                .payload
                .extend_from_slice(&unread[start..start + len]);
        }
        wire.consume(start + len);
        Ok(match self.message.take_if(|_| header.fin) {
            Some(Fragments { text, payload, .. }) => message(text, payload.freeze()),
            None => Received::Fragment,
        })
    }
    /// Refuses a frame for what its header says.
    fn admit(&mut self, header: &Header) -> Result<(), Cause> {
        if header.rsv != 0 {
            return Err(Cause::ReservedBits(header.rsv));
        }
        if header.opcode.is_control() {
            return Ok(());
        }
        let before = match (&self.message, header.opcode) {
            (None, Opcode::Continuation) => return Err(Cause::NothingToContinue),
            (Some(_), Opcode::Text | Opcode::Binary) => return Err(Cause::NestedMessage),
            (None, _) => 0,
            (Some(message), _) if message.count >= self.max_fragments => {
                return Err(Cause::TooManyFragments(self.max_fragments));
            }
            (Some(message), _) => message.payload.len(),
        };
        let len = header.len;
        if len > self.max_frame as u64 {
            let limit = self.max_frame;
            return Err(Cause::LongFrame { len, limit });
        }
        let len = before as u64 + len;
        if len > self.max_message as u64 {
            let limit = self.max_message;
            return Err(Cause::LongMessage { len, limit });
        }
        Ok(())
    }
    fn is_text(&self, opcode: Opcode) -> bool {
        match opcode {
            Opcode::Text => true,
            Opcode::Continuation => self.message.as_ref().is_some_and(|message| message.text),
            _ => false,
        }
    }
    fn finish(&mut self, header: Header, payload: Bytes) -> Result<Received, Cause> {
        Ok(match header.opcode {
            Opcode::Ping => Received::Ping(payload),
            Opcode::Pong => Received::Pong(payload),
            Opcode::Close => Received::Close(Close::parse(&payload)?),
            opcode if header.fin => message(opcode == Opcode::Text, payload),
            opcode => {
                self.message = Some(Fragments {
                    text: opcode == Opcode::Text,
                    payload: BytesMut::from(&payload[..]),
                    count: 1,
                });
                Received::Fragment
            }
        })
    }
}

fn message(text: bool, payload: Bytes) -> Received {
    Received::Message(match text {
        true => Message::Text(Text::checked(payload)),
        false => Message::Binary(payload),
    })
}

impl From<NotUtf8> for Cause {
    fn from(_: NotUtf8) -> Self {
        Self::BadUtf8
    }
}
