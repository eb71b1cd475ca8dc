//! The handle of a WebSocket that connects again, for other tasks.

use super::outbox::Outbox;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use wirestack_layer::{Error, origin};
use wirestack_websocket::{CloseCode, CloseFrame, Message};

/// A handle to a [`Reconnecting`](super::Reconnecting) WebSocket, for other tasks:
/// [`Reconnecting::handle`](super::Reconnecting::handle) returns it. It is cheap to clone.
///
/// Its calls make progress while the WebSocket is read.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::connect;
/// use wirestack::dial::Backoff;
///
/// let mut feed = connect("wss://example.org/feed")
///     .reconnecting(Backoff::default())
///     .queue(100);
/// let handle = feed.handle();
/// wirestack::runtime::spawn(async move {
///     let _ = handle.send("from another task").await;
///     let _ = handle.close(1000, "done").await;
/// })?;
/// while let Some(event) = feed.next().await {
///     println!("{event}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ReconnectHandle {
    outbox: Arc<Outbox>,
}

impl ReconnectHandle {
    pub(super) fn new(outbox: Arc<Outbox>) -> Self {
        Self { outbox }
    }

    /// Sends a message.
    ///
    /// With a [queue](super::Reconnecting::queue), it waits until the queue has taken the message,
    /// also while no connection is open. Without one, it waits until the transport has taken it.
    ///
    /// A message is accepted as a whole or not at all: if the future is dropped while it waits for
    /// room, the message was not accepted.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](crate::NotConnected), without a queue, while no connection is open, and if
    /// the connection is lost before the message has left. The WebSocket has ended for good.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), Error> {
        let mut message = Some(message.into());
        let waiting = Waiting::new(&self.outbox);
        let ticket = poll_fn(|cx| self.outbox.poll_accept(waiting.id, &mut message, cx)).await?;
        poll_fn(|cx| self.outbox.poll_left(waiting.id, ticket, cx)).await
    }

    /// Closes the WebSocket with a code and a reason, and waits for the end, until which messages may
    /// still be received. Messages that were accepted leave first: while some wait in the queue, it
    /// goes on connecting, and then not again. To end at once, drop the WebSocket itself.
    ///
    /// # Errors
    ///
    /// The code or the reason may not be sent; the error that ended the connection instead; messages
    /// that the queue had accepted have not left.
    pub async fn close(&self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
        let frame = CloseFrame::new(code.into(), reason);
        let frame = frame.map_err(|cause| Error::local(origin::RECONNECT, cause))?;
        self.outbox.close(frame);
        let waiting = Waiting::new(&self.outbox);
        poll_fn(|cx| self.outbox.poll_over(waiting.id, cx)).await
    }

    /// Returns `true` while a connection is open.
    ///
    /// ```
    /// use wirestack::connect;
    /// use wirestack::dial::Backoff;
    ///
    /// let socket = connect("wss://example.org/").reconnecting(Backoff::default());
    /// assert!(!socket.handle().is_connected()); // `next` connects
    /// ```
    pub fn is_connected(&self) -> bool {
        self.outbox.is_up()
    }
}

impl fmt::Debug for ReconnectHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReconnectHandle")
            .field("is_connected", &self.is_connected())
            .finish_non_exhaustive()
    }
}

/// The place of a future that waits. Dropped with it.
struct Waiting<'a> {
    outbox: &'a Outbox,
    id: u64,
}

impl<'a> Waiting<'a> {
    fn new(outbox: &'a Outbox) -> Self {
        let id = outbox.join();
        Self { outbox, id }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.outbox.leave(self.id);
    }
}
