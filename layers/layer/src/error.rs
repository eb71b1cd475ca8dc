use alloc::boxed::Box;
use alloc::sync::Arc;
use core::any::Any;
use core::error::Error as StdError;
use core::fmt;

/// Any error, boxed.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why something failed, in which layer, at which place of its stack, and who is to blame.
///
/// One type for the whole family: each layer has its own `#[non_exhaustive]` enum of causes, which
/// [`cause`](Self::cause) gives back by type. An error carries no secrets. It shows as
/// `tls[1]: …`, which is the layer `tls`, second from the wire; `Debug` shows the same, so that an error
/// that `main` returns can be read.
///
/// The text of the cause is in it, and the cause itself is the [source](StdError::source): show the
/// error, or walk its sources to downcast them, but do not print both.
///
/// ```
/// use std::error::Error as _;
/// use std::num::ParseIntError;
/// use wirestack_layer::Error;
///
/// let error = Error::peer("numbers", "x".parse::<u8>().unwrap_err());
/// assert_eq!(error.to_string(), "numbers: invalid digit found in string");
/// assert!(error.source().unwrap().is::<ParseIntError>());
/// ```
#[derive(Clone)]
pub struct Error {
    layer: &'static str,
    blame: Blame,
    place: Place,
    cause: Arc<dyn StdError + Send + Sync>,
    new_connection: Option<Arc<NewConnection>>,
}

/// Who is to blame for an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// This side: its settings, its application, its use of a layer.
    Local,
    /// The other side: it broke the protocol, refused, or went away.
    Peer,
}

/// Where in a stack an error was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Not known yet: [`Flows::fail`](crate::Flows::fail) fills it in.
    Unknown,
    /// Below every layer: the socket or whatever carries the bytes.
    Wire,
    /// In the layer with this index, counted from the wire up.
    Layer(usize),
    /// Above every layer: the application.
    App,
}

impl Error {
    /// Creates an error that the other side caused.
    pub fn peer(layer: &'static str, cause: impl Into<BoxError>) -> Self {
        Self::new(layer, Blame::Peer, cause)
    }

    /// Creates an error that this side caused.
    pub fn local(layer: &'static str, cause: impl Into<BoxError>) -> Self {
        Self::new(layer, Blame::Local, cause)
    }

    fn new(layer: &'static str, blame: Blame, cause: impl Into<BoxError>) -> Self {
        Self {
            layer,
            blame,
            place: Place::Unknown,
            cause: cause.into().into(),
            new_connection: None,
        }
    }

    /// Returns the name of the layer that raised it.
    pub fn layer(&self) -> &'static str {
        self.layer
    }

    /// Returns who is to blame.
    pub fn blame(&self) -> Blame {
        self.blame
    }

    /// Returns where it was raised.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Returns the cause if it is a `T`, such as the cause enum of a layer.
    pub fn cause<T: StdError + 'static>(&self) -> Option<&T> {
        self.cause.downcast_ref()
    }

    /// Says where it was raised, unless that is known already.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        if self.place == Place::Unknown {
            self.place = place;
        }
        self
    }

    /// Says that a new connection could succeed where this one failed, and what was learnt for it.
    #[must_use]
    pub fn needs_new_connection(mut self, learnt: impl Any + Send + Sync) -> Self {
        let learnt = Box::new(learnt);
        self.new_connection = Some(Arc::new(NewConnection { learnt }));
        self
    }

    /// Returns what a new connection would need to know, if one could succeed.
    pub fn new_connection(&self) -> Option<&NewConnection> {
        self.new_connection.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Layer(n) => write!(f, "{}[{n}]: {}", self.layer, self.cause),
            _ => write!(f, "{}: {}", self.layer, self.cause),
        }
    }
}

/// Shows the same as `Display`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for Error {
    /// Returns the cause, such as the cause enum of a layer.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.cause)
    }
}

/// "This needs a new connection": the layer cannot go on with this one, but knows how a next one
/// could succeed. The reason is the [`Error`] that carries it.
pub struct NewConnection {
    learnt: Box<dyn Any + Send + Sync>,
}

impl NewConnection {
    /// Returns what the layer learnt, if it is a `T`.
    pub fn learnt<T: Any>(&self) -> Option<&T> {
        self.learnt.downcast_ref()
    }
}

impl fmt::Debug for NewConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewConnection(..)")
    }
}
