//! Authentication to proxies, without I/O.
//!
//! The HTTP layer of a proxy [awaits](Awaiting) a decision before each request and at the response
//! that opens the tunnel. An [`Authenticator`] gets it as its [`Input`] and answers with an [`Action`]. The
//! [`Dialer`](crate::Dialer) carries it from connection to connection; the driver fetches what it
//! needs from outside.
//!
//! [`Login`] is the authenticator of this project. It chooses between [schemes](Scheme): Basic (RFC
//! 7617), Digest (RFC 7616) and those that are added with [`Hop::scheme`]. An authenticator of the
//! caller's own takes the whole place of it: [`Hop::authenticator`].
//!
//! [`Hop::authenticator`]: crate::Hop::authenticator
//! [`Hop::scheme`]: crate::Hop::scheme

mod basic;
mod client;
#[cfg(feature = "digest")]
pub(crate) mod digest;
#[cfg(feature = "digest")]
pub(crate) mod digest_response;
#[cfg(feature = "ntlm")]
mod ntlm;
mod reasons;
mod scheme;

pub use client::Login;
#[cfg(feature = "ntlm")]
pub use ntlm::Ntlm;
pub(crate) use scheme::seeds;
pub use scheme::{CredentialKind, Scheme, SchemeAction, SchemeContext, SchemeInput};

#[doc(inline)]
pub use wirestack_http::{Awaiting, Challenge};

use bytes::Bytes;
use http::HeaderValue;
use std::fmt;
use wirestack_layer::{Error, constant_time_eq};
use zeroize::Zeroize;

/// Answers the challenges of one HTTP proxy, over all connections that one dialling makes to it.
///
/// ```
/// use http::HeaderValue;
/// use wirestack_dial::auth::{Action, Authenticator, Awaiting, Input};
///
/// /// Sends the same token at once, and never another.
/// struct Bearer(HeaderValue);
///
/// impl Authenticator for Bearer {
///     fn step(&mut self, input: Input<'_>) -> Action {
///         match input {
///             Input::Awaiting(Awaiting::Request) => Action::Authorize(Some(self.0.clone())),
///             Input::Awaiting(Awaiting::Response(_)) => Action::Authorize(None),
///             _ => Action::GiveUp("the token was refused".into()),
///         }
///     }
/// }
/// ```
///
/// One whose token comes from a file:
///
/// ```
/// use wirestack_dial::auth::{Action, Authenticator, Awaiting, Input};
///
/// /// Reads its token from a file, which may take time.
/// #[derive(Default)]
/// struct File(Option<http::HeaderValue>);
///
/// impl Authenticator for File {
///     fn step(&mut self, input: Input<'_>) -> Action {
///         match input {
///             Input::Awaiting(Awaiting::Request) if self.0.is_none() => Action::RunBlocking,
///             Input::Awaiting(Awaiting::Request) | Input::Ran => Action::Authorize(self.0.clone()),
///             Input::Awaiting(Awaiting::Response(_)) => Action::Authorize(None),
///             _ => Action::GiveUp("the token was refused".into()),
///         }
///     }
///
///     fn run_blocking(&mut self) {
///         let token = std::fs::read_to_string("/run/secrets/proxy").unwrap_or_default();
///         self.0 = format!("Bearer {}", token.trim()).parse().ok();
///     }
///
///     fn is_connection_bound(&self) -> bool {
///         false // the token is good on every connection
///     }
/// }
/// ```
pub trait Authenticator: Send {
    /// Decides what to do next. Each input is answered once.
    fn step(&mut self, input: Input<'_>) -> Action;

    /// Does the work for which it asked with [`Action::RunBlocking`], on a thread that may wait.
    fn run_blocking(&mut self) {}

    /// Returns `true` if the authorization that follows a challenge belongs to the connection of
    /// that challenge. If the connection ends before, the next one awaits the authorization of its
    /// [request](Awaiting::Request) instead.
    fn is_connection_bound(&self) -> bool {
        false
    }
}

/// The inputs of an [`Authenticator`].
///
/// ```
/// use wirestack_dial::auth::{Awaiting, Input};
///
/// /// Returns `true` if a proxy waits for credentials.
/// fn is_challenged(input: &Input<'_>) -> bool {
///     matches!(input, Input::Awaiting(Awaiting::Challenge { .. }))
/// }
/// assert!(!is_challenged(&Input::Ran));
/// ```
#[non_exhaustive]
pub enum Input<'a> {
    /// The layer awaits a decision.
    ///
    /// At a challenge whose connection is not reusable, the decision is for a new connection: with
    /// [`Action::Authorize`], that one begins with this authorization.
    Awaiting(&'a Awaiting),
    /// The answer to [`Action::Ask`]; `None` if there are no credentials.
    Credentials(Option<Credentials>),
    /// The answer to [`Action::Fetch`].
    Reply(Result<Bytes, Error>),
    /// [`Authenticator::run_blocking`] has run.
    Ran,
}

/// Shows no credentials and no reply: they are secrets.
impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Awaiting(awaiting) => f.debug_tuple("Awaiting").field(awaiting).finish(),
            Self::Credentials(given) => f.debug_tuple("Credentials").field(given).finish(),
            Self::Reply(Ok(bytes)) => write!(f, "Reply({} bytes)", bytes.len()),
            Self::Reply(Err(error)) => f.debug_tuple("Reply").field(error).finish(),
            Self::Ran => f.write_str("Ran"),
        }
    }
}

/// The decisions and wishes of an [`Authenticator`].
///
/// ```
/// use wirestack_dial::auth::Action;
///
/// let action = Action::GiveUp("the token was refused".into());
/// assert!(matches!(action, Action::GiveUp(why) if why.contains("token")));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Go on: send the request, with this `Proxy-Authorization` or without one, or open the tunnel.
    Authorize(Option<HeaderValue>),
    /// Make a new connection, which awaits the authorization of its [request](Awaiting::Request).
    Reconnect,
    /// Ask the user, or another source, for credentials.
    Ask {
        /// The scheme that they are for, as the proxy wrote it.
        scheme: String,
        /// The realm, which may be empty.
        realm: String,
        /// `true` if the proxy refused those that were given before.
        again: bool,
    },
    /// Send this to another server, such as a key distribution centre, and return its answer.
    Fetch {
        /// The URL to send it to.
        url: String,
        /// The bytes to send.
        data: Bytes,
    },
    /// Call [`Authenticator::run_blocking`] on a thread that may wait.
    RunBlocking,
    /// Fail, for this reason.
    GiveUp(String),
}

/// Shows no value that is sent to a proxy or to another server: they are secrets.
impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorize(None) => f.write_str("Authorize(None)"),
            Self::Authorize(Some(_)) => f.write_str("Authorize(Some(..))"),
            Self::Reconnect => f.write_str("Reconnect"),
            Self::Ask {
                scheme,
                realm,
                again,
            } => f
                .debug_struct("Ask")
                .field("scheme", scheme)
                .field("realm", realm)
                .field("again", again)
                .finish(),
            Self::Fetch { data, .. } => write!(f, "Fetch({} bytes)", data.len()),
            Self::RunBlocking => f.write_str("RunBlocking"),
            Self::GiveUp(why) => f.debug_tuple("GiveUp").field(why).finish(),
        }
    }
}

/// A user and a password, as bytes: in UTF-8, or in another encoding that the server wants.
///
/// They show in no `Debug`, error or trace. `==` takes a time that depends on their lengths alone,
/// and both are cleared from memory when they are dropped.
///
/// ```
/// use wirestack_dial::auth::Credentials;
///
/// let login = Credentials::new("ada", "secret");
/// assert_eq!(login.user, b"ada");
/// assert!(!format!("{login:?}").contains("secret"));
/// assert!(login == Credentials::new("ada", "secret")); // in constant time
/// ```
#[derive(Clone)]
pub struct Credentials {
    /// The user's name.
    pub user: Vec<u8>,
    /// The password.
    pub password: Vec<u8>,
}

impl Drop for Credentials {
    fn drop(&mut self) {
        self.user.zeroize();
        self.password.zeroize();
    }
}

impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        // `&` always compares both, so the time does not tell which one is wrong.
        constant_time_eq(&self.user, &other.user)
            & constant_time_eq(&self.password, &other.password)
    }
}

impl Eq for Credentials {}

impl Credentials {
    /// Creates credentials.
    pub fn new(user: impl Into<Vec<u8>>, password: impl Into<Vec<u8>>) -> Self {
        Self {
            user: user.into(),
            password: password.into(),
        }
    }

    /// Returns the user and the password as texts; `None` if one of them is not UTF-8.
    #[cfg(any(feature = "digest", feature = "ntlm"))]
    pub(crate) fn as_texts(&self) -> Option<(&str, &str)> {
        let user = str::from_utf8(&self.user).ok()?;
        Some((user, str::from_utf8(&self.password).ok()?))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}
