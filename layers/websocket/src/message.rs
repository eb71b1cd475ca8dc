use bytes::Bytes;
use std::fmt;
use std::ops::Deref;
use std::str::Utf8Error;
use wirestack_layer::{ByteSize, Flow, Pipe, Queue};

use crate::WebSocketError;

/// A message, whole.
///
/// It owns its payload; that of a received message is usually a slice of the buffer it came in.
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

    /// Wraps what was received and checked.
    pub(crate) fn checked(text: bool, payload: Bytes) -> Self {
        match text {
            true => Self::Text(Text::checked(payload)),
            false => Self::Binary(payload),
        }
    }

    /// Returns whether this is text.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Returns the payload.
    pub fn as_bytes(&self) -> &[u8] {
        let (Self::Text(Text(bytes)) | Self::Binary(bytes)) = self;
        bytes
    }

    /// Returns the payload, owned.
    pub fn into_bytes(self) -> Bytes {
        let (Self::Text(Text(bytes)) | Self::Binary(bytes)) = self;
        bytes
    }

    /// Returns the length of the payload, in bytes.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Returns whether the payload is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A part of a message, for messages that are sent or received before they are whole.
///
/// All parts of a message are of one kind, and a text is cut between characters.
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
    /// Whether the message ends with it.
    pub last: bool,
}

impl Part {
    /// Creates a part that is followed by others.
    pub fn more(payload: impl Into<Message>) -> Self {
        let payload = payload.into();
        let last = false;
        Self { payload, last }
    }

    /// Creates the last part of a message, which may be its only one.
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
    fn byte_size(&self) -> usize {
        self.len() + size_of::<Self>()
    }
}

impl From<Text> for Message {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<&'static str> for Message {
    fn from(text: &'static str) -> Self {
        Self::text(text)
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

/// A text whose bytes are shared, not copied.
///
/// It was checked when it was made or received. As this crate has no unsafe code, each turn into a
/// `&str` checks it again, at the speed of memory: hold on to the `&str` for repeated use.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(Bytes);

impl Text {
    /// Wraps bytes that were checked.
    pub(crate) fn checked(bytes: Bytes) -> Self {
        debug_assert!(simdutf8::basic::from_utf8(&bytes).is_ok());
        Self(bytes)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        simdutf8::basic::from_utf8(&self.0).unwrap_or_default()
    }

    /// Returns the text in UTF-8, without checking it again.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the text in UTF-8, owned.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl TryFrom<Bytes> for Text {
    type Error = Utf8Error;
    fn try_from(bytes: Bytes) -> Result<Self, Utf8Error> {
        std::str::from_utf8(&bytes)?;
        Ok(Self(bytes))
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// What the application's side is made of: a [`Queue`] of messages, a [`Queue`] of their
/// [`Part`]s, or a [`Pipe`] of bytes that travel as binary messages of any cut.
///
/// It is sealed.
pub trait Payload: Form + Default + Send + 'static {}

impl Payload for Queue<Message> {}

impl Payload for Queue<Part> {}

impl Payload for Pipe {}

/// What [`Payload`] has to be able to do.
#[expect(unnameable_types, reason = "this is what seals `Payload`")]
pub trait Form: Flow {
    /// True if messages are delivered in parts, as they come. Then nothing is gathered, and the limit
    /// of a message does not apply.
    const IN_PARTS: bool;
    /// True if the application receives text. If not, a text message is refused by its first frame,
    /// with any content.
    const TAKES_TEXT: bool = true;

    /// Hands the application a message, or the next part of one.
    fn deliver(&mut self, message: Message, last: bool) -> Result<(), WebSocketError>;
    /// Takes the next message from the application, or the next part and whether it is the last.
    fn next(&mut self) -> Option<(Message, bool)>;
    /// Returns about how many bytes of the wire wait here.
    fn waiting(&self) -> usize;
}

impl Form for Queue<Message> {
    const IN_PARTS: bool = false;

    fn deliver(&mut self, message: Message, _: bool) -> Result<(), WebSocketError> {
        self.push(message);
        Ok(())
    }

    fn next(&mut self) -> Option<(Message, bool)> {
        self.pop().map(|message| (message, true))
    }

    fn waiting(&self) -> usize {
        self.byte_size()
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
}

/// The longest message that bytes travel in.
const PIECE: usize = 64 * 1024;
