//! The authentication that an HTTP proxy demands.

#[cfg(feature = "digest")]
use super::digest::{DigestVerifier, Verified};
use crate::auth::Credentials;
#[cfg(feature = "digest")]
use http::header::PROXY_AUTHORIZATION;
use std::sync::Arc;
use wirestack_http::{Challenge, basic_challenge};
use wirestack_http1::connect;
use wirestack_layer::Instant;

/// The authentication that an HTTP proxy demands of its clients.
#[derive(Clone)]
pub(super) enum Login {
    None,
    Basic(Basic),
    Users(Users),
    #[cfg(feature = "digest")]
    Digest(DigestVerifier),
}

/// The user and the password that a client of an HTTP proxy must send.
#[derive(Clone)]
pub(super) struct Basic {
    pub(super) realm: String,
    pub(super) credentials: Credentials,
}

/// The function that knows the users of an HTTP proxy.
#[derive(Clone)]
pub(super) struct Users {
    pub(super) realm: String,
    pub(super) check: Arc<CheckUser>,
}

/// A function that gets a user and a password.
pub(super) type CheckUser = dyn Fn(&str, &str) -> bool + Send + Sync;

impl Login {
    /// Checks the credentials of a request. Returns the challenges for the reply if they are wrong.
    #[cfg_attr(not(feature = "digest"), expect(unused_variables))]
    pub(super) fn check(
        &self,
        request: &connect::ConnectRequest,
        now: Instant,
    ) -> Result<(), Vec<Challenge>> {
        match self {
            Self::None => Ok(()),
            Self::Basic(basic) if basic.matches(request.basic()) => Ok(()),
            Self::Basic(basic) => Err(vec![basic_challenge(&basic.realm)]),
            Self::Users(users) => match request.basic() {
                Some((user, password)) if (users.check)(&user, &password) => Ok(()),
                _ => Err(vec![basic_challenge(&users.realm)]),
            },
            #[cfg(feature = "digest")]
            Self::Digest(verifier) => {
                let shown = request.headers.get(PROXY_AUTHORIZATION);
                let verified = shown.map(|value| verifier.verify(value, &request.to_string(), now));
                match verified {
                    Some(Verified::Valid) => Ok(()),
                    Some(Verified::Stale) => Err(verifier.challenges(true, now)),
                    _ => Err(verifier.challenges(false, now)),
                }
            }
        }
    }
}

impl Basic {
    fn matches(&self, shown: Option<(String, String)>) -> bool {
        shown.is_some_and(|(user, password)| Credentials::new(user, password) == self.credentials)
    }
}
