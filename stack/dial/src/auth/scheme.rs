//! One authentication scheme, and what it is told and asks for.

use super::{Challenge, Credentials};
use bytes::Bytes;
use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use http::{HeaderValue, Response};
use std::fmt;
use wirestack_http::Refusal;
use wirestack_layer::{Error, Seed};

/// One authentication scheme (RFC 9110 §11.1) of a client to an HTTP proxy: Basic, Digest, NTLM,
/// Negotiate, or the caller's own.
///
/// [`Login`](super::Login) has a list of them. It chooses the strongest that the proxy offers and
/// that can be used, and gives it the messages of the proxy. Each hop has its own, made anew for
/// each dialing; it lives over all connections which that dialing makes to the proxy.
///
/// ```
/// use http::HeaderValue;
/// use wirestack_dial::auth::{CredentialKind, Scheme, SchemeAction, SchemeInput};
///
/// /// Sends a token that the caller has.
/// struct Bearer {
///     value: HeaderValue,
///     sent: bool,
/// }
///
/// impl Scheme for Bearer {
///     fn name(&self) -> &str {
///         "Bearer"
///     }
///
///     fn strength(&self) -> u8 {
///         25 // between Digest and NTLM
///     }
///
///     fn credential_kind(&self) -> CredentialKind {
///         CredentialKind::Ticket
///     }
///
///     fn step(&mut self, input: SchemeInput<'_>) -> SchemeAction {
///         match input {
///             SchemeInput::Challenge { .. } if self.sent => SchemeAction::Refused,
///             SchemeInput::Request { .. } | SchemeInput::Challenge { .. } => {
///                 self.sent = true;
///                 SchemeAction::Authorize(Some(self.value.clone()))
///             }
///             _ => SchemeAction::Authorize(None),
///         }
///     }
/// }
///
/// let hop: wirestack_dial::Hop = "http://proxy.test:3128".parse()?;
/// let hop = hop.scheme(|_| {
///     let value = HeaderValue::from_static("Bearer abc");
///     Box::new(Bearer { value, sent: false })
/// });
/// # Ok::<(), wirestack_dial::RouteError>(())
/// ```
///
/// A scheme whose token comes from another program:
///
/// ```
/// use wirestack_dial::auth::{Challenge, Scheme, SchemeAction, SchemeInput};
///
/// /// Answers one realm alone, by a program that takes its time.
/// struct Realm {
///     name: &'static str,
///     value: Option<http::HeaderValue>,
/// }
///
/// impl Scheme for Realm {
///     fn name(&self) -> &str {
///         "Token"
///     }
///
///     fn strength(&self) -> u8 {
///         50
///     }
///
///     fn check(&self, offered: &[Challenge]) -> Result<(), String> {
///         if offered.iter().any(|challenge| challenge.realm() == self.name) {
///             return Ok(());
///         }
///         Err(format!("there is a token for {} alone", self.name))
///     }
///
///     fn step(&mut self, input: SchemeInput<'_>) -> SchemeAction {
///         match input {
///             SchemeInput::Challenge { .. } => SchemeAction::RunBlocking,
///             _ => SchemeAction::Authorize(self.value.clone()),
///         }
///     }
///
///     fn run_blocking(&mut self) {
///         let output = std::process::Command::new("get-token").output();
///         let token = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
///         self.value = token.and_then(|token| format!("Token {}", token.trim()).parse().ok());
///     }
///
///     fn is_connection_bound(&self) -> bool {
///         false // a token is good on every connection
///     }
/// }
/// ```
pub trait Scheme: Send {
    /// Returns the name of the scheme, as challenges have it: `NTLM`. Several may have the same
    /// name.
    fn name(&self) -> &str;

    /// Returns the place in the order: the scheme with the greatest number is tried first. Basic
    /// has 10, Digest 20, NTLM 30 and Negotiate 40. Of equal ones the first that was added is tried
    /// first.
    fn strength(&self) -> u8;

    /// Returns the kind of credentials that it sends.
    fn credential_kind(&self) -> CredentialKind {
        CredentialKind::Password
    }

    /// Checks that it can answer one of these challenges, all of them with its name. It is not
    /// asked about its own messages, which follow its first one.
    ///
    /// # Errors
    ///
    /// The reason why it cannot, as a sentence for the error of the dialing.
    fn check(&self, offered: &[Challenge]) -> Result<(), String> {
        let _ = offered;
        Ok(())
    }

    /// Decides what to do next. Each input is answered once.
    fn step(&mut self, input: SchemeInput<'_>) -> SchemeAction;

    /// Does the work for which it asked with [`SchemeAction::RunBlocking`], on a thread that may
    /// wait.
    fn run_blocking(&mut self) {}

    /// Returns `true` if the message that follows belongs to the connection that carried the last
    /// one. It is then never sent on another: if that connection ends, the scheme gets
    /// [`SchemeInput::Request`] on the new one, and begins anew.
    fn is_connection_bound(&self) -> bool {
        false
    }
}

/// The kinds of credentials that a [`Scheme`] sends.
///
/// ```
/// use wirestack_dial::auth::CredentialKind;
///
/// /// Returns `true` if a dialog for a password makes sense.
/// fn wants_password(kind: CredentialKind) -> bool {
///     kind == CredentialKind::Password
/// }
/// assert!(!wants_password(CredentialKind::Ticket));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialKind {
    /// The user and the password of the [`Login`](super::Login). The scheme is passed over if there
    /// are none.
    Password,
    /// Credentials of the scheme itself, such as the ticket of the user who is logged in.
    Ticket,
}

/// The inputs of a [`Scheme`].
///
/// ```
/// use wirestack_dial::auth::SchemeInput;
///
/// // It shows no secret, so that a scheme may log it.
/// assert_eq!(format!("{:?}", SchemeInput::Reply(Ok("secret".into()))), "Reply(6 bytes)");
/// ```
#[non_exhaustive]
pub enum SchemeInput<'a> {
    /// A new connection awaits the authorization of its first request. The scheme sent a message
    /// on the last connection, so it begins anew. A scheme that goes before any challenge, as Basic
    /// may, gets it too.
    Request {
        /// The user and the password, if there are any.
        credentials: Option<&'a Credentials>,
    },
    /// The proxy answered 407: with challenges to begin with, or with its next message.
    Challenge {
        /// The challenges with the name of this scheme: at least one.
        offered: &'a [Challenge],
        /// The user and the password; never `None` for [`CredentialKind::Password`].
        credentials: Option<&'a Credentials>,
        /// The whole answer of the proxy.
        refusal: &'a Refusal,
        /// `true` if another request can follow on this connection. If not, the authorization goes
        /// with the first request of a new one.
        reusable: bool,
    },
    /// The 2xx of the proxy, which may hold its proof. [`SchemeAction::Authorize`] with `None` opens
    /// the tunnel.
    Response(&'a Response<()>),
    /// The answer to [`SchemeAction::Fetch`].
    Reply(Result<Bytes, Error>),
    /// [`Scheme::run_blocking`] has run.
    Ran,
}

/// Shows no credentials and no reply: they are secrets.
impl fmt::Debug for SchemeInput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { .. } => f.write_str("Request"),
            Self::Challenge { reusable, .. } => write!(f, "Challenge(reusable: {reusable})"),
            Self::Response(response) => write!(f, "Response({})", response.status()),
            Self::Reply(Ok(bytes)) => write!(f, "Reply({} bytes)", bytes.len()),
            Self::Reply(Err(error)) => f.debug_tuple("Reply").field(error).finish(),
            Self::Ran => f.write_str("Ran"),
        }
    }
}

/// The decisions and wishes of a [`Scheme`].
///
/// ```
/// use wirestack_dial::auth::SchemeAction;
///
/// let action = SchemeAction::Authorize(Some(http::HeaderValue::from_static("Token secret")));
/// assert_eq!(format!("{action:?}"), "Authorize(Some(..))"); // safe for a log
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemeAction {
    /// Go on: send the request, with this `Proxy-Authorization` or without one, or open the tunnel.
    Authorize(Option<HeaderValue>),
    /// Send this to another server, such as a key distribution centre, and return its answer.
    Fetch {
        /// The URL to send it to.
        url: String,
        /// The bytes to send.
        data: Bytes,
    },
    /// Call [`Scheme::run_blocking`] on a thread that may wait.
    RunBlocking,
    /// The proxy refused the credentials. A stronger scheme is tried, or one with credentials of
    /// another kind. The user may be asked again; then the next challenge begins anew.
    Refused,
    /// The scheme cannot be used, for this reason: a sentence for the error of the dialing. The next
    /// scheme is tried, so it is for a scheme that has sent no credentials.
    Unusable(String),
    /// Fail, for this reason. No other scheme is tried.
    GiveUp(String),
}

/// Shows no value that is sent to a proxy or to another server: they are secrets.
impl fmt::Debug for SchemeAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorize(None) => f.write_str("Authorize(None)"),
            Self::Authorize(Some(_)) => f.write_str("Authorize(Some(..))"),
            Self::Fetch { data, .. } => write!(f, "Fetch({} bytes)", data.len()),
            Self::RunBlocking => f.write_str("RunBlocking"),
            Self::Refused => f.write_str("Refused"),
            Self::Unusable(why) => f.debug_tuple("Unusable").field(why).finish(),
            Self::GiveUp(why) => f.debug_tuple("GiveUp").field(why).finish(),
        }
    }
}

/// The proxy and the tunnel that a [`Scheme`] is made for.
///
/// ```
/// use wirestack_dial::auth::SchemeContext;
///
/// /// Returns the name of the proxy as Kerberos knows it.
/// fn principal(context: &SchemeContext<'_>) -> String {
///     format!("HTTP/{}", context.host)
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct SchemeContext<'a> {
    /// The host of the proxy: a name in ASCII, or an address. Its service principal is
    /// `HTTP/host`.
    pub host: &'a str,
    /// The port of the proxy.
    pub port: u16,
    /// The `host:port` that the proxy is asked for.
    pub target: &'a str,
    /// The seed of all randomness of the scheme.
    pub seed: Seed,
}

/// Returns a source of seeds that are drawn from one.
pub(crate) fn seeds(seed: Seed) -> impl FnMut() -> Seed {
    let mut random = ChaCha12Rng::from_seed(seed.into_bytes());
    move || {
        let mut bytes = [0; 32];
        random.fill_bytes(&mut bytes);
        Seed::new(bytes)
    }
}
