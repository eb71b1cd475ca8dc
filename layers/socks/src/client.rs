use crate::handshake::{Stop, take};
use crate::wire::{self, method};
use crate::{Address, Cause, NAME, PasswordError};
use std::any::{Any, TypeId};
use std::fmt;
use std::time::Instant;
use wirestack_layer::{Flow, Layer, Pipe, Ports, Progress, found};

/// The side that asks a proxy for a connection.
///
/// Once the proxy has made it, the layer is transparent. Nothing of the application is sent before.
#[derive(Debug)]
pub struct Client {
    target: Address,
    credentials: Option<Credentials>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing has been said.
    Start,
    /// The methods are offered; the proxy chooses one (RFC 1928 §3).
    Method,
    /// The password is sent; the proxy checks it (RFC 1929 §2).
    Password,
    /// The request is sent; the proxy connects (RFC 1928 §4 and §6).
    Request,
    /// A tunnel, from what the proxy has bound to the target.
    Open { bound: Address },
    /// The handshake failed.
    Over,
}

impl Client {
    /// Creates a client that asks for a connection to `target`, without authentication.
    ///
    /// ```
    /// use wirestack_socks::{Address, Client};
    ///
    /// let target = Address::new("example.org", 443)?;
    /// let client = Client::new(target).with_password("me", "secret")?;
    /// assert!(!format!("{client:?}").contains("secret"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(target: Address) -> Self {
        Self {
            target,
            credentials: None,
            state: State::Start,
        }
    }
    /// Offers a user name and a password too (RFC 1929), each of 1 to 255 bytes.
    ///
    /// They are sent only if the proxy asks for them, and in the clear, as the RFC has it. The
    /// proxy may still choose no authentication, as many do for addresses that they know; but the
    /// password is offered first, for those that take the first method that suits them and yet
    /// tell their users apart by name.
    ///
    /// # Errors
    ///
    /// [`PasswordError`] if one of them has another length.
    pub fn with_password(self, user: &str, password: &str) -> Result<Self, PasswordError> {
        let credentials = Some(Credentials::new(user, password)?);
        Ok(Self {
            credentials,
            ..self
        })
    }
    /// Returns what the proxy has bound for the connection, once it is open.
    pub fn bound(&self) -> Option<&Address> {
        match &self.state {
            State::Open { bound } => Some(bound),
            _ => None,
        }
    }

    /// Goes on with the handshake until it is done or has to stop.
    fn open(&mut self, ports: &mut Ports<'_>) -> Result<(), Stop> {
        loop {
            self.state = match self.state {
                State::Open { .. } => return Ok(()),
                State::Over => return Err(Stop::Over),

                // No step is begun that could not be answered.
                _ if ports.to_wire.room() == 0 => return Err(Stop::Wait),

                State::Start => {
                    wire::emit_greeting(ports.to_wire, self.methods());
                    State::Method
                }
                State::Method => {
                    let chosen = take(ports.from_wire, wire::CHOICE, wire::parse_choice)?;
                    let offered = self.methods();
                    match (chosen, self.credentials.take()) {
                        (method::NO_AUTHENTICATION, _) => self.request(ports),
                        (method::PASSWORD, Some(Credentials { user, password })) => {
                            wire::emit_password(ports.to_wire, &user, &password);
                            State::Password
                        }
                        (method::NONE_ACCEPTABLE, _) => {
                            return Err(Cause::MethodsRefused { offered }.into());
                        }
                        (other, _) => return Err(Cause::UnofferedMethod(other).into()),
                    }
                }
                State::Password => {
                    take(ports.from_wire, wire::STATUS, wire::parse_status)?;
                    self.request(ports)
                }
                State::Request => {
                    let bound = take(ports.from_wire, wire::REPLY, wire::parse_reply)?;
                    State::Open { bound }
                }
            }
        }
    }
    fn methods(&self) -> &'static [u8] {
        match self.credentials {
            None => &[method::NO_AUTHENTICATION],
            Some(_) => &[method::PASSWORD, method::NO_AUTHENTICATION],
        }
    }
    fn request(&self, ports: &mut Ports<'_>) -> State {
        wire::emit_request(ports.to_wire, &self.target);
        State::Request
    }
}

impl Layer for Client {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        NAME
    }
    fn process(&mut self, mut ports: Ports<'_>, _now: Instant) {
        match self.open(&mut ports) {
            Ok(()) => ports.tunnel(),
            Err(stop) => {
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
            State::Start | State::Method => Progress::Opening(wire::CHOICE),
            State::Password => Progress::Opening(wire::STATUS),
            State::Request => Progress::Opening(wire::REPLY),
            State::Open { .. } => Progress::Open,
            State::Over => Progress::Over,
        }
    }
    fn facts(&self) -> String {
        self.bound()
            .map_or_else(String::new, |bound| format!("bound {bound}"))
    }
    fn find(&mut self, part: TypeId, nth: &mut usize) -> Option<&mut dyn Any> {
        found(self, part, nth)
    }
}

/// A user name and a password, each of 1 to 255 bytes; forgotten once they are sent.
struct Credentials {
    user: Box<[u8]>,
    password: Box<[u8]>,
}

impl Credentials {
    fn new(user: &str, password: &str) -> Result<Self, PasswordError> {
        if !(1..=255).contains(&user.len()) {
            return Err(PasswordError::UserLength(user.len()));
        }
        if !(1..=255).contains(&password.len()) {
            return Err(PasswordError::PasswordLength);
        }
        Ok(Self {
            user: user.as_bytes().into(),
            password: password.as_bytes().into(),
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}
