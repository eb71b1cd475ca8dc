//! Receiving and sending where the application's side is messages: a `Stream` and a `Sink`.

use super::Connection;
use futures_core::Stream;
use futures_sink::Sink;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use wirestack_layer::{ByteSize, End, Error, Flow, Layer, Queue, origin};

impl<L, I, O> Connection<L>
where
    L: Layer<In = Queue<I>, Out = Queue<O>>,
    I: ByteSize,
    O: ByteSize,
{
    /// Receives the next message; `None` is a clean end.
    ///
    /// Dropping the future loses no message.
    ///
    /// ```
    /// use wirestack::WebSocket;
    ///
    /// async fn read_all(mut socket: WebSocket) -> Result<(), wirestack::Error> {
    ///     while let Some(message) = socket.next().await {
    ///         println!("{:?}", message?); // an error comes once, behind all messages
    ///     }
    ///     Ok(()) // the peer has closed cleanly
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The error that ended the stack, behind all messages that arrived before it. It is returned
    /// once; then comes `None`.
    pub async fn next(&mut self) -> Option<Result<O, Error>> {
        poll_fn(|cx| self.receive(cx)).await
    }

    /// Sends a message and waits until it has left.
    ///
    /// A message is accepted as a whole or not at all. If the future is dropped while it waits for
    /// room, the message was not accepted. If it is dropped later, the message leaves with the next
    /// call that drives the connection.
    ///
    /// ```
    /// use wirestack::WebSocket;
    /// use wirestack::websocket::Message;
    ///
    /// async fn say(socket: &mut WebSocket) -> Result<(), wirestack::Error> {
    ///     socket.send("text").await?;
    ///     socket.send(vec![1, 2, 3]).await?; // a binary message
    ///     socket.send(Message::text("the same as the first")).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The error that ended the stack, or [`ConnectionClosed`].
    pub async fn send(&mut self, message: impl Into<I>) -> Result<(), Error> {
        let mut message = Some(message.into());
        poll_fn(|cx| self.poll_send(cx, &mut message)).await
    }

    /// Accepts a message as soon as there is room, and does not send it yet.
    /// [`flushed`](Self::flushed) then sends all accepted messages together.
    ///
    /// A message is accepted as a whole or not at all, as with [`send`](Self::send).
    ///
    /// ```
    /// use wirestack::WebSocket;
    ///
    /// async fn say_many(socket: &mut WebSocket, lines: Vec<String>) -> Result<(), wirestack::Error> {
    ///     for line in lines {
    ///         socket.feed(line).await?; // many leave together
    ///     }
    ///     socket.flushed().await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The error that ended the stack, or [`ConnectionClosed`].
    pub async fn feed(&mut self, message: impl Into<I>) -> Result<(), Error> {
        let mut message = Some(message.into());
        poll_fn(|cx| self.poll_feed(cx, &mut message)).await
    }

    /// Waits until every accepted message has left.
    ///
    /// Dropping the future loses no message.
    ///
    /// ```
    /// use wirestack::WebSocket;
    ///
    /// /// Sends many messages with few writes.
    /// async fn say(socket: &mut WebSocket, lines: &[String]) -> Result<(), wirestack::Error> {
    ///     for line in lines {
    ///         socket.feed(line.as_str()).await?; // it waits for room
    ///     }
    ///     socket.flushed().await // all have left
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The error that ended the stack.
    pub async fn flushed(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.flush(cx)).await
    }

    /// Accepts a message that was not accepted yet, and flushes.
    #[inline]
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        message: &mut Option<I>,
    ) -> Poll<Result<(), Error>> {
        ready!(self.poll_feed(cx, message))?;
        self.flush(cx)
    }

    /// Accepts a message that was not accepted yet, as soon as there is room.
    #[inline]
    pub(crate) fn poll_feed(
        &mut self,
        cx: &mut Context<'_>,
        message: &mut Option<I>,
    ) -> Poll<Result<(), Error>> {
        if message.is_some() {
            ready!(self.poll_send_ready(cx))?;
            if let Some(message) = message.take() {
                self.push_message(message);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Accepts a message if there is room for it. Returns `false` if not.
    #[inline(always)]
    pub(crate) fn feed_at_once(&mut self, message: &mut Option<I>) -> bool {
        let engine = self.engine();
        let has_ended = engine.to_app().is_closed() || engine.from_app().is_closed();
        let from_app = engine.from_app();
        if has_ended || from_app.stop_state().is_some() || from_app.room() == 0 {
            return false;
        }
        let message = message.take();
        let is_there = message.is_some();
        message.into_iter().for_each(|it| self.push_message(it));
        is_there
    }

    pub(crate) fn receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<O, Error>>> {
        self.read_with(cx, Self::receive_next)
    }

    #[inline(always)]
    fn receive_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<O, Error>>> {
        loop {
            if let Some(message) = self.engine().to_app().pop() {
                return Poll::Ready(Some(Ok(message)));
            }
            if self.engine().to_app().is_closed() {
                return Poll::Ready(self.ended(cx));
            }
            ready!(self.advance_inlined(cx));
        }
    }

    /// Receives for a caller that drives nothing else until a message comes. It leaves no waker in
    /// the connection, as no other task can take its bytes meanwhile.
    #[cfg(feature = "blocking")]
    pub(crate) fn receive_alone(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<O, Error>>> {
        let received = self.receive(cx);
        if received.is_pending() {
            self.forget_tasks();
        }
        received
    }

    /// Returns how the empty flow to the application has ended.
    #[cold]
    fn ended(&mut self, cx: &mut Context<'_>) -> Option<Result<O, Error>> {
        let end = self.engine().to_app().end().cloned();
        self.process_and_write(cx); // the layers' last bytes, such as the answer to a Close
        match end {
            Some(End::Aborted(error)) => self.take_error_once().then_some(Err(error)),
            _ => None,
        }
    }

    /// Waits until there is room for a message.
    #[inline]
    pub(crate) fn poll_send_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.write_with(cx, Self::wait_for_room)
    }

    #[inline]
    fn wait_for_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            let is_over = self.engine().to_app().is_closed()
                || self.engine().from_app().stop_state().is_some()
                || self.engine().from_app().is_closed();
            if is_over {
                self.process_and_write(cx); // the answer to a Close: the caller may drop the connection
                if let Some(error) = self.send_error() {
                    return Poll::Ready(Err(error));
                }
            }
            if self.engine().from_app().room() > 0 {
                return Poll::Ready(Ok(()));
            }
            ready!(self.advance(cx));
        }
    }

    /// Returns the error of every further message.
    #[cold]
    fn send_error(&mut self) -> Option<Error> {
        let closed = || Error::local(origin::CONNECTION, ConnectionClosed);
        let is_closed = self.engine().from_app().is_closed();
        self.refused().or_else(|| is_closed.then(closed))
    }

    /// Accepts a message behind a [`poll_send_ready`](Self::poll_send_ready). Another half may have
    /// closed since then.
    pub(crate) fn start_message(&mut self, message: I) -> Result<(), Error> {
        if self.engine().from_app().is_closed()
            && let Some(error) = self.send_error()
        {
            return Err(error);
        }
        self.push_message(message);
        Ok(())
    }

    #[inline]
    pub(crate) fn push_message(&mut self, message: I) {
        self.engine().from_app().push(message);
    }

    /// Ends the direction to the peer, and waits until every accepted message has left.
    pub(crate) fn finish_and_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.engine().from_app().finish();
        self.flush(cx)
    }
}

impl<L, O> Stream for Connection<L>
where
    L: Layer<In = Queue<O>, Out = Queue<O>>,
    O: ByteSize,
{
    type Item = Result<O, Error>;
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().receive(cx)
    }
}

impl<L, I> Sink<I> for Connection<L>
where
    L: Layer<In = Queue<I>, Out = Queue<I>>,
    I: ByteSize,
{
    type Error = Error;
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().poll_send_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: I) -> Result<(), Error> {
        self.get_mut().start_message(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().finish_and_flush(cx)
    }
}

/// The cause of an error: the application sent a message after it had closed its side.
///
/// ```
/// use wirestack::{ConnectionClosed, WebSocket};
///
/// async fn say(socket: &mut WebSocket) {
///     if let Err(error) = socket.send("hello").await
///         && error.cause::<ConnectionClosed>().is_some()
///     {
///         println!("the socket was closed before");
///     }
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[error("a message was sent after the application had closed its side")]
#[non_exhaustive]
pub struct ConnectionClosed;
