//! The state of a server, and the checks of its clients.

use crate::Reply;
use crate::asked::Asked;
use crate::login::Credentials;
use crate::request::Commands;
use alloc::boxed::Box;
use core::fmt;

/// The state that the handshake and the application share.
pub(crate) enum State {
    /// The request has not arrived. The handshake takes the service when it begins.
    New(Option<Service>),
    /// The application has to decide on the user and the password.
    Login(PendingLogin),
    /// The application has to decide on the request, or has accepted it.
    Asked(Asked),
    /// The application has rejected the request.
    Rejected(Reply),
}

/// The commands that are served, and the checks of the clients.
pub(crate) struct Service {
    pub(crate) served: Commands,
    pub(crate) password: Option<PasswordCheck>,
    pub(crate) socks4: Option<UserCheck>,
}

/// The user and the password of a client, and the decision of the application on them.
pub(crate) struct PendingLogin {
    pub(crate) credentials: Credentials,
    pub(crate) is_right: Option<bool>,
}

/// The check of a user name and a password.
pub(crate) enum PasswordCheck {
    /// A function that gets them in this order.
    Now(PasswordFunction),
    /// The application, later.
    Later,
}

/// A function that gets a user name and a password.
type PasswordFunction = Box<dyn FnMut(&[u8], &[u8]) -> bool + Send>;

/// The check of a user id of SOCKS4.
pub(crate) type UserCheck = Box<dyn FnMut(&[u8]) -> bool + Send>;

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked(asked) => asked.fmt(f),
            _ => Ok(()),
        }
    }
}
