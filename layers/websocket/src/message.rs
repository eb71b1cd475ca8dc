use crate::{Text, WebSocketError};
use bytes::Bytes;
use std::fmt;
use wirestack_layer::{ByteSize, Flow, Pipe, Queue};

/// A whole message.
///
/// It owns its payload. The payload of a received message is usually a slice of the buffer that it
/// came in.
///
/// ```
/// use wirestack_websocket::Message;
///
/// let message = Message::text("hello");
/// assert!(message.is_text() && !message.is_empty());
/// assert_eq!((message.as_bytes(), message.len()), (&b"hello"[..], 5));
/// let message = Message::binary(vec![1, 2, 3]);
/// assert_eq!(message.into_bytes(), [1, 2, 3][..]);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(Text),
    /// Bytes.
    Binary(Bytes),
}

impl Message {
    /// Creates a text message.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into())
    }

    /// Creates a binary message.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::Binary(bytes.into())
    }

    /// Wraps a received payload that was checked.
    pub(crate) fn checked(text: bool, payload: Bytes) -> Self {
        if text {
            Self::Text(Text::checked(payload))
        } else {
            Self::Binary(payload)
        }
    }

    /// Returns `true` for a text message.
    #[inline]
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Returns the payload.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Returns the payload, owned.
    #[inline]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Returns the length of the payload, in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Returns `true` if the payload is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A part of a message that is sent or received before it is whole.
///
/// All parts of a message have one kind. A text is cut between characters.
///
/// ```
/// use wirestack_websocket::Part;
///
/// let parts = [Part::more("a long "), Part::more("long "), Part::last("text")];
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The part, of any length.
    pub payload: Message,
    /// `true` if the message ends with this part.
    pub last: bool,
}

impl Part {
    /// Creates a part that other parts follow.
    pub fn more(payload: impl Into<Message>) -> Self {
        let payload = payload.into();
        let last = false;
        Self { payload, last }
    }

    /// Creates the last part of a message, or its only one.
    pub fn last(payload: impl Into<Message>) -> Self {
        let payload = payload.into();
        let last = true;
        Self { payload, last }
    }
}

impl ByteSize for Part {
    fn byte_size(&self) -> usize {
        self.payload.len() + size_of::<Self>()
    }
}

impl ByteSize for Message {
    #[inline]
    fn byte_size(&self) -> usize {
        self.len() + size_of::<Self>()
    }
}

impl From<Text> for Message {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

/// Copies the text, as it may live for less long than the message. [`Text::from_static`] does not.
impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

/// Copies the text.
impl From<&String> for Message {
    fn from(text: &String) -> Self {
        Self::text(text)
    }
}

/// Copies the bytes.
impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(bytes))
    }
}

/// Copies the bytes.
impl<const N: usize> From<&[u8; N]> for Message {
    fn from(bytes: &[u8; N]) -> Self {
        bytes.as_slice().into()
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::binary(bytes)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.debug_tuple("Text").field(text).finish(),
            Self::Binary(bytes) => f.debug_tuple("Binary").field(bytes).finish(),
        }
    }
}

/// The flow on the application's side: a [`Queue`] of [`Message`]s, a [`Queue`] of their [`Part`]s,
/// or a [`Pipe`] of bytes, which travel in binary messages of any length.
///
/// It is sealed.
///
/// ```
/// use wirestack_layer::{Pipe, Queue};
/// use wirestack_websocket::{Message, Part, Payload};
///
/// fn carries<F: Payload>() {}
/// carries::<Queue<Message>>(); // whole messages
/// carries::<Queue<Part>>(); // parts of large ones
/// carries::<Pipe>(); // bytes, in a tunnel
/// ```
pub trait Payload: Form + Default + Send + 'static {}

impl Payload for Queue<Message> {}

impl Payload for Queue<Part> {}

impl Payload for Pipe {}

/// The operations of a [`Payload`].
#[expect(unnameable_types, reason = "this is what seals `Payload`")]
pub trait Form: Flow {
    /// `true` if messages are delivered in parts, as they arrive. Then nothing is gathered, and the
    /// limit of a message does not apply.
    const IN_PARTS: bool;
    /// `true` if the application receives text. Otherwise a text message is refused at its first
    /// frame.
    const TAKES_TEXT: bool = true;

    /// Delivers a message, or its next part, to the application.
    fn deliver(&mut self, message: Message, last: bool) -> Result<(), WebSocketError>;
    /// Takes the next message or part from the application, with `true` if the message ends with
    /// it.
    fn next(&mut self) -> Option<(Message, bool)>;
    /// Returns the rough number of bytes that wait.
    fn waiting(&self) -> usize;

    /// Gives small messages and parts that wait for the application memory of their own.
    fn detach(&mut self);

    /// Returns `true` if the application has taken all that it can: nothing is left, or what is
    /// left is the beginning of something.
    fn is_taken(&self) -> bool {
        self.is_empty()
    }
}

/// Copies a payload out of the memory that it came in, if it is small.
fn detached(message: Message) -> Message {
    match message.as_bytes() {
        bytes if bytes.len() < SMALL => {
            Message::checked(message.is_text(), Bytes::copy_from_slice(bytes))
        }
        _ => message,
    }
}

impl Form for Queue<Message> {
    const IN_PARTS: bool = false;

    #[inline]
    fn deliver(&mut self, message: Message, _: bool) -> Result<(), WebSocketError> {
        self.push(message);
        Ok(())
    }

    #[inline]
    fn next(&mut self) -> Option<(Message, bool)> {
        self.pop().map(|message| (message, true))
    }

    fn waiting(&self) -> usize {
        self.byte_size()
    }

    fn detach(&mut self) {
        // What is put into a queue that was stopped is lost.
        let count = self.stopped().map_or(self.len(), |_| 0);
        for _ in 0..count {
            if let Some(message) = self.pop() {
                self.push(detached(message));
            }
        }
    }
}

impl Form for Queue<Part> {
    const IN_PARTS: bool = true;

    fn deliver(&mut self, payload: Message, last: bool) -> Result<(), WebSocketError> {
        self.push(Part { payload, last });
        Ok(())
    }

    fn next(&mut self) -> Option<(Message, bool)> {
        self.pop().map(|part| (part.payload, part.last))
    }

    fn waiting(&self) -> usize {
        self.byte_size()
    }

    fn detach(&mut self) {
        let count = self.stopped().map_or(self.len(), |_| 0);
        for _ in 0..count {
            if let Some(Part { payload, last }) = self.pop() {
                let payload = detached(payload);
                self.push(Part { payload, last });
            }
        }
    }
}

impl Form for Pipe {
    const IN_PARTS: bool = true;
    const TAKES_TEXT: bool = false;

    fn deliver(&mut self, message: Message, _: bool) -> Result<(), WebSocketError> {
        match message {
            Message::Binary(bytes) => {
                self.push(bytes);
                Ok(())
            }
            Message::Text(_) => Err(WebSocketError::TextRefused),
        }
    }

    fn next(&mut self) -> Option<(Message, bool)> {
        let n = self.first().len().min(PIECE);
        (n > 0).then(|| (Message::Binary(self.take(n)), true))
    }

    fn waiting(&self) -> usize {
        self.len()
    }

    fn detach(&mut self) {} // small pieces are copied when they are pushed

    fn is_taken(&self) -> bool {
        self.is_empty() || self.wanted() > 0
    }
}

/// A payload of fewer bytes is worth a copy, so that it does not hold the memory of a whole read.
const SMALL: usize = 4096;
/// The longest message of a tunnel of bytes.
const PIECE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_length_of_its_payload_in_bytes() {
        for (message, len) in [
            (Message::text("\u{e9}"), 2),
            (Message::binary(vec![0; 3]), 3),
            (Message::text(""), 0),
        ] {
            assert_eq!((message.len(), message.is_empty()), (len, len == 0));
        }
    }

    /// The limit of a queue counts what a part takes beside its payload, so that empty parts do not
    /// come for nothing.
    #[test]
    fn a_part_counts_with_its_payload_and_itself() {
        let part = |len| Part {
            payload: Message::binary(vec![0; len]),
            last: false,
        };
        assert!(part(0).byte_size() >= 16);
        assert_eq!(part(1000).byte_size() - part(0).byte_size(), 1000);
    }
}
