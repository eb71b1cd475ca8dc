use crate::handshake::{Stop, take};
use crate::wire::{self, method};
use crate::{Address, Cause, NAME, Reply};
use std::any::{Any, TypeId};
use std::fmt;
use std::time::Instant;
use wirestack_layer::{Error, Flow, Layer, Pipe, Ports, Progress, found};

/// The proxy's side: hands the [`request`](Self::request) to its application and waits until it is
/// told to [`accept`](Self::accept) or to [`reject`](Self::reject).
///
/// Once the request is accepted, the layer is transparent: what the client sends is for the target.
/// Other commands than CONNECT are refused, as are malformed requests, each with its reply.
///
/// A server that fails "MUST terminate the TCP connection shortly after sending the reply", within
/// 10 seconds (RFC 1928 §6), so every failure finishes `to_wire` right behind its reply.
pub struct Server {
    state: State,
}

enum State {
    /// The client offers its methods, of which one will do: the password if there is a check.
    Greeting(Option<Check>),
    /// The method is chosen; the client sends its password.
    Password(Check),
    /// The client may go on, and says where it wants to go.
    Request,
    /// The application decides.
    Deciding { target: Address },
    /// The application has accepted; the reply is not written yet.
    Accepted { target: Address, bound: Address },
    /// The application has rejected; the reply is not written yet.
    Rejected(Reply),
    /// A tunnel, from what was bound to the target.
    Open { target: Address, bound: Address },
    /// The handshake failed.
    Over,
}

impl Server {
    /// Creates a server that asks for no authentication.
    pub fn new() -> Self {
        Self {
            state: State::Greeting(None),
        }
    }
    /// Creates a server that asks for a user name and a password (RFC 1929), in this order, and
    /// accepts those that `check` returns true for.
    ///
    /// `check` is called at most once, with 1 to 255 bytes each, and should take the same time
    /// whatever is wrong with them.
    pub fn with_password(check: impl FnMut(&[u8], &[u8]) -> bool + Send + 'static) -> Self {
        Self {
            state: State::Greeting(Some(Box::new(check))),
        }
    }
    /// Returns where the client wants to go, while the application has not decided.
    pub fn request(&self) -> Option<&Address> {
        match &self.state {
            State::Deciding { target } => Some(target),
            _ => None,
        }
    }
    /// Accepts the request, with the address that was bound for it.
    ///
    /// It does nothing unless there is a [`request`](Self::request).
    pub fn accept(&mut self, bound: Address) {
        if let State::Deciding { target } = &self.state {
            let target = target.clone();
            self.state = State::Accepted { target, bound };
        }
    }
    /// Rejects the request. [`Reply::Succeeded`] is no reason, and sent as a general failure.
    ///
    /// It does nothing unless there is a [`request`](Self::request).
    pub fn reject(&mut self, reply: Reply) {
        if let State::Deciding { .. } = self.state {
            self.state = State::Rejected(match reply.code() {
                0 => Reply::GeneralFailure,
                _ => reply,
            });
        }
    }

    /// Goes on with the handshake until it is done or has to stop.
    fn open(&mut self, ports: &mut Ports<'_>) -> Result<(), Stop> {
        loop {
            self.state = match &mut self.state {
                State::Open { .. } => return Ok(()),
                State::Over => return Err(Stop::Over),

                // No step is begun that could not be answered.
                _ if ports.to_wire.room() == 0 => return Err(Stop::Wait),

                State::Greeting(check) => {
                    let wanted = match check {
                        None => method::NO_AUTHENTICATION,
                        Some(_) => method::PASSWORD,
                    };
                    let offered = take(ports.from_wire, wire::GREETING, |fields| {
                        Ok(wire::parse_greeting(fields)?.contains(&wanted))
                    })?;
                    if !offered {
                        return Err(Cause::RequiredMethod { wanted }.into());
                    }
                    wire::emit_choice(ports.to_wire, wanted);
                    match check.take() {
                        None => State::Request,
                        Some(check) => State::Password(check),
                    }
                }
                State::Password(check) => {
                    let right = take(ports.from_wire, wire::PASSWORD, |fields| {
                        let (user, password) = wire::parse_password(fields)?;
                        Ok(check(user, password))
                    })?;
                    if !right {
                        return Err(Cause::WrongPassword.into());
                    }
                    wire::emit_status(ports.to_wire, true);
                    State::Request
                }
                State::Request => {
                    let target = take(ports.from_wire, wire::REQUEST, wire::parse_request)?;
                    State::Deciding { target }
                }
                State::Deciding { .. } => return Err(Stop::Wait),
                State::Accepted { target, bound } => {
                    wire::emit_reply(ports.to_wire, Reply::Succeeded, bound);
                    let (target, bound) = (target.clone(), bound.clone());
                    State::Open { target, bound }
                }
                State::Rejected(reply) => {
                    return Err(Stop::Fail(Error::local(NAME, Cause::Rejected(*reply))));
                }
            }
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Server");
        shown.field("progress", &self.progress());
        shown.finish_non_exhaustive()
    }
}

impl Layer for Server {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        NAME
    }
    fn process(&mut self, mut ports: Ports<'_>, _now: Instant) {
        match self.open(&mut ports) {
            Ok(()) => ports.tunnel(),
            Err(stop) => {
                if let Stop::Fail(error) = &stop {
                    report(error, ports.to_wire);
                }
                if stop.settle(&mut ports) {
                    self.state = State::Over;
                }
            }
        }
    }
    fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }
    fn is_transparent(&self) -> bool {
        self.is_open()
    }
    fn carries_half_close(&self) -> bool {
        true
    }
    fn progress(&self) -> Progress {
        match self.state {
            State::Greeting(_) => Progress::Opening(wire::GREETING),
            State::Password(_) => Progress::Opening(wire::PASSWORD),
            State::Request => Progress::Opening(wire::REQUEST),
            State::Deciding { .. } => Progress::Deciding(wire::REQUEST),
            State::Accepted { .. } | State::Rejected(_) => Progress::Opening("room for the reply"),
            State::Open { .. } => Progress::Open,
            State::Over => Progress::Over,
        }
    }
    fn facts(&self) -> String {
        match &self.state {
            State::Open { target, bound } => format!("connected to {target}, bound {bound}"),
            _ => String::new(),
        }
    }
    fn find(&mut self, part: TypeId, nth: &mut usize) -> Option<&mut dyn Any> {
        found(self, part, nth)
    }
}

/// Tells the client what went wrong, where the protocol has words for it.
fn report(error: &Error, to_wire: &mut Pipe) {
    let Some(cause) = error.cause() else { return };
    let reply = match cause {
        Cause::RequiredMethod { .. } => {
            return wire::emit_choice(to_wire, method::NONE_ACCEPTABLE);
        }
        Cause::EmptyPassword | Cause::WrongPassword => return wire::emit_status(to_wire, false),
        Cause::UnsupportedCommand(_) => Reply::CommandNotSupported,
        Cause::UnknownAddressType(_) => Reply::AddressTypeNotSupported,
        Cause::BadAddress(_) => Reply::GeneralFailure,
        Cause::Rejected(reply) => *reply,
        _ => return,
    };
    wire::emit_refusal(to_wire, reply);
}

/// Whether a user name and a password, in this order, are right.
type Check = Box<dyn FnMut(&[u8], &[u8]) -> bool + Send>;
