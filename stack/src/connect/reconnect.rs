//! A WebSocket that connects again after its connection was lost.

use super::WebSocket;
use super::builders::Connect;
use crate::driver::dial::no_runtime;
use crate::driver::error::seed;
use crate::driver::runtime::{AsyncTimer, BoxFuture, Runtime};
use futures_core::Stream;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use wirestack_dial::{Backoff, DialError, Next, Reconnect, Trace};
use wirestack_layer::{Error, origin};
use wirestack_websocket::{CloseCode, CloseFrame, Message};

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
        }
    }
}

/// A WebSocket that connects again after its connection was lost: a stream of [`ReconnectEvent`]s.
/// It makes progress only while it is read.
pub struct Reconnecting {
    connect: Connect,
    policy: Reconnect,
    state: State,
}

enum State {
    Idle,
    Dialing(Dialing),
    Open(Box<WebSocket>),
    /// The event with the error comes first, then the delay.
    Lost(Next),
    Waiting(Pin<Box<dyn AsyncTimer>>),
    Over,
}

type Dialing = BoxFuture<Result<(WebSocket, Trace), DialError>>;

/// An event of a [`Reconnecting`] WebSocket.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReconnectEvent {
    /// A connection is open; the trace shows how it was opened.
    Connected(Trace),
    /// A message arrived.
    Message(Message),
    /// An attempt to connect failed.
    Failed(DialError),
    /// The connection broke.
    Broke(Error),
    /// The server closed the WebSocket, with this Close frame.
    Closed(Option<CloseFrame>),
    /// The next attempt to connect starts after this delay.
    Waiting(Duration),
    /// No further attempt follows: this is the last event.
    GaveUp,
}

impl std::fmt::Display for ReconnectEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connected(_) => f.write_str("connected"),
            Self::Message(message) => write!(f, "a message of {} bytes", message.len()),
            Self::Failed(error) => write!(f, "not connected: {error}"),
            Self::Broke(error) => write!(f, "lost: {error}"),
            Self::Closed(Some(frame)) => write!(f, "closed by the server: {frame}"),
            Self::Closed(None) => f.write_str("closed by the server"),
            Self::Waiting(time) => write!(f, "connecting again in {time:.1?}"),
            Self::GaveUp => f.write_str("given up"),
        }
    }
}

impl Reconnecting {
    /// Waits for the next event; `None` after the last one.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<ReconnectEvent> {
        poll_fn(|cx| self.advance(cx)).await
    }

    /// Returns the WebSocket, while a connection is open.
    pub fn socket(&mut self) -> Option<&mut WebSocket> {
        match &mut self.state {
            State::Open(socket) => Some(socket),
            _ => None,
        }
    }

    /// Sends a message, and waits until the transport has taken it.
    ///
    /// # Errors
    ///
    /// [`NotConnected`] while no connection is open, or the error that ended the connection, which
    /// [`next`](Self::next) returns too.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        match self.socket() {
            Some(socket) => socket.send(message).await,
            None => Err(Error::local(origin::RECONNECT, NotConnected)),
        }
    }

    /// Closes the WebSocket, and does not connect again.
    ///
    /// # Errors
    ///
    /// The error that ended the connection before.
    pub async fn close(mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        match self.socket() {
            Some(socket) => socket.close(code, reason).await,
            None => Ok(()),
        }
    }

    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<Option<ReconnectEvent>> {
        let runtime = match self.runtime() {
            Ok(runtime) => runtime,
            Err(error) => return Poll::Ready(error.map(ReconnectEvent::Failed)),
        };
        let now = || runtime.now();
        loop {
            match &mut self.state {
                State::Idle => {
                    let connect = self.connect.clone();
                    self.state = State::Dialing(Box::pin(connect.traced()));
                }
                State::Dialing(dialing) => {
                    let event = match ready!(dialing.as_mut().poll(cx)) {
                        Ok((socket, trace)) => {
                            self.policy.connected(now());
                            self.state = State::Open(Box::new(socket));
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
                    self.state = State::Lost(next);
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
                            self.state = State::Over;
                            None
                        }
                        Next::GiveUp => {
                            self.state = State::Over;
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

    /// Returns the runtime, or the event that says that there is none, once.
    fn runtime(&mut self) -> Result<Arc<dyn Runtime>, Option<DialError>> {
        if let State::Over = self.state {
            return Err(None);
        }
        self.connect.spec.context.keep_runtime().map_err(|none| {
            self.state = State::Over;
            Some(no_runtime(none))
        })
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

/// The error of sending while no connection is open.
#[derive(Debug, thiserror::Error)]
#[error("there is no connection at the moment")]
#[non_exhaustive]
pub struct NotConnected;
