use crate::names::method;
use crate::{PasswordError, Socks4Error, Version};
use alloc::boxed::Box;
use core::fmt;
use zeroize::Zeroize;

/// The version that a client speaks, and its authentication in that version.
#[derive(Debug)]
pub(crate) enum Login {
    /// A user id.
    Socks4(UserId),
    /// A password, or nothing.
    Socks5(Option<Credentials>),
}

impl Login {
    pub(crate) fn version(&self) -> Version {
        match self {
            Self::Socks4(_) => Version::Socks4,
            Self::Socks5(_) => Version::Socks5,
        }
    }

    pub(crate) fn has_password(&self) -> bool {
        matches!(self, Self::Socks5(Some(_)))
    }
}

/// A user id of at most 255 bytes without NUL.
pub(crate) struct UserId(pub(crate) Box<[u8]>);

impl Drop for UserId {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl UserId {
    pub(crate) fn new(user: &[u8]) -> Result<Self, Socks4Error> {
        if user.contains(&0) {
            return Err(Socks4Error::UserIdNul);
        }
        match user.len() {
            0..=255 => Ok(Self(user.into())),
            length => Err(Socks4Error::UserIdLength(length)),
        }
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserId(..)")
    }
}

/// A user name and a password, each of at most 255 bytes. They are dropped once they are sent, and
/// cleared from memory.
pub(crate) struct Credentials {
    pub(crate) user: Box<[u8]>,
    pub(crate) password: Box<[u8]>,
}

impl Drop for Credentials {
    fn drop(&mut self) {
        self.user.zeroize();
        self.password.zeroize();
    }
}

impl Credentials {
    pub(crate) fn new(user: &[u8], password: &[u8]) -> Result<Self, PasswordError> {
        // RFC 1929 §2 wants 1 to 255 bytes. Some proxies have users without a password, or look at
        // the password alone, so an empty one is sent.
        if user.len() > 255 {
            return Err(PasswordError::UserLength(user.len()));
        }
        if password.len() > 255 {
            return Err(PasswordError::PasswordLength);
        }
        Ok(Self {
            user: user.into(),
            password: password.into(),
        })
    }

    /// Returns the methods that a client offers: with credentials, or without.
    pub(crate) fn methods(credentials: Option<&Self>) -> &'static [u8] {
        match credentials {
            Some(_) => &[method::PASSWORD, method::NO_AUTHENTICATION],
            None => &[method::NO_AUTHENTICATION],
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}
