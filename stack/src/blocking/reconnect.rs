//! A WebSocket that connects again, with calls that wait.

use super::Blocking;
use crate::connect::{ReconnectEvent, ReconnectHandle};
use crate::driver::runtime::Threads;
use wirestack_layer::Error;
use wirestack_websocket::{CloseCode, Message};

/// A WebSocket that connects again after its connection was lost, and whose calls wait.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::ReconnectEvent;
/// use wirestack::dial::Backoff;
///
/// let mut feed = wirestack::connect("wss://example.org/feed")
///     .reconnecting(Backoff::default())
///     .blocking();
/// while let Some(event) = feed.next()? {
///     match event {
///         ReconnectEvent::Connected(_) => feed.send("subscribe")?,
///         other => println!("{other}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub type Reconnecting = Blocking<crate::Reconnecting>;

impl crate::Reconnecting {
    /// Makes its calls wait in the calling thread. It runs on [`Threads`], unless another runtime
    /// was named.
    ///
    /// ```
    /// use wirestack::dial::Backoff;
    /// use wirestack::{ReconnectEvent, connect};
    ///
    /// fn listen(url: &str) -> Result<(), wirestack::Error> {
    ///     let mut socket = connect(url).reconnecting(Backoff::default()).blocking();
    ///     let mut handle = socket.handle(); // for other threads
    ///     while let Some(event) = socket.next()? {
    ///         match event {
    ///             ReconnectEvent::Connected(_) => socket.send("subscribe")?,
    ///             ReconnectEvent::Message(message) => println!("{message:?}"),
    ///             _ => {}
    ///         }
    ///     }
    ///     handle.close(1000, "done")
    /// }
    /// ```
    pub fn blocking(self) -> Reconnecting {
        Blocking::new(self.runtime_or(Threads::shared()), None)
    }
}

impl Reconnecting {
    /// Waits for the next event; `None` after the last one.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](super::TimedOut). The next call goes on.
    #[expect(
        clippy::should_implement_trait,
        reason = "events may follow a time-out"
    )]
    pub fn next(&mut self) -> Result<Option<ReconnectEvent>, Error> {
        self.wait(|feed| feed.next())
    }

    /// Sends a message, as [`Reconnecting::send`](crate::Reconnecting::send) does.
    ///
    /// # Errors
    ///
    /// The same, or [`TimedOut`](super::TimedOut).
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.wait(|feed| feed.send(message))?
    }

    /// Closes the WebSocket, and does not connect again.
    ///
    /// # Errors
    ///
    /// The error that ended the connection before, or [`TimedOut`](super::TimedOut).
    pub fn close(mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        self.wait(|feed| feed.close_here(code.into(), reason))?
    }

    /// Returns a handle for other threads, to send and to close.
    ///
    /// ```
    /// use wirestack::blocking::Reconnecting;
    ///
    /// /// Sends from another thread, while this one reads.
    /// fn greet(feed: &Reconnecting) -> std::thread::JoinHandle<Result<(), wirestack::Error>> {
    ///     let mut handle = feed.handle();
    ///     std::thread::spawn(move || handle.send("hello"))
    /// }
    /// ```
    pub fn handle(&self) -> Blocking<ReconnectHandle> {
        Blocking::new(self.get_ref().handle(), None)
    }
}

impl Blocking<ReconnectHandle> {
    /// Sends a message, as [`ReconnectHandle::send`] does.
    ///
    /// # Errors
    ///
    /// The same, or [`TimedOut`](super::TimedOut).
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.wait(|handle| handle.send(message))?
    }

    /// Closes the WebSocket, and does not connect again: see [`ReconnectHandle::close`].
    ///
    /// # Errors
    ///
    /// The same, or [`TimedOut`](super::TimedOut).
    pub fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        self.wait(|handle| handle.close(code, reason))?
    }
}

impl Clone for Blocking<ReconnectHandle> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.timeout)
    }
}
