//! Authentication to proxies, without I/O.
//!
//! An [`Authenticator`] is told what the proxy says and answers with what to do next. The
//! [`Dialer`](crate::Dialer) carries it from connection to connection; the driver
//! fetches what it needs from outside. [`Login`] knows Basic (RFC 7617) and Digest (RFC 7616); other
//! schemes are implementations of the same trait, set with [`Hop::authenticator`].
//!
//! [`Hop::authenticator`]: crate::Hop::authenticator

mod challenge;
mod client;
pub(crate) mod constant_time;
#[cfg(feature = "digest")]
pub(crate) mod digest;

pub use challenge::Challenge;
pub use client::Login;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use std::fmt;
use wirestack_layer::Error;

/// Answers the challenges of one HTTP proxy, over all connections that one dialling makes to it.
///
/// ```
/// use http::HeaderValue;
/// use wirestack_dial::auth::{Action, Authenticator, Input};
///
/// /// Sends the same token at once, and never another.
/// struct Bearer(HeaderValue);
///
/// impl Authenticator for Bearer {
///     fn step(&mut self, input: Input<'_>) -> Action {
///         match input {
///             Input::Start => Action::Send(Some(self.0.clone())),
///             Input::Accepted(_) => Action::Done,
///             _ => Action::GiveUp("the token was refused".into()),
///         }
///     }
/// }
/// ```
pub trait Authenticator: Send {
    /// Says what to do about what happened. Each input is answered once.
    fn step(&mut self, input: Input<'_>) -> Action;
    /// Does the work for which it asked with [`Action::RunBlocking`], on a thread that may wait.
    fn run_blocking(&mut self) {}
}

/// What an [`Authenticator`] is told.
#[derive(Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// A connection is about to carry its first request.
    Start,
    /// The proxy refused the request with a 407.
    Challenged {
        /// All the challenges.
        challenges: &'a [Challenge],
        /// Whether another request can follow on this connection. If not, what is to be sent next is
        /// sent on a new one.
        stays: bool,
    },
    /// The proxy accepted, with these fields, which may hold a proof of its own
    /// (`Proxy-Authentication-Info`).
    Accepted(&'a HeaderMap),
    /// The answer to [`Action::Ask`]; `None` if there is none.
    Credentials(Option<Credentials>),
    /// The answer to [`Action::Fetch`].
    Reply(Result<Bytes, Error>),
    /// [`Authenticator::run_blocking`] has run.
    Ran,
}

/// What an [`Authenticator`] wants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Send the request, with this `Proxy-Authorization` or without one: on this connection if it
    /// stays, else on a new one.
    Send(Option<HeaderValue>),
    /// Make a new connection, and [start](Input::Start) again.
    Reconnect,
    /// Ask the user, or whoever knows, for credentials.
    Ask {
        /// The scheme that they are for, as the proxy wrote it.
        scheme: String,
        /// The realm, which may be empty.
        realm: String,
        /// Whether those that were given before were refused.
        again: bool,
    },
    /// Send this to another server, such as a key distribution centre, and return its answer.
    Fetch {
        /// Where to send it.
        url: String,
        /// What to send.
        data: Bytes,
    },
    /// Call [`Authenticator::run_blocking`] on a thread that may wait.
    RunBlocking,
    /// All is well: use the tunnel.
    Done,
    /// It cannot be done, and this is why.
    GiveUp(String),
}

/// A user and a password. They show in no `Debug`, error or trace.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl Credentials {
    /// Puts them together.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            password: password.into(),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}
