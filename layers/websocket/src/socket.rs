use crate::connection::Connection;
use crate::deflate::Deflate;
use crate::message::{Message, Part, Payload};
use crate::upgrading::{Opened, Role, Upgrading};
use crate::{Control, NAME};
use http::{Response, StatusCode};
use std::any::{Any, TypeId};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use wirestack_layer::{Flows, Instant, Layer, Pipe, Progress, Queue};

/// One side of a WebSocket: a [`Client`](crate::Client) or a [`Server`](crate::Server).
///
/// Its application sends and receives [`Message`]s, [`Part`]s of them after [`parts`](Self::parts),
/// or bytes after [`tunnel`](Self::tunnel). Pings and closing are methods of [`Control`]. How it
/// ends and fails is described at the [crate root](crate#ends).
///
/// ```
/// use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe, Queue};
/// use wirestack_websocket::{Part, Server, WebSocketConfig};
///
/// // One large message in two parts, of which the first may leave at once.
/// let mut server = Server::established(WebSocketConfig::default()).parts();
/// let [mut from_wire, mut to_wire] = <[Pipe; 2]>::default();
/// let [mut from_app, mut to_app] = <[Queue<Part>; 2]>::default();
/// from_app.push(Part::more("Hel"));
/// from_app.push(Part::last("lo"));
/// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// server.process(flows, Instant::ORIGIN);
/// assert_eq!(to_wire.unread(), b"\x01\x03Hel\x80\x02lo");
/// ```
///
/// A server waits for the decision of its application:
///
/// ```
/// use http::StatusCode;
/// use wirestack_layer::{Error, Flows, Instant, Layer, Pipe, Queue};
/// use wirestack_websocket::{Accept, Message, Origins, Server, WebSocketConfig};
///
/// let server = Server::new(WebSocketConfig::default()).with_origins(Origins::any());
/// let mut server = server.with_payload::<Queue<Message>>(); // messages, as it is by default
/// let [mut from_wire, mut to_wire] = <[Pipe; 2]>::default();
/// let [mut from_app, mut to_app] = <[Queue<Message>; 2]>::default();
/// from_wire.write(
///     b"GET /chat HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
///       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
/// );
/// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// server.process(flows, Instant::ORIGIN);
///
/// assert!(server.other_request().is_none()); // it is for a WebSocket
/// server.request_extensions_mut().expect("a request").insert("for the handler");
/// let is_known = server.request().is_some_and(|offer| offer.uri().path() == "/chat");
/// if is_known {
///     server.accept(Accept::new())?;
/// } else {
///     let mut response = http::Response::new("no such room\n".into());
///     *response.status_mut() = StatusCode::NOT_FOUND;
///     server.reject(response)?;
/// }
/// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// server.process(flows, Instant::ORIGIN);
/// assert!(server.is_open());
/// # Ok::<(), Error>(())
/// ```
pub struct Socket<R: Role, F = Queue<Message>> {
    stage: Stage<R>,
    connection: Connection,
    payload: PhantomData<fn(F) -> F>,
}

enum Stage<R: Role> {
    Upgrading(Box<Upgrading<R>>),
    Open {
        status: Option<StatusCode>,
        response: Option<Box<Response<()>>>,
    },
    Failed,
}

impl<R: Role> Socket<R> {
    pub(crate) fn upgrade(upgrading: Upgrading<R>, connection: Connection) -> Self {
        let stage = Stage::Upgrading(Box::new(upgrading));
        Self::with(stage, connection)
    }

    pub(crate) fn open(
        opened: Opened,
        mut connection: Connection,
        deflate: Option<&Deflate>,
    ) -> Self {
        connection.set_negotiated(opened.negotiated, deflate);
        let Opened {
            status, response, ..
        } = opened;
        Self::with(Stage::Open { status, response }, connection)
    }

    /// Makes it carry parts of messages, which are sent and received before the message is whole.
    pub fn parts(self) -> Socket<R, Queue<Part>> {
        self.with_payload()
    }

    /// Makes it carry bytes, in binary messages of any length. A text message from the peer is then
    /// an error. There is no half-close: an application that finishes closes both directions (see
    /// [`carries_half_close`](Layer::carries_half_close)).
    ///
    /// ```
    /// use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe};
    /// use wirestack_websocket::{Server, WebSocketConfig};
    ///
    /// let mut server = Server::established(WebSocketConfig::default()).tunnel();
    /// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    /// from_app.write(b"bytes");
    /// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    /// server.process(flows, Instant::ORIGIN);
    /// assert_eq!(to_wire.unread(), b"\x82\x05bytes"); // a binary message
    /// ```
    pub fn tunnel(self) -> Socket<R, Pipe> {
        self.with_payload()
    }

    /// Makes it carry messages, parts or bytes: the type `F`.
    pub fn with_payload<F: Payload>(self) -> Socket<R, F> {
        Socket::with(self.stage, self.connection)
    }
}

impl<R: Role, F> Socket<R, F> {
    fn with(stage: Stage<R>, connection: Connection) -> Self {
        Self {
            stage,
            connection,
            payload: PhantomData,
        }
    }

    /// Returns the handshake, while it lasts.
    pub(crate) fn upgrading(&self) -> Option<&Upgrading<R>> {
        match &self.stage {
            Stage::Upgrading(upgrading) => Some(upgrading),
            _ => None,
        }
    }

    /// Returns the handshake, while it lasts, to decide.
    pub(crate) fn upgrading_mut(&mut self) -> Option<&mut Upgrading<R>> {
        match &mut self.stage {
            Stage::Upgrading(upgrading) => Some(upgrading),
            _ => None,
        }
    }

    /// Goes on with the handshake, without `now` only while it needs no time. Returns `false` if
    /// there is something to do that needs time.
    fn shake_hands(&mut self, p: &mut Flows<'_, F, F>, now: Option<Instant>) -> bool
    where
        F: Payload,
    {
        if let Stage::Upgrading(upgrading) = &mut self.stage {
            match R::advance(upgrading, p, now) {
                Ok(Some(opened)) => {
                    let deflate = upgrading.deflate.as_ref();
                    self.connection.set_negotiated(opened.negotiated, deflate);
                    self.stage = Stage::Open {
                        status: opened.status,
                        response: opened.response,
                    };
                    return true;
                }
                Ok(None) => return now.is_some() || !upgrading.needs_time,
                Err(error) => {
                    self.stage = Stage::Failed;
                    p.fail(error);
                }
            }
        }
        p.discard();
        true
    }

    /// Returns the response to the handshake, if it was received on this side.
    pub(crate) fn handshake_response(&self) -> Option<&Response<()>> {
        match &self.stage {
            Stage::Open { response, .. } => response.as_deref(),
            _ => None,
        }
    }
}

impl<R: Role, F> Deref for Socket<R, F> {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.connection.control
    }
}

impl<R: Role, F> DerefMut for Socket<R, F> {
    fn deref_mut(&mut self) -> &mut Control {
        &mut self.connection.control
    }
}

impl<R: Role, F: Payload> Layer for Socket<R, F> {
    type In = F;
    type Out = F;

    fn name(&self) -> &'static str {
        NAME
    }

    fn process(&mut self, mut p: Flows<'_, F, F>, now: Instant) {
        p.propagate_stop();
        if self.is_open() || (self.shake_hands(&mut p, Some(now)) && self.is_open()) {
            self.connection.process(p, now);
        }
    }

    fn process_untimed(&mut self, mut p: Flows<'_, F, F>) -> bool {
        p.propagate_stop();
        if self.is_open() {
            return self.connection.process_untimed(p);
        }
        let is_done = self.shake_hands(&mut p, None);
        is_done && (!self.is_open() || self.connection.process_untimed(p))
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Open { .. } => self.connection.deadline(),
            Stage::Upgrading(upgrading) => upgrading.upgrade.deadline(),
            Stage::Failed => None,
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open { .. })
    }

    #[inline]
    fn is_flushed(&self) -> bool {
        self.connection.is_flushed()
    }

    fn carries_half_close(&self) -> bool {
        false
    }

    fn progress(&self) -> Progress {
        match &self.stage {
            Stage::Upgrading(upgrading) => R::progress(upgrading),
            Stage::Open { .. } => self.connection.progress(),
            Stage::Failed => Progress::Over,
        }
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        if let Stage::Open {
            status: Some(status),
            ..
        } = &self.stage
        {
            f.write_str(status.as_str())?;
            comma = ", ";
        }
        if let Some(name) = self.subprotocol() {
            write!(f, "{comma}subprotocol {name}")?;
            comma = ", ";
        }
        if self.negotiated.compression.is_some() {
            write!(f, "{comma}compressed")?;
        }
        Ok(())
    }

    // The control is a part of its own, so that a search for it finds any role and any payload.

    fn find_part(&self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&dyn Any> {
        if wanted(TypeId::of::<Self>()) {
            return Some(self);
        }
        wanted(TypeId::of::<Control>()).then_some(&self.connection.control)
    }

    fn find_part_mut(&mut self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&mut dyn Any> {
        if wanted(TypeId::of::<Self>()) {
            return Some(self);
        }
        wanted(TypeId::of::<Control>()).then_some(&mut self.connection.control)
    }
}

impl<R: Role, F: Payload> fmt::Debug for Socket<R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}
