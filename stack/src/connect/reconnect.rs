//! A WebSocket that is connected again when it is lost.

use super::WebSocket;
use super::builders::Connect;
use crate::driver::dial::no_runtime;
use crate::driver::error::seed;
use crate::driver::runtime::{AsyncTimer, BoxFuture, Runtime};
use futures_core::Stream;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use wirestack_dial::{Backoff, DialError, Next, Reconnect, Trace};
use wirestack_layer::{Error, origin};
use wirestack_websocket::{CloseCode, Closed, Message};

impl Connect {
    /// Connects, and connects again whenever the connection is lost, as `backoff` says.
    ///
    /// A server that closes with 1000 ends it, and so does what will not get better: a refusal with
    /// 403, a wrong password, a Close that says so. What was sent into a lost connection is not sent
    /// again.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use wirestack::dial::Backoff;
    /// use wirestack::{ReconnectEvent, connect};
    ///
    /// let mut feed = connect("wss://example.org/feed").reconnecting(Backoff::default());
    /// while let Some(event) = feed.next().await {
    ///     match event {
    ///         ReconnectEvent::Connected(_) => feed.send("subscribe".into()).await?,
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

/// A WebSocket that is connected again when it is lost: a stream of [`ReconnectEvent`]s. It is driven
/// while it is read.
pub struct Reconnecting {
    connect: Connect,
    policy: Reconnect,
    state: State,
}

enum State {
    Idle,
    Dialing(Dialing),
    Open(Box<WebSocket>),
    /// It is told why before it is waited.
    Lost(Next),
    Waiting(Pin<Box<dyn AsyncTimer>>),
    Over,
}

type Dialing = BoxFuture<Result<(WebSocket, Trace), DialError>>;

/// An event of a WebSocket that is connected again when it is lost.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReconnectEvent {
    /// There is a connection, and this is how it came to be.
    Connected(Trace),
    /// A message arrived.
    Message(Message),
    /// Connecting failed.
    Failed(DialError),
    /// The connection broke.
    Broke(Error),
    /// The server closed the WebSocket.
    Closed(Option<Closed>),
    /// It will be connected again after this time.
    Waiting(Duration),
    /// It is given up: this is the last event.
    GaveUp,
}

impl std::fmt::Display for ReconnectEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connected(_) => f.write_str("connected"),
            Self::Message(message) => write!(f, "a message of {} bytes", message.len()),
            Self::Failed(error) => write!(f, "not connected: {error}"),
            Self::Broke(error) => write!(f, "lost: {error}"),
            Self::Closed(Some(closed)) => write!(f, "closed by the server: {closed:?}"),
            Self::Closed(None) => f.write_str("closed by the server"),
            Self::Waiting(time) => write!(f, "connecting again in {time:.1?}"),
            Self::GaveUp => f.write_str("given up"),
        }
    }
}

impl Reconnecting {
    /// Waits for the next event; `None` once it is closed or given up.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<ReconnectEvent> {
        poll_fn(|cx| self.advance(cx)).await
    }

    /// Returns the WebSocket, while there is one.
    pub fn socket(&mut self) -> Option<&mut WebSocket> {
        match &mut self.state {
            State::Open(socket) => Some(socket),
            _ => None,
        }
    }

    /// Sends a message and waits until it has left.
    ///
    /// # Errors
    ///
    /// [`NotConnected`] while there is no connection, or what ended it, which
    /// [`next`](Self::next) will tell too.
    pub async fn send(&mut self, message: Message) -> Result<(), Error> {
        match self.socket() {
            Some(socket) => socket.send(message).await,
            None => Err(Error::local(origin::RECONNECT, NotConnected)),
        }
    }

    /// Closes the WebSocket, if there is one, for good.
    ///
    /// # Errors
    ///
    /// The error that ended it instead.
    pub async fn close(mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
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

    /// Returns the runtime; without one, the error to tell, once.
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

/// There is no connection at the moment.
#[derive(Debug, thiserror::Error)]
#[error("there is no connection at the moment")]
#[non_exhaustive]
pub struct NotConnected;
