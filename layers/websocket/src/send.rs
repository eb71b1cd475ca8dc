//! Makes frames of messages and control frames.

use crate::close::CloseFrame;
use crate::deflate::Deflater;
use crate::frame::{Header, Opcode, RSV1};
use crate::mask::{self, Masks};
use crate::{Message, WebSocketConfig, WebSocketError};
use bytes::Bytes;
use wirestack_layer::{Flow, Pipe};

/// The sending half of a connection.
#[derive(Debug)]
pub(crate) struct Sender {
    /// The masks of a client. A server does not mask.
    masks: Option<Masks>,
    largest: usize,
    /// The rest of a frame whose payload is masked while there is room for it.
    unmasked: Option<Unmasked>,
    /// The rest of a payload that is sent in fragments, and `true` if its message ends with it.
    rest: Option<(Bytes, bool)>,
    /// `true` for text, `false` for bytes, while a message waits for its next part.
    begun: Option<bool>,
    /// Boxed, because it is large and most connections have none.
    deflater: Option<Box<Deflater>>,
    /// The answer to the latest ping, while there is no room for it. Only the latest ping is
    /// answered, so that a peer that does not read cannot fill the memory with pings.
    pong: Option<Bytes>,
}

impl Sender {
    pub(crate) fn new(masks: Option<Masks>, config: &WebSocketConfig) -> Self {
        Self {
            masks,
            largest: config.largest_frame_sent.max(1),
            unmasked: None,
            rest: None,
            begun: None,
            deflater: None,
            pong: None,
        }
    }

    pub(crate) fn compress(&mut self, deflater: Deflater) {
        self.deflater = Some(Box::new(deflater));
    }

    /// Returns `true` if nothing waits to be sent but what the application sends next.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.is_flushed() && self.pong.is_none()
    }

    /// Returns `true` if nothing waits to be sent but the rest of a frame.
    pub(crate) fn is_in_frame(&self) -> bool {
        self.unmasked.is_some() && self.rest.is_none() && self.pong.is_none()
    }

    /// Returns `true` if all that was taken from the application has been sent.
    #[inline]
    pub(crate) fn is_flushed(&self) -> bool {
        self.unmasked.is_none() && self.rest.is_none()
    }

    /// Returns `true` if no frame is sent in part.
    pub(crate) fn is_between_frames(&self) -> bool {
        self.unmasked.is_none()
    }

    /// Drops what was begun: nothing leaves any more.
    pub(crate) fn abandon(&mut self) {
        (self.unmasked, self.rest) = (None, None);
    }

    /// Goes on with a frame that was begun. Nothing else may be sent before it is complete: returns
    /// `true` then, or if there was none.
    #[inline]
    pub(crate) fn complete_frame(&mut self, to: &mut Pipe) -> bool {
        if let Some(unmasked) = &mut self.unmasked {
            if !unmasked.send_while(to, |to| to.room() > 0) {
                return false;
            }
            self.unmasked = None;
        }
        true
    }

    /// Sends a message or a part of one, or its first fragment. About `waiting` bytes will follow.
    #[inline]
    pub(crate) fn message(
        &mut self,
        message: Message,
        last: bool,
        waiting: usize,
        to: &mut Pipe,
    ) -> Result<(), WebSocketError> {
        let text = message.is_text();
        if last && self.begun.is_none() && self.deflater.is_none() && message.len() <= self.largest
        {
            let opcode = if text { Opcode::Text } else { Opcode::Binary };
            self.frame(true, 0, opcode, message.into_bytes(), waiting, to);
            return Ok(());
        }
        self.piece(message, text, last, waiting, to)
    }

    /// Sends a message that is sent in several frames or compressed, or a part of it.
    fn piece(
        &mut self,
        message: Message,
        text: bool,
        last: bool,
        waiting: usize,
        to: &mut Pipe,
    ) -> Result<(), WebSocketError> {
        let first = match self.begun {
            None => true,
            Some(begun) if begun == text => false,
            Some(_) => return Err(WebSocketError::MixedParts),
        };
        self.begun = (!last).then_some(text);
        let opcode = match (first, text) {
            (false, _) => Opcode::Continuation,
            (true, true) => Opcode::Text,
            (true, false) => Opcode::Binary,
        };
        let mut payload = message.into_bytes();
        let mut rsv = 0;
        if let Some(deflater) = &mut self.deflater {
            if first {
                deflater.begin(payload.len(), last);
            }
            if deflater.is_active() {
                payload = deflater.deflate(&payload, last)?;
                rsv = if first { RSV1 } else { 0 };
            }
        }
        self.fragment(rsv, opcode, payload, last, waiting, to);
        Ok(())
    }

    /// Sends the next fragment of a payload. Returns `false` if there was none.
    pub(crate) fn continued(&mut self, to: &mut Pipe) -> bool {
        let Some((rest, last)) = self.rest.take() else {
            return false;
        };
        self.fragment(0, Opcode::Continuation, rest, last, 0, to);
        true
    }

    fn fragment(
        &mut self,
        rsv: u8,
        opcode: Opcode,
        mut payload: Bytes,
        last: bool,
        waiting: usize,
        to: &mut Pipe,
    ) {
        let fits = payload.len() <= self.largest;
        if !fits {
            self.rest = Some((payload.split_off(self.largest), last));
        }
        self.frame(fits && last, rsv, opcode, payload, waiting, to);
    }

    pub(crate) fn ping(&mut self, payload: Bytes, to: &mut Pipe) {
        self.frame(true, 0, Opcode::Ping, payload, 0, to);
    }

    /// Answers a ping as soon as there is room, unless a later ping arrives before.
    pub(crate) fn pong(&mut self, payload: Bytes, to: &mut Pipe) {
        self.pong = Some(payload);
        self.reply(to);
    }

    /// Sends the pong that waits, if there is room between two frames.
    pub(crate) fn reply(&mut self, to: &mut Pipe) {
        if self.unmasked.is_none()
            && let Some(payload) = self.pong.take_if(|_| to.room() > 0)
        {
            self.frame(true, 0, Opcode::Pong, payload, 0, to);
        }
    }

    /// Sends a Close frame, behind the rest of a frame that was begun.
    pub(crate) fn close(&mut self, frame: &CloseFrame, to: &mut Pipe) {
        if let Some(mut unmasked) = self.unmasked.take() {
            unmasked.send_while(to, |_| true);
        }
        self.frame(true, 0, Opcode::Close, frame.emit(), 0, to);
    }

    #[inline]
    fn frame(
        &mut self,
        fin: bool,
        rsv: u8,
        opcode: Opcode,
        payload: Bytes,
        waiting: usize,
        to: &mut Pipe,
    ) {
        let key = self.masks.as_mut().map(Masks::key);
        let header = Header {
            fin,
            rsv,
            opcode,
            len: payload.len() as u64,
            key,
        };
        let own_chunk = match key {
            None => OWN_CHUNK,
            Some(_) => IN_PLACE,
        };
        if payload.len() >= own_chunk {
            return self.large(&header, payload, to);
        }
        // Memory for the next frames and their headers too, instead of more for each small one.
        let batch = (waiting + waiting / 16).min(BATCH);
        to.reserve(Header::LONGEST + payload.len(), batch);
        to.fill(|buf| {
            header.append_to(buf);
            match key {
                None => buf.extend_from_slice(&payload),
                Some(key) => mask::append(&payload, key, buf),
            }
        });
    }

    /// Sends a frame with a large payload. One that is masked is masked in place if nobody shares
    /// it, and otherwise while there is room, so that its memory is that of a piece.
    fn large(&mut self, header: &Header, payload: Bytes, to: &mut Pipe) {
        to.write(header.emit().as_bytes());
        let Some(key) = header.key else {
            return to.push(payload);
        };
        match payload.try_into_mut() {
            Ok(mut payload) => {
                mask::apply(&mut payload, key, 0);
                to.push(payload.freeze());
            }
            Err(payload) => {
                self.unmasked = Some(Unmasked { payload, key });
                self.complete_frame(to);
            }
        }
    }
}

/// A payload, or the rest of one, that is masked while it is sent.
#[derive(Debug)]
struct Unmasked {
    payload: Bytes,
    key: mask::Key,
}

impl Unmasked {
    /// Masks and sends the payload piece by piece while `goes_on`. Returns `true` if all is sent.
    fn send_while(&mut self, to: &mut Pipe, goes_on: impl Fn(&Pipe) -> bool) -> bool {
        while !self.payload.is_empty() && goes_on(to) {
            let piece = self.payload.split_to(PIECE.min(self.payload.len()));
            to.fill(|buf| mask::append(&piece, self.key, buf));
        }
        self.payload.is_empty()
    }
}

/// From this length on, a payload travels as a chunk beside its header instead of being copied.
const OWN_CHUNK: usize = 8 * 1024;
/// From this length on, a payload that nobody shares is masked where it is, and another one in
/// pieces.
const IN_PLACE: usize = 64 * 1024;
/// The length of such a piece: a multiple of the length of a key.
const PIECE: usize = 64 * 1024;
/// The most bytes that are reserved for small frames at a time: those of 64 KiB of messages.
const BATCH: usize = 68 * 1024;
