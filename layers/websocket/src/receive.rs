//! Frames in, messages and control frames out.

use crate::close::Close;
use crate::frame::{Header, Opcode, Parsed};
use crate::message::{Message, Payload, Text};
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
    /// A message or a part of one, which the application has if it is complete.
    Data,
    Ping(Bytes),
    Pong(Bytes),
    Close(Close),
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
    /// Takes one frame from the wire, and hands the application the message that it completes.
    #[inline]
    pub(crate) fn next<F: Payload>(
        &mut self,
        wire: &mut Pipe,
        app: &mut F,
    ) -> Result<Received, Cause> {
        let unread = wire.unread_mut();
        let (Begun { header, done }, start) = match self.frame {
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
        self.frame = None;
        if header.opcode == Opcode::Continuation {
            self.extend(&unread[start..start + len]);
            wire.consume(start + len);
            return self.deliver_if(header.fin, app);
        }
        let mut payload = wire.take(start + len);
        payload.advance(start);
        match header.opcode {
            Opcode::Text if header.fin => app.deliver(Message::Text(Text::checked(payload)))?,
            Opcode::Binary if header.fin => app.deliver(Message::Binary(payload))?,
            Opcode::Ping => return Ok(Received::Ping(payload)),
            Opcode::Pong => return Ok(Received::Pong(payload)),
            Opcode::Close => return Close::parse(&payload).map(Received::Close),
            opcode => self.begin(opcode == Opcode::Text, &payload),
        }
        Ok(Received::Data)
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
    /// Begins a message that comes in fragments.
    fn begin(&mut self, text: bool, payload: &[u8]) {
        self.message = Some(Fragments {
            text,
            payload: BytesMut::from(payload),
            count: 1,
        });
    }
    /// Adds a fragment to the message that has begun.
    fn extend(&mut self, payload: &[u8]) {
        if let Some(message) = &mut self.message {
            message.count += 1;
            message.payload.extend_from_slice(payload);
        }
    }
    /// Delivers the message that has begun, if this was its last fragment.
    fn deliver_if<F: Payload>(&mut self, fin: bool, app: &mut F) -> Result<Received, Cause> {
        if let Some(Fragments { text, payload, .. }) = self.message.take_if(|_| fin) {
            let payload = payload.freeze();
            app.deliver(match text {
                true => Message::Text(Text::checked(payload)),
                false => Message::Binary(payload),
            })?;
        }
        Ok(Received::Data)
    }
}

impl From<NotUtf8> for Cause {
    fn from(_: NotUtf8) -> Self {
        Self::BadUtf8
    }
}
