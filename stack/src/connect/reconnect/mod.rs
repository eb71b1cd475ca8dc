//! A WebSocket that connects again after its connection was lost.

mod event;
mod handle;
mod outbox;

pub use event::ReconnectEvent;
pub use handle::ReconnectHandle;
pub use outbox::{NotConnected, QueueFull};

use super::WebSocket;
use super::builders::Connect;
use crate::driver::dial::no_runtime;
use crate::driver::error::seed;
use crate::driver::runtime::{AsyncTimer, BoxFuture, Runtime};
use futures_core::Stream;
use outbox::Outbox;
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use wirestack_dial::{Backoff, DialError, Next, Reconnect, Trace};
use wirestack_layer::Error;
use wirestack_websocket::{CloseCode, Message};

impl Connect {
    /// Connects, and connects again whenever the connection is lost. `backoff` sets the delays.
    ///
    /// It ends when the server closes with 1000, and at what a person has to mend: a URL, a
    /// certificate, a password, a 403, a protocol that is not spoken there, a close code that
    /// forbids it (see [`DialError::is_temporary`]). It goes on after time-outs, lost connections
    /// and servers that are overloaded, and waits as long as a `Retry-After` wants. Messages that were sent into a
    /// lost connection are not sent again.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use wirestack::dial::Backoff;
    /// use wirestack::{ReconnectEvent, connect};
    ///
    /// let mut feed = connect("wss://example.org/feed").reconnecting(Backoff::default());
    /// while let Some(event) = feed.next().await {
    ///     match event {
    ///         ReconnectEvent::Connected(_) => feed.send("subscribe").await?,
    ///         ReconnectEvent::Message(message) => println!("{message:?}"),
    ///         other => println!("{other}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn reconnecting(self, backoff: Backoff) -> Reconnecting {
        Reconnecting {
            connect: self,
            policy: Reconnect::new(backoff, seed()),
            state: State::Idle,
            outbox: Arc::default(),
        }
    }
}

/// A WebSocket that connects again after its connection was lost: a stream of [`ReconnectEvent`]s.
/// It makes progress only while it is read.
///
/// ```
/// use wirestack::dial::Backoff;
/// use wirestack::{ReconnectEvent, connect};
///
/// async fn listen(url: &str) -> Result<(), wirestack::Error> {
///     let mut socket = connect(url).reconnecting(Backoff::default()).queue(100);
///     let handle = socket.handle(); // for other tasks
///     while let Some(event) = socket.next().await {
///         match event {
///             ReconnectEvent::Connected(_) => {
///                 let _now: Option<&mut wirestack::WebSocket> = socket.socket();
///                 socket.send("subscribe").await?;
///             }
///             ReconnectEvent::Message(message) => println!("{message:?}"),
///             event => eprintln!("{event:?}; connected: {}", handle.is_connected()),
///         }
///     }
///     socket.close(1000, "done").await
/// }
/// ```
pub struct Reconnecting {
    connect: Connect,
    policy: Reconnect,
    state: State,
    outbox: Arc<Outbox>,
}

enum State {
    Idle,
    Dialing(Dialing),
    Open(Box<WebSocket>),
    /// The Close frame was sent, because somebody asked for the end.
    Closing(Box<WebSocket>),
    /// The event with the error comes first, then the delay.
    Lost(Next),
    Waiting(Pin<Box<dyn AsyncTimer>>),
    Over,
}

type Dialing = BoxFuture<Result<(WebSocket, Trace), DialError>>;

impl Reconnecting {
    /// Lets up to this number of messages wait while no connection is open. The next connection
    /// sends them. By default none may wait, and sending fails with [`NotConnected`].
    ///
    /// What a connection has taken is not sent again when it breaks: a message is sent once or never.
    #[must_use]
    pub fn queue(self, messages: usize) -> Self {
        self.outbox.set_limit(messages);
        self
    }

    /// Returns a handle for other tasks, to send and to close.
    pub fn handle(&self) -> ReconnectHandle {
        ReconnectHandle::new(self.outbox.clone())
    }

    /// Waits for the next event; `None` after the last one.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<ReconnectEvent> {
        poll_fn(|cx| self.advance(cx)).await
    }

    /// Returns the WebSocket, while a connection is open.
    pub fn socket(&mut self) -> Option<&mut WebSocket> {
        match &mut self.state {
            State::Open(socket) | State::Closing(socket) => Some(socket),
            _ => None,
        }
    }

    /// Sends a message behind those that wait, and waits until the transport has taken it. While no
    /// connection is open, the [queue](Self::queue) takes it.
    ///
    /// # Errors
    ///
    /// While no connection is open, [`NotConnected`] without a queue and [`QueueFull`] with one; or
    /// the error that ended the connection, which [`next`](Self::next) returns too.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        let outbox = self.outbox.clone();
        let Some(socket) = self.socket() else {
            return outbox.queue(message.into());
        };
        poll_fn(|cx| outbox.poll_pass_on(socket, cx)).await;
        socket.send(message).await?;
        outbox.all_left();
        Ok(())
    }

    /// Closes the WebSocket behind the messages that wait, and does not connect again. While no
    /// connection is open, they are lost. [`ReconnectHandle::close`] connects once more for them.
    ///
    /// # Errors
    ///
    /// The code or the reason may not be sent; the error that ended the connection before; messages
    /// that the queue had accepted have not left. Handles that wait in
    /// [`close`](ReconnectHandle::close) have the same error.
    pub async fn close(mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        self.close_here(code.into(), reason).await
    }

    pub(crate) async fn close_here(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        let outbox = self.outbox.clone();
        let Some(socket) = self.socket() else {
            self.end(None);
            return outbox.outcome();
        };
        poll_fn(|cx| outbox.poll_pass_on(socket, cx)).await;
        let closed = socket.close(code, reason).await;
        if closed.is_ok() {
            outbox.all_left();
        }
        self.end(closed.err());
        outbox.outcome()
    }

    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<Option<ReconnectEvent>> {
        let runtime = match self.runtime() {
            Ok(runtime) => runtime,
            Err(error) => return Poll::Ready(error.map(ReconnectEvent::Failed)),
        };
        let now = || runtime.now();
        self.outbox.register_reader(cx);
        loop {
            let closing = self.outbox.closing();
            match &mut self.state {
                State::Idle | State::Dialing(_) | State::Lost(_) | State::Waiting(_)
                    if closing.is_some() && self.outbox.is_empty() =>
                {
                    self.end(None);
                }
                State::Idle => {
                    let connect = self.connect.clone();
                    self.state = State::Dialing(Box::pin(connect.traced()));
                }
                State::Dialing(dialing) => {
                    let event = match ready!(dialing.as_mut().poll(cx)) {
                        Ok((socket, trace)) => {
                            self.policy.connected(now());
                            self.state = State::Open(Box::new(socket));
                            self.outbox.up();
                            ReconnectEvent::Connected(trace)
                        }
                        Err(error) => {
                            self.state = State::Lost(self.policy.failed(&error, now()));
                            ReconnectEvent::Failed(error)
                        }
                    };
                    return Poll::Ready(Some(event));
                }
                State::Open(socket) => {
                    self.outbox.pass_on(socket, cx);
                    if let Some(frame) = closing.filter(|_| self.outbox.is_empty()) {
                        let begun = socket.begin_close(frame.code, &frame.reason);
                        match mem::replace(&mut self.state, State::Over) {
                            State::Open(socket) if begun.is_ok() => {
                                self.state = State::Closing(socket);
                            }
                            _ => self.end(begun.err()),
                        }
                        continue;
                    }
                    let ended = match ready!(socket.receive(cx)) {
                        Some(Ok(message)) => {
                            return Poll::Ready(Some(ReconnectEvent::Message(message)));
                        }
                        Some(Err(error)) => Some(error),
                        None => None,
                    };
                    // Most codes are an error too, and say more than it does.
                    let (next, event) = match (socket.closed().cloned(), ended) {
                        (None, Some(error)) => {
                            (self.policy.broke(now()), ReconnectEvent::Broke(error))
                        }
                        (closed, _) => {
                            let code = closed.as_ref().map_or(CloseCode::NO_STATUS, |it| it.code);
                            (
                                self.policy.closed(code, now()),
                                ReconnectEvent::Closed(closed),
                            )
                        }
                    };
                    self.outbox.down();
                    self.state = State::Lost(next);
                    return Poll::Ready(Some(event));
                }
                State::Closing(socket) => {
                    // Those who sent before somebody else closed wait until their messages have left.
                    self.outbox.note_left(socket, cx);
                    let ended = ready!(socket.receive(cx));
                    let closed = socket.closed().cloned();
                    let (event, error) = match (ended, closed) {
                        (Some(Ok(message)), _) => {
                            return Poll::Ready(Some(ReconnectEvent::Message(message)));
                        }
                        (Some(Err(error)), None) => {
                            (ReconnectEvent::Broke(error.clone()), Some(error))
                        }
                        (_, closed) => {
                            self.outbox.note_left(socket, cx);
                            (ReconnectEvent::Closed(closed), None)
                        }
                    };
                    self.end(error);
                    return Poll::Ready(Some(event));
                }
                State::Lost(next) => {
                    let event = match *next {
                        Next::At(at) => {
                            let wait = at.saturating_duration_since(now());
                            self.state = State::Waiting(runtime.new_timer(at));
                            Some(ReconnectEvent::Waiting(wait))
                        }
                        Next::Done => {
                            self.end(None);
                            None
                        }
                        Next::GiveUp => {
                            self.end(None);
                            Some(ReconnectEvent::GaveUp)
                        }
                    };
                    return Poll::Ready(event);
                }
                State::Waiting(timer) => {
                    let expired = ready!(timer.as_mut().poll_expired(cx));
                    self.state = match expired {
                        Ok(()) => State::Idle,
                        Err(_) => State::Lost(Next::GiveUp), // it will never expire
                    };
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }

    /// Uses this runtime, unless another one was named.
    #[cfg(feature = "blocking")]
    pub(crate) fn runtime_or(mut self, runtime: Arc<dyn Runtime>) -> Self {
        let context = self.connect.spec.context.clone();
        self.connect.spec.context = context.runtime_or(runtime);
        self
    }

    /// Ends for good.
    fn end(&mut self, error: Option<Error>) {
        self.state = State::Over;
        self.outbox.over(error);
    }

    /// Returns the runtime, or the event that says that there is none, once.
    fn runtime(&mut self) -> Result<Arc<dyn Runtime>, Option<DialError>> {
        if let State::Over = self.state {
            return Err(None);
        }
        self.connect.spec.context.keep_runtime().map_err(|none| {
            self.state = State::Over;
            self.outbox.over(None);
            Some(no_runtime(none))
        })
    }
}

impl Drop for Reconnecting {
    fn drop(&mut self) {
        self.outbox.over(None);
    }
}

impl Stream for Reconnecting {
    type Item = ReconnectEvent;
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ReconnectEvent>> {
        self.get_mut().advance(cx)
    }
}

impl fmt::Debug for Reconnecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnecting")
            .field("connect", &self.connect)
            .finish_non_exhaustive()
    }
}
