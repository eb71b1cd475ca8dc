//! A WebSocket that is connected again when it is lost.

use super::connect::{Connect, WebSocket};
use super::runtime::now;
use crate::Error;
use crate::dial::{Backoff, DialError, Next, Reconnect, Trace};
use crate::driver::seed;
use crate::websocket::{CloseCode, Closed, Message};
use futures_core::Stream;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::time::{Sleep, sleep_until};

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
    /// use wirestack::tokio::{News, connect};
    ///
    /// let mut feed = connect("wss://example.org/feed").reconnecting(Backoff::default());
    /// while let Some(news) = feed.next().await {
    ///     match news {
    ///         News::Connected(_) => feed.send("subscribe".into()).await?,
    ///         News::Message(message) => println!("{message:?}"),
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

/// A WebSocket that is connected again when it is lost: a stream of its [`News`]. Whoever reads it
/// drives it.
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
    Waiting(Pin<Box<Sleep>>),
    Over,
}

type Dialing = Pin<Box<dyn Future<Output = Result<(WebSocket, Trace), DialError>> + Send>>;

/// What happens to a WebSocket that is connected again when it is lost.
#[derive(Debug)]
#[non_exhaustive]
pub enum News {
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
    /// It is given up: this is the last news.
    GaveUp,
}

impl std::fmt::Display for News {
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
    /// Waits for the next news; `None` once it is closed or given up.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<News> {
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
            None => Err(Error::local("reconnect", NotConnected)),
        }
    }
    /// Closes the WebSocket, if there is one, for good.
    ///
    /// # Errors
    ///
    /// What ended it instead.
    pub async fn close(mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        match self.socket() {
            Some(socket) => socket.close(code, reason).await,
            None => Ok(()),
        }
    }
    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<Option<News>> {
        loop {
            match &mut self.state {
                State::Idle => {
                    let connect = self.connect.clone();
                    self.state = State::Dialing(Box::pin(connect.traced()));
                }
                State::Dialing(dialing) => {
                    let news = match ready!(dialing.as_mut().poll(cx)) {
                        Ok((socket, trace)) => {
                            self.policy.connected(now());
                            self.state = State::Open(Box::new(socket));
                            News::Connected(trace)
                        }
                        Err(error) => {
                            self.state = State::Lost(self.policy.failed(&error, now()));
                            News::Failed(error)
                        }
                    };
                    return Poll::Ready(Some(news));
                }
                State::Open(socket) => {
                    let ended = match ready!(socket.receive(cx)) {
                        Some(Ok(message)) => return Poll::Ready(Some(News::Message(message))),
                        Some(Err(error)) => Some(error),
                        None => None,
                    };
                    // Most codes are an error too, and say more than it does.
                    let (next, news) = match (socket.closed(), ended) {
                        (None, Some(error)) => (self.policy.broke(now()), News::Broke(error)),
                        (closed, _) => {
                            let code = closed.as_ref().map_or(CloseCode::NO_STATUS, |it| it.code);
                            (self.policy.closed(code, now()), News::Closed(closed))
                        }
                    };
                    self.state = State::Lost(next);
                    return Poll::Ready(Some(news));
                }
                State::Lost(next) => {
                    let news = match *next {
                        Next::At(at) => {
                            let wait = at.saturating_duration_since(now());
                            self.state = State::Waiting(timer(at));
                            Some(News::Waiting(wait))
                        }
                        Next::Done => {
                            self.state = State::Over;
                            None
                        }
                        Next::GiveUp => {
                            self.state = State::Over;
                            Some(News::GaveUp)
                        }
                    };
                    return Poll::Ready(news);
                }
                State::Waiting(timer) => {
                    ready!(timer.as_mut().poll(cx));
                    self.state = State::Idle;
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }
}

fn timer(at: Instant) -> Pin<Box<Sleep>> {
    Box::pin(sleep_until(at.into()))
}

impl Stream for Reconnecting {
    type Item = News;
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<News>> {
        self.get_mut().advance(cx)
    }
}

/// There is no connection at the moment.
#[derive(Debug, thiserror::Error)]
#[error("there is no connection at the moment")]
#[non_exhaustive]
pub struct NotConnected;
