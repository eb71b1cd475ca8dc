use crate::NAME;
use crate::close::{CloseFrame, Closer};
use crate::close_code::CloseCode;
use crate::deflate::Compression;
use crate::handshake::Negotiated;
use crate::ping::{PingToken, Pings, Pong};
use bytes::Bytes;
use wirestack_layer::Error;

/// Pings, closing and negotiated parameters: all that an application does with a WebSocket beside
/// messages. It is the same for both roles and every [`Payload`](crate::Payload).
///
/// A [`Socket`](crate::Socket) dereferences to it, and in a stack of any depth
/// [`part`](wirestack_layer::LayerExt::part) finds that of the topmost WebSocket:
/// `stack.part::<Control>()`.
///
/// ```
/// use wirestack_layer::{Layer, LayerExt, Pipe};
/// use wirestack_websocket::{Control, Server, Settings};
///
/// let server = Server::established(Settings::default()).tunnel();
/// let mut stack: Box<dyn Layer<In = Pipe, Out = Pipe>> = Box::new(server);
/// stack.part_mut::<Control>().unwrap().close(4000, "enough")?;
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
#[derive(Debug)]
pub struct Control {
    pub(crate) pings: Pings,
    /// What the Close frame will say when the application has finished.
    pub(crate) farewell: CloseFrame,
    pub(crate) closed: Option<(CloseFrame, Closer)>,
    pub(crate) negotiated: Negotiated,
}

impl Control {
    pub(crate) fn new() -> Self {
        Self {
            pings: Pings::default(),
            farewell: CloseFrame::bare(CloseCode::NORMAL),
            closed: None,
            negotiated: Negotiated::default(),
        }
    }

    /// Returns the subprotocol that the server chose, once open.
    pub fn subprotocol(&self) -> Option<&str> {
        self.negotiated.subprotocol.as_deref()
    }

    /// Returns how messages are compressed, if both sides agreed to that.
    pub fn compression(&self) -> Option<&Compression> {
        self.negotiated.compression.as_ref()
    }

    /// Sends a ping at the next `process`, or once open. [`pong`](Self::pong) returns its answer.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::LongPing`](crate::WebSocketError::LongPing) beyond 125 bytes,
    /// [`WebSocketError::TooManyPings`](crate::WebSocketError::TooManyPings) while 64 are unanswered.
    pub fn ping(&mut self, payload: impl Into<Bytes>) -> Result<PingToken, Error> {
        self.pings
            .add(payload.into())
            .map_err(|cause| Error::local(NAME, cause))
    }

    /// Takes the answer to the next ping that was answered. A pong also answers the pings before
    /// its own.
    pub fn pong(&mut self) -> Option<Pong> {
        self.pings.next_pong()
    }

    /// Returns `true` if this ping was answered and [`pong_to`](Self::pong_to) would return that.
    pub fn is_answered(&self, ping: PingToken) -> bool {
        self.pings.is_answered(ping)
    }

    /// Takes the answer to this ping, if it is there.
    pub fn pong_to(&mut self, ping: PingToken) -> Option<Pong> {
        self.pings.pong_to(ping)
    }

    /// Sets the code and the reason of the Close frame that is sent when the application has
    /// finished, instead of 1000. It closes nothing: the application closes by finishing.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::UnsendableCode`](crate::WebSocketError::UnsendableCode),
    /// [`WebSocketError::LongReason`](crate::WebSocketError::LongReason).
    pub fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        let farewell = CloseFrame::new(code.into(), reason);
        self.farewell = farewell.map_err(|cause| Error::local(NAME, cause))?;
        Ok(())
    }

    /// Returns the peer's Close frame, once it has arrived.
    pub fn closed(&self) -> Option<&CloseFrame> {
        self.closed.as_ref().map(|(frame, _)| frame)
    }

    /// Returns the side that sent its Close frame first, once the peer's has arrived.
    pub fn closed_by(&self) -> Option<Closer> {
        self.closed.as_ref().map(|(_, closer)| *closer)
    }
}
