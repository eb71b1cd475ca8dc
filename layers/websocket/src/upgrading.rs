//! The opening handshake in HTTP/1.1, below the frames until it is done.

use crate::deflate::Deflate;
use crate::handshake::Negotiated;
use crate::message::Payload;
use crate::{NAME, WebSocketError};
use http::{Response, StatusCode};
use wirestack_layer::{End, Error, Flow, Flows, Instant, Layer, Pipe, Progress};

/// The role of one side of a WebSocket, as a type: [`ClientRole`](crate::ClientRole) or
/// [`ServerRole`](crate::ServerRole).
///
/// It is sealed.
///
/// ```
/// use wirestack_layer::{Layer, Queue};
/// use wirestack_websocket::{Message, Role, Socket};
///
/// /// Says how far a WebSocket has come, on either side.
/// fn show<R: Role>(socket: &Socket<R>) -> String
/// where
///     Socket<R>: Layer<In = Queue<Message>>,
/// {
///     socket.progress().to_string()
/// }
/// ```
pub trait Role: Handshake {}

/// One side's part in the opening handshake: the only thing in which the roles differ.
#[expect(unnameable_types, reason = "this is what seals `Role`")]
pub trait Handshake: Send + Sized + 'static {
    /// The HTTP/1.1 upgrade of this role.
    type Upgrade: Layer<In = Pipe, Out = Pipe> + Send + 'static;

    /// Advances as far as possible, without `now` only while it needs no time. Returns the outcome
    /// once the handshake has succeeded.
    fn advance<F: Payload>(
        upgrading: &mut Upgrading<Self>,
        p: &mut Flows<'_, F, F>,
        now: Option<Instant>,
    ) -> Result<Option<Opened>, Error>;

    /// Returns the event that the handshake waits for.
    fn progress(upgrading: &Upgrading<Self>) -> Progress;
}

/// A handshake that is not done yet: the upgrade, and the pipes between it and the frames.
///
/// It is driven here instead of being nested, because its outcome has to be checked before the
/// application is heard, and because it is gone once the WebSocket is open.
#[derive(Debug)]
#[expect(unnameable_types, reason = "only `Handshake` names it")]
pub struct Upgrading<R: Handshake> {
    pub(crate) role: R,
    pub(crate) upgrade: R::Upgrade,
    pub(crate) deflate: Option<Deflate>,
    /// It goes on only with a look at the time.
    pub(crate) needs_time: bool,
    up: Pipe,
    down: Pipe,
}

/// The outcome of a handshake that has succeeded.
#[derive(Debug, Default)]
#[expect(unnameable_types, reason = "only `Handshake` names it")]
pub struct Opened {
    pub(crate) status: Option<StatusCode>,
    /// The response that a client received.
    pub(crate) response: Option<Box<Response<()>>>,
    pub(crate) negotiated: Negotiated,
}

impl<R: Handshake> Upgrading<R> {
    pub(crate) fn new(role: R, upgrade: R::Upgrade, deflate: Option<Deflate>) -> Self {
        Self {
            role,
            upgrade,
            deflate,
            needs_time: false,
            up: Pipe::new(),
            down: Pipe::new(),
        }
    }

    /// Advances the upgrade as far as possible, without `now` only while it needs no time. Returns
    /// `true` once it is open: the next bytes on the wire are those behind it.
    pub(crate) fn process<F: Payload>(
        &mut self,
        p: &mut Flows<'_, F, F>,
        now: Option<Instant>,
    ) -> Result<bool, Error> {
        let flows = Flows::new(p.from_wire, p.to_wire, &mut self.down, &mut self.up);
        let flows = flows.at_index(p.index);
        match now {
            Some(now) => self.upgrade.process(flows, now),
            None => self.needs_time = !self.upgrade.process_untimed(flows),
        }
        if now.is_none() && self.needs_time {
            return Ok(false);
        }
        if self.upgrade.is_open() {
            self.up.prepend_to(p.from_wire);
            return Ok(true);
        }
        if let Some(error) = self.up.truncation(NAME, WebSocketError::Cut) {
            return Err(error);
        }
        match p.from_app.closed() {
            Some(End::Aborted(error)) => {
                p.to_wire.abort(error.clone());
                Err(error.clone())
            }
            _ => Ok(false),
        }
    }
}
