use crate::NAME;
use crate::close::{CloseFrame, Closer};
use crate::close_code::CloseCode;
#[cfg(feature = "deflate")]
use crate::deflate::Compression;
use crate::handshake::Negotiated;
use crate::ping::{PingToken, Pings, Pong};
use bytes::Bytes;
use std::fmt;
use wirestack_layer::Error;

/// The pings, the closing and the negotiated parameters of a WebSocket: all that is not messages.
/// It has the same type for both roles and every [`Payload`](crate::Payload).
///
/// A [`Socket`](crate::Socket) dereferences to it. In a stack of any depth,
/// [`part`](wirestack_layer::LayerExt::part) finds the one of the topmost WebSocket.
///
/// ```
/// use wirestack_layer::{Layer, LayerExt, Pipe};
/// use wirestack_websocket::{Control, Server, WebSocketConfig};
///
/// let server = Server::established(WebSocketConfig::default()).tunnel();
/// let mut stack: Box<dyn Layer<In = Pipe, Out = Pipe>> = Box::new(server);
/// stack.part_mut::<Control>().unwrap().close(4000, "enough")?;
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
///
/// ```
/// use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe, Queue, Seed};
/// use wirestack_websocket::{Client, Message, Server, WebSocketConfig};
///
/// let config = WebSocketConfig::default();
/// let mut client = Client::established(config.clone(), Seed::new([7; 32]));
/// let mut server = Server::established(config);
/// let [mut there, mut back] = <[Pipe; 2]>::default();
/// let [mut said, mut heard, mut answer, mut got] = <[Queue<Message>; 4]>::default();
/// let ping = client.ping("are you there?")?;
/// client.close(1000, "done")?; // sent when `said` finishes
/// said.finish();
/// for _ in 0..2 {
///     client.process(Flows::new(&mut back, &mut there, &mut said, &mut got), Instant::ORIGIN);
///     server.process(Flows::new(&mut there, &mut back, &mut answer, &mut heard), Instant::ORIGIN);
/// }
/// client.process(Flows::new(&mut back, &mut there, &mut said, &mut got), Instant::ORIGIN);
/// assert!(client.is_answered(ping));
/// assert_eq!(client.pong_to(ping).unwrap().token, ping); // or `pong`, for the oldest one
/// assert_eq!(server.closed().unwrap().reason, "done");
/// assert!(server.closed_by().is_some());
/// assert_eq!((client.subprotocol(), client.compression()), (None, None));
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
pub struct Control {
    pub(crate) pings: Pings,
    /// The Close frame that is sent when the application has finished.
    pub(crate) close_frame: CloseFrame,
    /// Boxed, because most of a connection's time there is none.
    pub(crate) closed: Option<Box<CloseFrame>>,
    pub(crate) closed_by: Option<Closer>,
    pub(crate) negotiated: Negotiated,
}

/// Shows no payload of a ping and no reason.
impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("closed", &self.closed.as_ref().map(|frame| frame.code))
            .field("closed_by", &self.closed_by)
            .field("negotiated", &self.negotiated)
            .finish_non_exhaustive()
    }
}

impl Control {
    pub(crate) fn new() -> Self {
        Self {
            pings: Pings::default(),
            close_frame: CloseFrame::bare(CloseCode::NORMAL),
            closed: None,
            closed_by: None,
            negotiated: Negotiated::default(),
        }
    }

    /// Returns the subprotocol that the server chose, once open.
    pub fn subprotocol(&self) -> Option<&str> {
        self.negotiated.subprotocol.as_deref()
    }

    /// Returns the negotiated compression, once open. Without one, messages are not compressed.
    #[cfg(feature = "deflate")]
    pub fn compression(&self) -> Option<&Compression> {
        self.negotiated.compression.as_ref()
    }

    /// Sends a ping at the next `process`, once open. [`pong`](Self::pong) and
    /// [`pong_to`](Self::pong_to) return its answer.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::LongPing`](crate::WebSocketError::LongPing) beyond 125 bytes,
    /// [`WebSocketError::TooManyPings`](crate::WebSocketError::TooManyPings) while 64 are
    /// unanswered.
    pub fn ping(&mut self, payload: impl Into<Bytes>) -> Result<PingToken, Error> {
        self.pings
            .add(payload.into())
            .map_err(|cause| Error::local(NAME, cause))
    }

    /// Takes the oldest answer to a ping. A pong answers its own ping and all pings before it.
    ///
    /// ```
    /// use wirestack_websocket::{Server, WebSocketConfig};
    ///
    /// let mut server: Server = Server::established(WebSocketConfig::default());
    /// let ping = server.ping("")?;
    /// while let Some(pong) = server.pong() {
    ///     println!("{:?} after {:?}", pong.token, pong.elapsed);
    /// }
    /// assert!(!server.is_answered(ping));
    /// # Ok::<(), wirestack_layer::Error>(())
    /// ```
    pub fn pong(&mut self) -> Option<Pong> {
        self.pings.next_pong()
    }

    /// Returns `true` if [`pong_to`](Self::pong_to) would return the answer to this ping.
    pub fn is_answered(&self, ping: PingToken) -> bool {
        self.pings.is_answered(ping)
    }

    /// Takes the answer to this ping, once it has arrived.
    pub fn pong_to(&mut self, ping: PingToken) -> Option<Pong> {
        self.pings.pong_to(ping)
    }

    /// Sets the code and the reason of the Close frame that is sent when the application has
    /// finished; without this call, the code is 1000. It closes nothing: the application closes by
    /// finishing.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::UnsendableCode`](crate::WebSocketError::UnsendableCode),
    /// [`WebSocketError::LongReason`](crate::WebSocketError::LongReason).
    pub fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        let close_frame = CloseFrame::new(code.into(), reason);
        self.close_frame = close_frame.map_err(|cause| Error::local(NAME, cause))?;
        Ok(())
    }

    /// Returns the peer's Close frame, once it has arrived.
    pub fn closed(&self) -> Option<&CloseFrame> {
        self.closed.as_deref()
    }

    /// Returns the side that sent its Close frame first, once the peer's has arrived.
    pub fn closed_by(&self) -> Option<Closer> {
        self.closed_by
    }
}
