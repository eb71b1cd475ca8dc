//! Pings, the subprotocol and the closing of a WebSocket.

use super::goodbye::Goodbye;
use super::{Connection, Ended};
use crate::driver::shutdown::Shutdown;
use bytes::Bytes;
use http::{Response, Version};
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use wirestack_layer::{End, Error, Layer, Pipe, Queue, origin};
#[cfg(feature = "deflate")]
use wirestack_websocket::Compression;
use wirestack_websocket::{Client, CloseCode, CloseFrame, Closer, Control, Payload, PingToken};

impl<L, F> Connection<L>
where
    L: Layer<In = F, Out = F> + 'static,
    F: Payload,
{
    /// Returns the subprotocol that was agreed on.
    ///
    /// ```
    /// use wirestack::WebSocket;
    ///
    /// /// Prints what both sides have agreed on.
    /// fn show(socket: &WebSocket) {
    ///     println!("{:?} over {:?}", socket.subprotocol(), socket.http_version());
    ///     println!("compressed: {}", socket.compression().is_some());
    /// }
    /// ```
    pub fn subprotocol(&self) -> Option<&str> {
        self.part::<Control>()?.subprotocol()
    }

    /// Returns the response to the handshake of a client, with its status and fields: 101 over
    /// HTTP/1.1, 200 over HTTP/2 (RFC 8441 §5).
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let socket = wirestack::connect("wss://example.org/chat").await?;
    /// let response = socket.response().expect("the response to a client");
    /// println!("{} {:?}", response.status(), response.headers().get("server"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn response(&self) -> Option<&Response<()>> {
        self.part::<Client<F>>()?.response()
    }

    /// Returns the version of HTTP over which a client opened the WebSocket: `HTTP/1.1` for an
    /// upgrade, `HTTP/2.0` for an extended CONNECT (RFC 8441).
    pub fn http_version(&self) -> Option<Version> {
        self.response().map(Response::version)
    }

    /// Returns the compression that was agreed on: the only extension that is registered (RFC 7692).
    /// Without one, messages are not compressed.
    ///
    /// ```
    /// use wirestack::WebSocket;
    ///
    /// /// Says if messages are compressed, which the server decides.
    /// fn show(socket: &WebSocket) {
    ///     match socket.compression() {
    ///         Some(agreed) => println!("{agreed:?}"),
    ///         None => println!("as they are"),
    ///     }
    /// }
    /// ```
    #[cfg(feature = "deflate")]
    pub fn compression(&self) -> Option<&Compression> {
        self.part::<Control>()?.compression()
    }

    /// Sends a ping of up to 125 bytes, and returns how long its answer took.
    ///
    /// Messages that come before the answer wait to be received; when there is no room for more of
    /// them, so does the answer. Dropping the future loses nothing but the answer.
    ///
    /// ```
    /// use wirestack::WebSocket;
    ///
    /// async fn measure(socket: &mut WebSocket) -> Result<(), wirestack::Error> {
    ///     let round_trip = socket.ping("").await?;
    ///     println!("{round_trip:?}");
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The payload is too long, too many pings have no answer yet, or the error that ended the
    /// stack.
    pub async fn ping(&mut self, payload: impl Into<Bytes>) -> Result<Duration, Error> {
        let ping = self.begin_ping(payload.into())?;
        poll_fn(|cx| self.answer(ping, cx)).await
    }

    pub(crate) fn begin_ping(&mut self, payload: Bytes) -> Result<PingToken, Error> {
        if let Some(error) = self.refused() {
            return Err(error);
        }
        self.control()?.ping(payload)
    }

    pub(crate) fn answer(
        &mut self,
        ping: PingToken,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Duration, Error>> {
        loop {
            let control = self.part::<Control>();
            if control.is_some_and(|control| control.is_answered(ping))
                && let Some(pong) = self.control()?.pong_to(ping)
            {
                return Poll::Ready(Ok(pong.elapsed));
            }
            if let Some(error) = self.refused() {
                return Poll::Ready(Err(error));
            }
            match self.engine().to_app().closed() {
                Some(End::Aborted(error)) => return Poll::Ready(Err(error.clone())),
                Some(End::Finished) => {
                    return Poll::Ready(Err(Error::peer(origin::CONNECTION, Ended)));
                }
                None => ready!(self.advance(cx)),
            }
        }
    }

    /// Returns the peer's Close frame, once it has arrived.
    ///
    /// ```
    /// use wirestack::WebSocket;
    /// use wirestack::websocket::Closer;
    ///
    /// /// Prints why a WebSocket has ended.
    /// fn show(socket: &WebSocket) {
    ///     if let Some(frame) = socket.closed() {
    ///         let by = if socket.closed_by() == Some(Closer::Peer) { "the peer" } else { "this side" };
    ///         println!("closed by {by}: {:?} {}", frame.code, frame.reason);
    ///     }
    /// }
    /// ```
    pub fn closed(&self) -> Option<&CloseFrame> {
        self.part::<Control>()?.closed()
    }

    /// Returns the side that sent its Close frame first, once the peer's has arrived.
    pub fn closed_by(&self) -> Option<Closer> {
        self.part::<Control>()?.closed_by()
    }

    /// Returns the control of the topmost WebSocket.
    fn control(&mut self) -> Result<&mut Control, Error> {
        self.part_mut()
            .ok_or_else(|| Error::local(origin::CONNECTION, NoSocket))
    }

    /// Closes the WebSocket with 1001 (going away) when this signal is given. Like all else, that
    /// happens while a call drives the connection. Then the peer's Close ends what is received.
    ///
    /// A [`WebSocketServer`](crate::WebSocketServer) whose client [`serve`](crate::serve) has
    /// accepted does this by itself. Call it last: a layer that is put over the connection later,
    /// or [`boxed`](Self::boxed), undoes it.
    ///
    /// ```
    /// use wirestack::{Shutdown, WebSocket};
    ///
    /// /// Says 1001 (Going Away) when the program ends.
    /// fn until(mut socket: WebSocket, end: &Shutdown) -> WebSocket {
    ///     socket.close_on(end);
    ///     socket
    /// }
    /// ```
    pub fn close_on(&mut self, shutdown: &Shutdown) {
        self.goodbye = Some(Box::new(Goodbye {
            signal: shutdown.waiter(),
            say: |engine| {
                if !engine.from_app().is_closed()
                    && let Some(control) = engine.part_mut::<Control>()
                {
                    let _ = control.close(CloseCode::GOING_AWAY, ""); // a valid code
                    engine.from_app().finish();
                }
            },
        }));
    }

    pub(crate) fn begin_close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.control()?.close(code, reason)?;
        self.engine().from_app().finish();
        Ok(())
    }

    pub(super) fn closing(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            self.engine().to_app().discard();
            match self.engine().to_app().closed() {
                Some(End::Finished) => return self.flush(cx),
                Some(End::Aborted(error)) => return Poll::Ready(Err(error.clone())),
                None => ready!(self.advance(cx)),
            }
        }
    }
}

impl<L, I> Connection<L>
where
    L: Layer<In = Queue<I>, Out = Queue<I>> + 'static,
    Queue<I>: Payload,
{
    /// Closes with a code and a reason, and waits for the peer's Close. Messages that were accepted
    /// leave first; messages that still arrive are thrown away.
    ///
    /// Dropping the future loses nothing: the closing goes on with the next call that drives.
    ///
    /// ```
    /// use wirestack::WebSocket;
    /// use wirestack::websocket::CloseCode;
    ///
    /// async fn leave(mut socket: WebSocket) -> Result<(), wirestack::Error> {
    ///     socket.close(CloseCode::GOING_AWAY, "restart").await // and waits for the peer's answer
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The code or the reason may not be sent, or the error that ended the stack instead.
    pub async fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        self.begin_close(code.into(), reason)?;
        poll_fn(|cx| self.closing(cx)).await
    }
}

impl<L> Connection<L>
where
    L: Layer<In = Pipe, Out = Pipe> + 'static,
{
    /// Closes a WebSocket that carries bytes, with a code and a reason, and waits for the peer's
    /// Close. Bytes that were accepted leave first; bytes that still arrive are thrown away.
    ///
    /// ```
    /// use wirestack::websocket::CloseCode;
    /// use wirestack::{Pipe, WebSocket};
    ///
    /// async fn leave(mut tunnel: WebSocket<Pipe>) -> Result<(), wirestack::Error> {
    ///     tunnel.close_websocket(CloseCode::NORMAL, "").await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// There is no WebSocket in this stack, a code or a reason that may not be sent, or what ended
    /// the stack instead.
    pub async fn close_websocket(
        &mut self,
        code: impl Into<CloseCode>,
        reason: &str,
    ) -> Result<(), Error> {
        self.begin_close(code.into(), reason)?;
        poll_fn(|cx| self.closing(cx)).await
    }
}

#[derive(Debug, thiserror::Error)]
#[error("there is no open WebSocket in this stack")]
struct NoSocket;
