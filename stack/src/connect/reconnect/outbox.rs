//! The messages of other tasks, on their way to the task that reads a WebSocket which connects
//! again.

use crate::connect::WebSocket;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use wirestack_layer::{Error, origin};
use wirestack_websocket::{CloseFrame, Message};

/// The state that the handles of a WebSocket and its reader share.
#[derive(Default)]
pub(super) struct Outbox(Mutex<State>);

#[derive(Default)]
struct State {
    link: Link,
    /// Messages that no connection has taken.
    messages: VecDeque<Message>,
    /// The number of messages that may wait while there is no connection.
    limit: usize,
    /// The Close frame to end with.
    close: Option<CloseFrame>,
    /// The numbers of messages that were accepted, that a connection has taken, and that have left.
    accepted: u64,
    taken: u64,
    left: u64,
    /// The number of connections that were lost, and of messages that had left before the last loss.
    lost: u64,
    left_before_loss: u64,
    next_id: u64,
    /// The waker of the reader.
    reader: Option<Waker>,
    /// The wakers of those who wait, by their numbers.
    waiting: HashMap<u64, Waker>,
}

#[derive(Default)]
enum Link {
    #[default]
    Down,
    Up,
    /// There will be no further connection; the closing failed with this error.
    Over(Option<Error>),
}

/// A message that was accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    number: u64,
    lost_before: u64,
}

impl Outbox {
    // --- for handles ---

    /// Returns the number of one who waits.
    pub(super) fn join(&self) -> u64 {
        let mut state = self.lock();
        state.next_id += 1;
        state.next_id
    }

    /// Forgets one who waits.
    pub(super) fn leave(&self, id: u64) {
        self.lock().waiting.remove(&id);
    }

    /// Accepts a message as soon as there is room.
    pub(super) fn poll_accept(
        &self,
        id: u64,
        message: &mut Option<Message>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Ticket, Error>> {
        let mut state = self.lock();
        if let Err(error) = state.may_send() {
            return Poll::Ready(Err(error));
        }
        if state.messages.len() >= state.limit.max(1) {
            state.waiting.insert(id, cx.waker().clone());
            return Poll::Pending;
        }
        let ticket = state.push(message.take());
        wake(state);
        Poll::Ready(Ok(ticket))
    }

    /// Waits until a message has left, or is safe in the queue.
    pub(super) fn poll_left(
        &self,
        id: u64,
        ticket: Ticket,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        let mut state = self.lock();
        let losses = state.lost - ticket.lost_before;
        let has_left = match losses {
            0 => state.left >= ticket.number,
            1 => state.left_before_loss >= ticket.number,
            _ => false, // nobody knows any more
        };
        if state.limit > 0 || has_left {
            return Poll::Ready(Ok(()));
        }
        if losses > 0 || matches!(state.link, Link::Over(_)) {
            return Poll::Ready(Err(not_connected()));
        }
        state.waiting.insert(id, cx.waker().clone());
        Poll::Pending
    }

    /// Asks for the end, with this frame. The first one that asks decides.
    pub(super) fn close(&self, frame: CloseFrame) {
        let mut state = self.lock();
        state.close.get_or_insert(frame);
        wake(state);
    }

    /// Waits for the end.
    pub(super) fn poll_over(&self, id: u64, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut state = self.lock();
        if let Link::Over(error) = &state.link {
            return Poll::Ready(error.clone().map_or(Ok(()), Err));
        }
        state.waiting.insert(id, cx.waker().clone());
        Poll::Pending
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.lock().link, Link::Up)
    }

    // --- for the reader ---

    pub(super) fn set_limit(&self, limit: usize) {
        self.lock().limit = limit;
    }

    /// Accepts a message of the reader itself, which cannot wait for room.
    pub(super) fn queue(&self, message: Message) -> Result<(), Error> {
        let mut state = self.lock();
        state.may_send()?;
        if state.messages.len() >= state.limit {
            return Err(Error::local(origin::RECONNECT, QueueFull));
        }
        state.push(Some(message));
        Ok(())
    }

    /// Wakes this task when there is something for the reader.
    pub(super) fn register_reader(&self, cx: &Context<'_>) {
        self.lock().reader = Some(cx.waker().clone());
    }

    /// Takes the next message for a connection.
    fn take(&self) -> Option<Message> {
        let mut state = self.lock();
        let message = state.messages.pop_front()?;
        state.taken += 1;
        wake_waiting(state); // there is room
        Some(message)
    }

    /// Passes messages on to a connection. Ready when none is left, or when it takes no more for
    /// good.
    pub(super) fn poll_pass_on(&self, socket: &mut WebSocket, cx: &mut Context<'_>) -> Poll<()> {
        while !self.is_empty() && ready!(socket.poll_send_ready(cx)).is_ok() {
            if let Some(message) = self.take() {
                socket.push_message(message);
            }
        }
        Poll::Ready(())
    }

    /// Passes messages on to a connection, as far as it has room.
    pub(super) fn pass_on(&self, socket: &mut WebSocket, cx: &mut Context<'_>) {
        let _ = self.poll_pass_on(socket, cx);
        self.note_left(socket, cx);
    }

    /// Notes if the messages that a connection took have left. It drives the connection.
    pub(super) fn note_left(&self, socket: &mut WebSocket, cx: &mut Context<'_>) {
        if self.waits_to_leave() && matches!(socket.flush(cx), Poll::Ready(Ok(()))) {
            self.all_left();
        }
    }

    /// Returns `true` if a connection has taken messages that may not have left.
    fn waits_to_leave(&self) -> bool {
        let state = self.lock();
        state.left != state.taken
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().messages.is_empty()
    }

    /// Notes that all messages that a connection took have left.
    pub(super) fn all_left(&self) {
        let mut state = self.lock();
        if state.left != state.taken {
            state.left = state.taken;
            wake_waiting(state);
        }
    }

    /// Returns the Close frame to end with, if somebody asked for the end.
    pub(super) fn closing(&self) -> Option<CloseFrame> {
        self.lock().close.clone()
    }

    pub(super) fn up(&self) {
        let mut state = self.lock();
        state.link = Link::Up;
        wake_waiting(state);
    }

    /// Notes that the connection is lost. Without a queue, no message waits for the next one.
    pub(super) fn down(&self) {
        let mut state = self.lock();
        state.link = Link::Down;
        state.lost += 1;
        if state.limit == 0 {
            state.taken += state.messages.len() as u64;
            state.messages.clear();
        }
        state.left_before_loss = state.left;
        state.left = state.taken;
        wake_waiting(state);
    }

    pub(super) fn over(&self, error: Option<Error>) {
        let mut state = self.lock();
        if !matches!(state.link, Link::Over(_)) {
            // Without a queue, those who sent them are told.
            let lost = state.messages.len().min(state.limit);
            let lost = (lost > 0).then(|| Error::local(origin::RECONNECT, Lost(lost)));
            state.link = Link::Over(error.or(lost));
            state.messages.clear();
        }
        wake_waiting(state);
    }

    /// Returns the error of the closing, if it has failed.
    pub(super) fn outcome(&self) -> Result<(), Error> {
        match &self.lock().link {
            Link::Over(Some(error)) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn may_send(&self) -> Result<(), Error> {
        let is_waiting_allowed = self.limit > 0;
        match self.link {
            Link::Over(_) => Err(Error::local(origin::RECONNECT, Over)),
            _ if self.close.is_some() => Err(Error::local(origin::RECONNECT, Over)),
            Link::Down if !is_waiting_allowed => Err(not_connected()),
            _ => Ok(()),
        }
    }

    fn push(&mut self, message: Option<Message>) -> Ticket {
        self.accepted += u64::from(message.is_some());
        self.messages.extend(message);
        Ticket {
            number: self.accepted,
            lost_before: self.lost,
        }
    }
}

/// Wakes the reader, outside of the lock.
fn wake(mut state: MutexGuard<'_, State>) {
    let reader = state.reader.take();
    drop(state);
    if let Some(reader) = reader {
        reader.wake();
    }
}

/// Wakes all who wait, outside of the lock.
fn wake_waiting(mut state: MutexGuard<'_, State>) {
    let waiting: Vec<_> = state.waiting.drain().map(|(_, waker)| waker).collect();
    drop(state);
    waiting.into_iter().for_each(Waker::wake);
}

fn not_connected() -> Error {
    Error::local(origin::RECONNECT, NotConnected)
}

/// The cause of an error: a message was sent while no connection was open, or the connection was
/// lost before the message had left.
///
/// ```
/// use wirestack::dial::Backoff;
/// use wirestack::{NotConnected, connect};
///
/// async fn say(url: &str) {
///     let socket = connect(url).reconnecting(Backoff::default()); // without a queue
///     let error = socket.handle().send("hello").await.unwrap_err();
///     assert!(error.cause::<NotConnected>().is_some());
/// }
/// ```
#[derive(thiserror::Error)]
#[error("there is no connection at the moment")]
#[non_exhaustive]
pub struct NotConnected;

/// Shows the same as `Display`: it is what `main` prints.
impl fmt::Debug for NotConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The cause of an error: too many messages wait for a connection.
///
/// ```
/// use wirestack::{Error, QueueFull};
///
/// /// Returns `true` if a message may be sent once more, later.
/// fn is_full(error: &Error) -> bool {
///     error.cause::<QueueFull>().is_some()
/// }
/// ```
#[derive(thiserror::Error)]
#[error("too many messages wait for a connection: the queue is full")]
#[non_exhaustive]
pub struct QueueFull;

/// Shows the same as `Display`: it is what `main` prints.
impl fmt::Debug for QueueFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// So many messages of the queue were accepted, and have not left.
#[derive(Debug, thiserror::Error)]
#[error("the WebSocket has ended, and {0} of the messages that it had accepted have not left")]
struct Lost(usize);

/// A message was sent to a WebSocket that will not connect again.
#[derive(Debug, thiserror::Error)]
#[error("the WebSocket has ended and does not connect again")]
struct Over;
