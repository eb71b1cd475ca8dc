//! The redirects of a server, and the rules that decide which are followed.

use crate::route::target::Target;

/// The redirects of a server (301, 302, 303, 307 and 308 with a `Location`) that are followed. A
/// redirect that is not followed is a refusal.
///
/// At most five are followed, and none from `wss` to `ws`. Another origin does not receive
/// `Authorization`, `Cookie` or any field whose value is marked as sensitive. It does receive the
/// subprotocols: where one of them is a token, allow the same origin only.
///
/// ```
/// use wirestack_dial::Redirects;
///
/// assert_eq!(Redirects::default(), Redirects::Off); // a browser follows none for a WebSocket
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redirects {
    /// No redirects.
    #[default]
    Off,
    /// Redirects with the same scheme, host and port.
    SameOrigin,
    /// All redirects.
    Any,
}

impl Redirects {
    /// Returns the target of a redirect, or `None` if no redirects are followed.
    pub(crate) fn resolve(
        self,
        from: &Target,
        location: &str,
    ) -> Option<Result<Target, RedirectError>> {
        if self == Self::Off {
            return None;
        }
        let to = from.redirected(location).ok();
        let Some(to) = to.filter(|to| to.must_be_websocket().is_ok()) else {
            return Some(Err(RedirectError::NotAWebSocket));
        };
        if from.is_secure() && !to.is_secure() {
            return Some(Err(RedirectError::Insecure));
        }
        if self == Self::SameOrigin && from.origin() != to.origin() {
            return Some(Err(RedirectError::OtherOrigin));
        }
        Some(Ok(to))
    }
}

/// The reason that a redirect was not followed.
///
/// ```
/// use wirestack_dial::{DialError, Reason, RedirectError};
///
/// /// Returns `true` if `Redirects::Any` would have followed the redirect.
/// fn stays(error: &DialError) -> bool {
///     let Reason::Redirect { error, .. } = error.reason() else { return false };
///     *error == RedirectError::OtherOrigin
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectError {
    /// The redirect leads to a URL that is not `ws`, `wss`, `http` or `https`.
    #[error("the redirect leads to a URL that is not ws://, wss://, http:// or https://")]
    NotAWebSocket,
    /// The redirect leads from `wss` to `ws`.
    #[error("the redirect leads from wss:// to ws://, which has no TLS")]
    Insecure,
    /// The redirect leads to another scheme, host or port, which [`Redirects::SameOrigin`] forbids.
    #[error("the redirect leads to another origin, but only the same origin is allowed")]
    OtherOrigin,
    /// The redirect leads to a URL that has redirected before.
    #[error("the redirects form a loop")]
    Loop,
    /// The server redirected more than five times.
    #[error("there were too many redirects")]
    TooMany,
}
