//! A stack whose application side is messages, WebSockets among them.

use super::connection::Ended;
use super::{Connection, Socket};
use crate::role::{none, socket};
use crate::websocket::{self, CloseCode, Payload, PingToken};
use crate::{End, Engine, Error, Flow, Layer, Queue, Weigh};
use bytes::Bytes;
use std::time::Duration;

impl<S, L, I, O> Connection<S, L>
where
    S: Socket,
    L: Layer<In = Queue<I>, Out = Queue<O>>,
    I: Weigh,
    O: Weigh,
{
    /// Receives the next message; `None` is a clean end.
    ///
    /// # Errors
    ///
    /// What ended the stack, once, behind every message that came before it; or
    /// [`TimedOut`](super::TimedOut).
    #[expect(
        clippy::should_implement_trait,
        reason = "its time-out does not end it"
    )]
    pub fn next(&mut self) -> Option<Result<O, Error>> {
        match self.wait(|engine| received(engine.to_app())) {
            Ok(Received::Message(message)) => Some(Ok(message)),
            Ok(Received::End(End::Finished)) => None,
            Ok(Received::End(End::Aborted(error))) => self.tell_once().then_some(Err(error)),
            Err(error) => Some(Err(error)),
        }
    }
    /// Sends a message and waits until it has left. A message is accepted wholly or not at all.
    ///
    /// # Errors
    ///
    /// What ended the stack, or [`TimedOut`](super::TimedOut): it may have been accepted then, and
    /// leaves with a later call.
    pub fn send(&mut self, message: I) -> Result<(), Error> {
        self.feed(message)?;
        self.flushed()
    }
    /// Accepts a message as soon as there is room, without sending it yet; many leave together with
    /// [`flushed`](Self::flushed).
    ///
    /// # Errors
    ///
    /// What ended the stack, or [`TimedOut`](super::TimedOut): it was not accepted then.
    pub fn feed(&mut self, message: I) -> Result<(), Error> {
        self.wait(|engine| has_room(engine))??;
        self.engine().from_app().push(message);
        Ok(())
    }
    /// Waits until every accepted message has left.
    ///
    /// # Errors
    ///
    /// What ended the stack, or [`TimedOut`](super::TimedOut).
    pub fn flushed(&mut self) -> Result<(), Error> {
        self.left()
    }
}

/// What a reader of messages finds.
pub(super) enum Received<O> {
    Message(O),
    End(End),
}

pub(super) fn received<O: Weigh>(to_app: &mut Queue<O>) -> Option<Received<O>> {
    match to_app.pop() {
        Some(message) => Some(Received::Message(message)),
        None => to_app.end().cloned().map(Received::End),
    }
}

/// Whether a message can be accepted, if that is clear.
pub(super) fn has_room<L: Layer>(engine: &mut Engine<L>) -> Option<Result<(), Error>> {
    if let Some(End::Aborted(error)) = engine.to_app().closed() {
        return Some(Err(error.clone()));
    }
    if engine.from_app().is_closed() {
        return Some(Err(Error::local("connection", Closed)));
    }
    (engine.from_app().room() > 0).then_some(Ok(()))
}

/// The application had ended its side.
#[derive(Debug, thiserror::Error)]
#[error("this side was closed by the application")]
#[non_exhaustive]
pub struct Closed;

impl<S, L, F> Connection<S, L>
where
    S: Socket,
    L: Layer<In = F, Out = F>,
    F: Payload,
{
    /// Returns the subprotocol that was agreed on.
    pub fn subprotocol(&mut self) -> Option<String> {
        let socket = socket(self.engine())?;
        socket.subprotocol().map(str::to_owned)
    }
    /// Sends a ping of up to 125 bytes, and returns how long its answer took. Messages that come
    /// before the answer wait to be received.
    ///
    /// # Errors
    ///
    /// A payload that is too long, too many pings without an answer, what ended the stack, or
    /// [`TimedOut`](super::TimedOut).
    pub fn ping(&mut self, payload: impl Into<Bytes>) -> Result<Duration, Error> {
        let ping = begin_ping(self.engine(), payload.into())?;
        self.wait(|engine| answered(engine, ping))?
    }
    /// Returns how the WebSocket was closed, once it is.
    pub fn closed(&mut self) -> Option<websocket::Closed> {
        socket(self.engine())?.closed().cloned()
    }
    /// Closes with a code and a reason, and waits for the peer's Close. Messages that were accepted
    /// leave first; messages that still arrive are thrown away.
    ///
    /// # Errors
    ///
    /// A code or a reason that may not be sent, what ended the stack instead, or
    /// [`TimedOut`](super::TimedOut).
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        begin_close(self.engine(), code, reason)?;
        self.wait(|engine| closed(engine))??;
        self.left()
    }
}

pub(super) fn begin_ping<L, F>(engine: &mut Engine<L>, payload: Bytes) -> Result<PingToken, Error>
where
    L: Layer<In = F, Out = F>,
    F: Payload,
{
    socket(engine).ok_or_else(none)?.ping(payload)
}

pub(super) fn answered<L, F>(
    engine: &mut Engine<L>,
    ping: PingToken,
) -> Option<Result<Duration, Error>>
where
    L: Layer<In = F, Out = F>,
    F: Payload,
{
    if let Some(pong) = socket(engine).and_then(|socket| socket.pong_to(ping)) {
        return Some(Ok(pong.elapsed));
    }
    Some(Err(match engine.to_app().closed()? {
        End::Aborted(error) => error.clone(),
        End::Finished => Error::peer("connection", Ended),
    }))
}

pub(super) fn begin_close<L, F>(
    engine: &mut Engine<L>,
    code: CloseCode,
    reason: &str,
) -> Result<(), Error>
where
    L: Layer<In = F, Out = F>,
    F: Payload,
{
    socket(engine).ok_or_else(none)?.close(code, reason)?;
    engine.from_app().finish();
    Ok(())
}

pub(super) fn closed<L: Layer>(engine: &mut Engine<L>) -> Option<Result<(), Error>> {
    engine.to_app().discard();
    Some(match engine.to_app().closed()? {
        End::Finished => Ok(()),
        End::Aborted(error) => Err(error.clone()),
    })
}
