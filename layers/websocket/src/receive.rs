//! Makes messages and control frames of frames.

mod whole;

use crate::close::CloseFrame;
use crate::deflate::{Inflater, Step};
use crate::frame::{Header, Opcode, Parsed, RSV1};
use crate::message::{Message, Payload};
use crate::text::Text;
use crate::utf8::{NotUtf8, Utf8};
use crate::{WebSocketConfig, WebSocketError, mask};
use bytes::{Buf, Bytes};
use wirestack_layer::Pipe;

/// The receiving half of a connection.
///
/// A frame that is a whole message waits on the wire until it is complete, and is not copied.
/// Compressed frames, and all frames of an application that takes messages [in
/// parts](crate::message::Form::IN_PARTS), are read as they arrive.
#[derive(Debug)]
pub(crate) struct Receiver {
    /// `true` if the peer has to mask.
    masked: bool,
    max_frame: usize,
    max_message: usize,
    max_fragments: usize,
    frame: Option<PartialFrame>,
    message: Option<PartialMessage>,
    utf8: Utf8,
    /// Boxed, because it is large and most connections have none.
    inflater: Option<Box<Inflater>>,
}

/// A frame whose header is consumed and whose payload is not.
#[derive(Clone, Copy, Debug)]
struct PartialFrame {
    header: Header,
    /// The length of the payload that is not consumed.
    left: usize,
    /// The length of the part of it that is unmasked in the pipe already, and checked unless it is
    /// compressed.
    unmasked: usize,
}

/// A message that arrives in several pieces.
#[derive(Debug)]
struct PartialMessage {
    text: bool,
    compressed: bool,
    /// The payload so far, for an application that takes whole messages.
    payload: Vec<u8>,
    /// The number of its frames so far.
    count: usize,
}

/// The result of [`Receiver::next`].
#[derive(Debug)]
pub(crate) enum Received {
    /// Payload of a message. If the message or the part is complete, it is delivered.
    Data,
    Ping(Bytes),
    Pong(Bytes),
    Close(CloseFrame),
    /// No complete frame. The pipe has been told how many bytes are required.
    Nothing,
}

impl Receiver {
    pub(crate) fn new(masked: bool, config: &WebSocketConfig) -> Self {
        Self {
            masked,
            max_frame: config.max_frame,
            max_message: config.max_message,
            max_fragments: config.max_fragments,
            frame: None,
            message: None,
            utf8: Utf8::default(),
            inflater: None,
        }
    }

    pub(crate) fn decompress(&mut self, inflater: Inflater) {
        self.inflater = Some(Box::new(inflater));
    }

    /// Returns `true` if a part of a message has come, and its end has not.
    pub(crate) fn is_in_message(&self) -> bool {
        self.message.is_some()
    }

    /// Takes one frame from the wire, or the arrived part of it. Delivers the message that it
    /// completes, or the part that it is.
    #[inline]
    pub(crate) fn next<F: Payload>(
        &mut self,
        wire: &mut Pipe,
        app: &mut F,
    ) -> Result<Received, WebSocketError> {
        let (begun, start) = match self.frame {
            Some(begun) => (begun, 0),
            None => match Header::parse(wire.peek(Header::LONGEST), self.masked)? {
                Parsed::Header(header, len) => {
                    self.check_header::<F>(&header)?;
                    // A length over `usize::MAX` is over every limit.
                    let left = usize::try_from(header.len).or(Err(WebSocketError::HugeLength))?;
                    let unmasked = 0;
                    (
                        PartialFrame {
                            header,
                            left,
                            unmasked,
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
        let PartialFrame {
            header,
            left,
            unmasked,
        } = begun;
        let arrived = left.min(wire.len() - start);
        let (end, fresh) = (start + arrived, start + unmasked..start + arrived);
        if let Some(key) = header.key {
            let offset = header.len as usize - left + unmasked;
            mask::apply(&mut wire.peek_mut(end)[fresh.clone()], key, offset);
        }
        if !header.opcode.is_control() && (F::IN_PARTS || self.is_compressed(&header)) {
            return self.read_arrived(begun, start, arrived, wire, app);
        }
        let whole = arrived == left;
        if self.is_text(header.opcode) {
            self.utf8
                .check(&wire.peek(end)[fresh], whole && header.fin)?;
        }
        if !whole {
            let unmasked = arrived;
            self.frame = Some(PartialFrame {
                header,
                left,
                unmasked,
            });
            wire.consume(start);
            wire.require(left);
            return Ok(Received::Nothing);
        }
        self.frame = None;
        if header.opcode == Opcode::Continuation {
            self.extend(&wire.peek(end)[start..end]);
            wire.consume(end);
            return self.deliver_if_final(header.fin, app);
        }
        let mut payload = wire.take(end);
        payload.advance(start);
        match header.opcode {
            Opcode::Text if header.fin => {
                app.deliver(Message::Text(Text::checked(payload)), true)?
            }
            Opcode::Binary if header.fin => app.deliver(Message::Binary(payload), true)?,
            Opcode::Ping => return Ok(Received::Ping(payload)),
            Opcode::Pong => return Ok(Received::Pong(payload)),
            Opcode::Close => return CloseFrame::parse(&payload).map(Received::Close),
            opcode => {
                self.begin(opcode == Opcode::Text, false);
                self.extend(&payload);
            }
        }
        Ok(Received::Data)
    }

    /// Reads the arrived part of a frame, or as much of it as fills one decompressed part.
    fn read_arrived<F: Payload>(
        &mut self,
        PartialFrame { header, left, .. }: PartialFrame,
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
            let step = self.inflate(&wire.peek(arrived)[..arrived], last, app)?;
            wire.consume(step.read);
            step
        } else {
            self.deliver_part(wire.take(arrived), last, app)?;
            let (read, full) = (arrived, false);
            Step { read, full }
        };
        let (left, unmasked) = (left - read, arrived - read);
        if left > 0 || full {
            self.frame = Some(PartialFrame {
                header,
                left,
                unmasked,
            });
            if full {
                return Ok(Received::Data);
            }
            wire.require(1);
            return Ok(Received::Nothing);
        }
        self.frame = None;
        if !F::IN_PARTS {
            return self.deliver_if_final(header.fin, app);
        }
        self.message.take_if(|_| header.fin);
        Ok(Received::Data)
    }

    /// Decompresses the arrived part of a frame. `last` tells that the message ends with it.
    fn inflate<F: Payload>(
        &mut self,
        input: &[u8],
        last: bool,
        app: &mut F,
    ) -> Result<Step, WebSocketError> {
        let (Some(message), Some(inflater)) = (&mut self.message, &mut self.inflater) else {
            return Err(WebSocketError::ReservedBits(RSV1)); // `check_header` refuses this
        };
        // Output before a fault is delivered, so that the result does not depend on fragmentation.
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

    /// Checks a header against the state and the limits.
    fn check_header<F: Payload>(&mut self, header: &Header) -> Result<(), WebSocketError> {
        // Only the first frame of a message says that it is compressed (RFC 7692 §6.1).
        let may_compress = matches!(header.opcode, Opcode::Text | Opcode::Binary);
        let known = if may_compress && self.inflater.is_some() {
            RSV1
        } else {
            0
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
        // The length of a compressed message shows only when it is decompressed.
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

    /// Begins a message that arrives in several pieces.
    fn begin(&mut self, text: bool, compressed: bool) {
        self.message = Some(PartialMessage {
            text,
            compressed,
            payload: Vec::new(),
            count: 0,
        });
    }

    /// Adds a fragment to the partial message.
    fn extend(&mut self, payload: &[u8]) {
        if let Some(message) = &mut self.message {
            message.count += 1;
            message.payload.extend_from_slice(payload);
        }
    }

    /// Delivers the message if this was its last fragment.
    fn deliver_if_final<F: Payload>(
        &mut self,
        fin: bool,
        app: &mut F,
    ) -> Result<Received, WebSocketError> {
        if let Some(PartialMessage {
            text, mut payload, ..
        }) = self.message.take_if(|_| fin)
        {
            if payload.len() < payload.capacity() / 2 {
                payload.shrink_to_fit(); // the application may keep it for long
            }
            let payload = payload.into();
            app.deliver(Message::checked(text, payload), true)?;
        }
        Ok(Received::Data)
    }

    /// Delivers a part of a message. Of a text, the bytes of an incomplete character wait.
    fn deliver_part<F: Payload>(
        &mut self,
        mut piece: Bytes,
        last: bool,
        app: &mut F,
    ) -> Result<(), WebSocketError> {
        let text = self.message.as_ref().is_some_and(|message| message.text);
        if text {
            let begun = self.utf8.begun().to_vec();
            let checked = self.utf8.check(&piece, last);
            if !begun.is_empty() {
                piece = [&begun, &piece[..]].concat().into();
            }
            if let Err(bad) = checked {
                // Text before a fault is delivered, so that the result does not depend on
                // fragmentation.
                let valid = std::str::from_utf8(&piece).map_or_else(|e| e.valid_up_to(), str::len);
                piece.truncate(valid);
                if !piece.is_empty() {
                    app.deliver(Message::checked(text, piece), false)?;
                }
                return Err(bad.into());
            }
            piece.truncate(piece.len() - self.utf8.begun().len());
        }
        if piece.is_empty() && !last {
            return Ok(());
        }
        app.deliver(Message::checked(text, piece), last)
    }
}

impl From<NotUtf8> for WebSocketError {
    fn from(_: NotUtf8) -> Self {
        Self::BadUtf8
    }
}

/// The longest part that is decompressed in one step.
const PIECE: usize = 64 * 1024;
