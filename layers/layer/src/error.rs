use crate::escaped::Escaped;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::any::Any;
use core::error::Error as StdError;
use core::fmt;

/// A boxed error of any type.
///
/// ```
/// use wirestack_layer::{BoxError, Error};
///
/// /// Any error, or a text, is the cause of an error of a layer.
/// fn failed(cause: impl Into<BoxError>) -> Error {
///     Error::peer("demo", cause)
/// }
/// assert_eq!(failed("no").to_string(), "demo: no");
/// assert_eq!(failed(std::fmt::Error).cause::<std::fmt::Error>(), Some(&std::fmt::Error));
/// ```
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// The error of a layer or of the code that drives it: the cause, the origin, the place in the
/// stack, and the side that is to blame.
///
/// There is one type for all layers. Each layer has its own `#[non_exhaustive]` enum of causes,
/// which [`cause`](Self::cause) gives back by type. An error carries no secrets. It shows as
/// `tls[1]: …`, which is the layer `tls`, the second one from the wire. `Debug` shows the same, so
/// that the error of a `main` can be read.
///
/// The text of an error contains the text of its cause, and the cause itself is the
/// [source](StdError::source). Show the error, or walk its sources to downcast them, but do not
/// print both.
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
///
/// ```
/// use std::num::ParseIntError;
/// use wirestack_layer::{Error, Place};
///
/// let cause = "12x".parse::<u16>().unwrap_err();
/// let error = Error::peer("framing", cause).at(Place::Layer(1));
/// assert_eq!((error.origin(), error.place()), ("framing", Place::Layer(1)));
/// assert!(error.cause::<ParseIntError>().is_some()); // to decide on
/// assert_eq!(error.to_string(), "framing[1]: invalid digit found in string"); // to show
/// ```
///
/// ```
/// use wirestack_layer::Error;
///
/// /// What the next connection must do otherwise.
/// #[derive(Debug, PartialEq)]
/// struct WithoutCompression;
///
/// let error = Error::peer("demo", "no compression here").retry_on_new_connection(WithoutCompression);
/// assert!(error.can_retry());
/// assert_eq!(error.retry_hint(), Some(&WithoutCompression));
/// ```
#[derive(Clone)]
pub struct Error {
    origin: &'static str,
    blame: Blame,
    place: Place,
    cause: Arc<dyn StdError + Send + Sync>,
    /// Boxed twice, so that each error is a word smaller: few have a hint.
    retry_hint: Option<Arc<Box<dyn Any + Send + Sync>>>,
}

/// The side that is to blame for an error.
///
/// ```
/// use wirestack_layer::{Blame, Error};
///
/// assert_eq!(Error::peer("tls", "a broken record").blame(), Blame::Peer);
/// assert_eq!(Error::local("tls", "no certificate").blame(), Blame::Local);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// This side: its settings, its application, its use of a layer.
    Local,
    /// The other side: it broke the protocol, refused, or went away.
    Peer,
}

/// The place in a stack where an error was raised.
///
/// ```
/// use wirestack_layer::{Error, Place};
///
/// let error = Error::peer("tls", "a broken record");
/// assert_eq!(error.place(), Place::Unknown);
/// assert_eq!(error.at(Place::Layer(2)).place(), Place::Layer(2)); // the third from below
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Not known yet: [`Flows::fail`](crate::Flows::fail) fills it in.
    Unknown,
    /// Below every layer: the socket, or another carrier of the bytes.
    Wire,
    /// In the layer with this index, counted from the wire up.
    Layer(usize),
    /// Above every layer: the application.
    App,
}

impl Error {
    /// Creates an error that the other side caused. A layer gives its [name](crate::Layer::name) as
    /// the origin.
    pub fn peer(origin: &'static str, cause: impl Into<BoxError>) -> Self {
        Self::new(origin, Blame::Peer, cause)
    }

    /// Creates an error that this side caused. A layer gives its [name](crate::Layer::name) as the
    /// origin.
    ///
    /// ```
    /// use wirestack_layer::{Blame, Error};
    ///
    /// let error = Error::local("demo", "the setting is not valid");
    /// assert_eq!(error.blame(), Blame::Local);
    /// ```
    pub fn local(origin: &'static str, cause: impl Into<BoxError>) -> Self {
        Self::new(origin, Blame::Local, cause)
    }

    fn new(origin: &'static str, blame: Blame, cause: impl Into<BoxError>) -> Self {
        Self {
            origin,
            blame,
            place: Place::Unknown,
            cause: cause.into().into(),
            retry_hint: None,
        }
    }

    /// Returns the name of the layer that raised the error, or of the part of the driver that did.
    /// The module [`origin`](crate::origin) lists the names that are not layers.
    pub fn origin(&self) -> &'static str {
        self.origin
    }

    /// Returns the side that is to blame.
    pub fn blame(&self) -> Blame {
        self.blame
    }

    /// Returns the place where the error was raised.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Returns the cause if it is a `T`, such as the cause enum of a layer.
    pub fn cause<T: StdError + 'static>(&self) -> Option<&T> {
        self.cause.downcast_ref()
    }

    /// Sets the place where the error was raised, unless it is known already.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        if self.place == Place::Unknown {
            self.place = place;
        }
        self
    }

    /// Marks the error as one that a new connection could avoid, and gives it a hint: the facts
    /// that the new connection needs.
    #[must_use]
    pub fn retry_on_new_connection(mut self, hint: impl Any + Send + Sync) -> Self {
        self.retry_hint = Some(Arc::new(Box::new(hint)));
        self
    }

    /// Returns `true` if a new connection could succeed where this one failed.
    pub fn can_retry(&self) -> bool {
        self.retry_hint.is_some()
    }

    /// Returns the hint for a new connection, if there is one and it is a `T`.
    pub fn retry_hint<T: Any>(&self) -> Option<&T> {
        (**self.retry_hint.as_ref()?).downcast_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A cause may repeat what a peer wrote.
        let cause = Escaped::new(&self.cause).at_most(CAUSE_SHOWN);
        match self.place {
            Place::Layer(n) => write!(f, "{}[{n}]: {cause}", self.origin),
            _ => write!(f, "{}: {cause}", self.origin),
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

/// The number of characters of a cause that are shown.
const CAUSE_SHOWN: usize = 2_000;
