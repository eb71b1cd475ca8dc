//! Frames in, messages and control frames out.

use crate::close::Close;
use crate::deflate::{Inflater, Step};
use crate::frame::{Header, Opcode, Parsed};
use crate::message::{Message, Payload, Text};
use crate::utf8::{NotUtf8, Utf8};
use crate::{Settings, WebSocketError, mask};
use bytes::{Buf, Bytes};
use wirestack_layer::Pipe;

/// The receiving half of a connection.
///
/// A frame that becomes a message by itself waits on the wire until it is whole, and is not copied.
/// Compressed frames, and all frames where the application takes messages [in
/// parts](crate::message::Form::IN_PARTS), are read as they come.
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
    inflater: Option<Inflater>,
}

/// A frame whose header was consumed.
#[derive(Clone, Copy, Debug)]
struct Begun {
    header: Header,
    /// How much of the payload was not consumed yet.
    left: usize,
    /// How much of that, as it waits in the pipe, is unmasked; and checked, unless compressed.
    clear: usize,
}

/// A message that comes in pieces.
#[derive(Debug)]
struct Fragments {
    text: bool,
    compressed: bool,
    /// What was gathered, where the application takes whole messages.
    payload: Vec<u8>,
    /// How many frames there were.
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
            inflater: None,
        }
    }

    pub(crate) fn decompress(&mut self, inflater: Inflater) {
        self.inflater = Some(inflater);
    }

    /// Takes one frame from the wire, or what has arrived of it, and hands the application the
    /// message that it completes, or the part that it is.
    #[inline]
    pub(crate) fn next<F: Payload>(
        &mut self,
        wire: &mut Pipe,
        app: &mut F,
    ) -> Result<Received, WebSocketError> {
        let unread = wire.unread_mut();
        let (begun, start) = match self.frame {
            Some(begun) => (begun, 0),
            None => match Header::parse(unread, self.masked)? {
                Parsed::Header(header, len) => {
                    self.admit::<F>(&header)?;
                    // A length that does not fit in memory is over every limit but `usize::MAX`.
                    let left = usize::try_from(header.len).or(Err(WebSocketError::HugeLength))?;
                    let clear = 0;
                    (
                        Begun {
                            header,
                            left,
                            clear,
                        },
                        len,
                    )
                }
                Parsed::Needs(n) => {
                    wire.require(n);
                    return Ok(Received::Nothing);
                }
            },
        };
        let Begun {
            header,
            left,
            clear,
        } = begun;
        let arrived = left.min(unread.len() - start);
        if let Some(key) = header.key {
            let offset = (header.len as usize - left + clear) % key.len();
            mask::apply(&mut unread[start + clear..start + arrived], key, offset);
        }
        if !header.opcode.is_control() && (F::IN_PARTS || self.is_compressed(&header)) {
            return self.read_on(begun, start, arrived, wire, app);
        }
        let whole = arrived == left;
        if self.is_text(header.opcode) {
            let fresh = &unread[start + clear..start + arrived];
            self.utf8.check(fresh, whole && header.fin)?;
        }
        if !whole {
            let clear = arrived;
            self.frame = Some(Begun {
                header,
                left,
                clear,
            });
            wire.consume(start);
            wire.require(left);
            return Ok(Received::Nothing);
        }
        self.frame = None;
        if header.opcode == Opcode::Continuation {
            self.extend(&unread[start..start + left]);
            wire.consume(start + left);
            return self.deliver_if(header.fin, app);
        }
        let mut payload = wire.take(start + left);
        payload.advance(start);
        match header.opcode {
            Opcode::Text if header.fin => {
                app.deliver(Message::Text(Text::checked(payload)), true)?
            }
            Opcode::Binary if header.fin => app.deliver(Message::Binary(payload), true)?,
            Opcode::Ping => return Ok(Received::Ping(payload)),
            Opcode::Pong => return Ok(Received::Pong(payload)),
            Opcode::Close => return Close::parse(&payload).map(Received::Close),
            opcode => {
                self.begin(opcode == Opcode::Text, false);
                self.extend(&payload);
            }
        }
        Ok(Received::Data)
    }

    /// Reads as much of a frame as has arrived, or as its decompressed part may hold.
    fn read_on<F: Payload>(
        &mut self,
        Begun { header, left, .. }: Begun,
        start: usize,
        arrived: usize,
        wire: &mut Pipe,
        app: &mut F,
    ) -> Result<Received, WebSocketError> {
        if self.frame.is_none() {
            if self.message.is_none() {
                self.begin(header.opcode == Opcode::Text, header.rsv & RSV1 != 0);
            }
            self.extend(&[]);
        }
        wire.consume(start);
        let last = header.fin && arrived == left;
        let Step { read, full } = if self.is_compressed(&header) {
            let step = self.inflate(&wire.unread()[..arrived], last, app)?;
            wire.consume(step.read);
            step
        } else {
            self.deliver_part(wire.take(arrived), last, app)?;
            let (read, full) = (arrived, false);
            Step { read, full }
        };
        let (left, clear) = (left - read, arrived - read);
        if left > 0 || full {
            self.frame = Some(Begun {
                header,
                left,
                clear,
            });
            if full {
                return Ok(Received::Data);
            }
            wire.require(1);
            return Ok(Received::Nothing);
        }
        self.frame = None;
        match F::IN_PARTS {
            true => drop(self.message.take_if(|_| header.fin)),
            false => return self.deliver_if(header.fin, app),
        }
        Ok(Received::Data)
    }

    /// Decompresses what has arrived of a frame; `last` if that is the rest of the message.
    fn inflate<F: Payload>(
        &mut self,
        input: &[u8],
        last: bool,
        app: &mut F,
    ) -> Result<Step, WebSocketError> {
        let (Some(message), Some(inflater)) = (&mut self.message, &mut self.inflater) else {
            return Err(WebSocketError::ReservedBits(RSV1)); // `admit` has seen to it
        };
        // What came out before a fault counts, however the input was cut.
        if F::IN_PARTS {
            let mut piece = Vec::new();
            let step = inflater.inflate(input, last, &mut piece, PIECE);
            let last = last && step.as_ref().is_ok_and(|step| !step.full);
            self.deliver_part(piece.into(), last, app)?;
            return step;
        }
        let (before, limit) = (message.payload.len(), self.max_message);
        let one_too_many = limit.saturating_add(1);
        let step = inflater.inflate(input, last, &mut message.payload, one_too_many);
        let full = step.as_ref().is_ok_and(|step| step.full);
        if message.text {
            let last = last && !full && step.is_ok();
            self.utf8.check(&message.payload[before..], last)?;
        }
        if full {
            let len = one_too_many as u64;
            return Err(WebSocketError::LongMessage { len, limit });
        }
        step
    }

    /// Refuses a frame for what its header says.
    fn admit<F: Payload>(&mut self, header: &Header) -> Result<(), WebSocketError> {
        // Only the first frame of a message says that it is compressed (RFC 7692 §6.1).
        let may_compress = matches!(header.opcode, Opcode::Text | Opcode::Binary);
        let known = match may_compress && self.inflater.is_some() {
            true => RSV1,
            false => 0,
        };
        if header.rsv & !known != 0 {
            return Err(WebSocketError::ReservedBits(header.rsv & !known));
        }
        if header.opcode.is_control() {
            return Ok(());
        }
        if header.opcode == Opcode::Text && self.message.is_none() && !F::TAKES_TEXT {
            return Err(WebSocketError::TextRefused);
        }
        let before = match (&self.message, header.opcode) {
            (None, Opcode::Continuation) => return Err(WebSocketError::NothingToContinue),
            (Some(_), Opcode::Text | Opcode::Binary) => return Err(WebSocketError::NestedMessage),
            _ if F::IN_PARTS => return Ok(()),
            (None, _) => 0,
            (Some(message), _) if message.count >= self.max_fragments => {
                return Err(WebSocketError::TooManyFragments(self.max_fragments));
            }
            (Some(message), _) => message.payload.len(),
        };
        let len = header.len;
        if len > self.max_frame as u64 {
            let limit = self.max_frame;
            return Err(WebSocketError::LongFrame { len, limit });
        }
        let len = before as u64 + len;
        // What is compressed shows its length as it comes out.
        if len > self.max_message as u64 && !self.is_compressed(header) {
            let limit = self.max_message;
            return Err(WebSocketError::LongMessage { len, limit });
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

    fn is_compressed(&self, header: &Header) -> bool {
        match &self.message {
            Some(message) => message.compressed,
            None => header.rsv & RSV1 != 0,
        }
    }

    /// Begins a message that comes in pieces.
    fn begin(&mut self, text: bool, compressed: bool) {
        self.message = Some(Fragments {
            text,
            compressed,
            payload: Vec::new(),
            count: 0,
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
    fn deliver_if<F: Payload>(
        &mut self,
        fin: bool,
        app: &mut F,
    ) -> Result<Received, WebSocketError> {
        if let Some(Fragments {
            text, mut payload, ..
        }) = self.message.take_if(|_| fin)
        {
            if payload.len() < payload.capacity() / 2 {
                payload.shrink_to_fit(); // an application may keep it for long
            }
            let payload = payload.into();
            app.deliver(Message::checked(text, payload), true)?;
        }
        Ok(Received::Data)
    }

    /// Delivers a part of a message, a text without the bytes of a character that is not complete.
    fn deliver_part<F: Payload>(
        &mut self,
        mut piece: Bytes,
        last: bool,
        app: &mut F,
    ) -> Result<(), WebSocketError> {
        let text = self.message.as_ref().is_some_and(|message| message.text);
        if text {
            let begun = self.utf8.begun().to_vec();
            self.utf8.check(&piece, last)?;
            if !begun.is_empty() {
                piece = [&begun, &piece[..]].concat().into();
            }
            piece.truncate(piece.len() - self.utf8.begun().len());
        }
        match piece.is_empty() && !last {
            true => Ok(()),
            false => app.deliver(Message::checked(text, piece), last),
        }
    }
}

impl From<NotUtf8> for WebSocketError {
    fn from(_: NotUtf8) -> Self {
        Self::BadUtf8
    }
}

/// The bit of a compressed message (RFC 7692 §6).
pub(crate) const RSV1: u8 = 4;
/// The longest part that is decompressed at once.
const PIECE: usize = 64 * 1024;
