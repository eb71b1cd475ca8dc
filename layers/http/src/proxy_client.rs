//! The client's part in the authentication to a proxy (RFC 9110 §11.7).

use crate::challenge::Challenge;
use crate::refusal::Refusal;
use http::{HeaderValue, Response};

/// The layer that asks an HTTP proxy for a tunnel, while its application authorizes the requests.
///
/// The client waits before each request, and at the response that opens the tunnel. The application
/// reads [`awaiting`](Self::awaiting), calls [`authorize`](Self::authorize) or
/// [`give_up`](Self::give_up), and processes the layer again. So the same application serves every
/// version of HTTP, and a scheme may take any number of messages.
///
/// ```
/// use wirestack_http::{Awaiting, ProxyClient, basic_credentials};
///
/// /// Answers the first challenge of a proxy by Basic, and no second one.
/// fn log_in(client: &mut impl ProxyClient, tried: &mut bool) -> Result<(), wirestack_layer::Error> {
///     match client.awaiting() {
///         Some(Awaiting::Request) => client.authorize(None),
///         Some(Awaiting::Challenge { .. }) if !*tried => {
///             *tried = true;
///             client.authorize(Some(basic_credentials("ada", "secret")?));
///         }
///         Some(Awaiting::Challenge { .. }) => client.give_up(),
///         Some(Awaiting::Response(_)) => client.authorize(None),
///         _ => {}
///     }
///     Ok(())
/// }
/// ```
pub trait ProxyClient {
    /// Returns the decision that the client awaits from its application; `None` while it waits for
    /// the proxy, and once it is open or over.
    fn awaiting(&self) -> Option<&Awaiting>;

    /// Goes on: sends the request with this `Proxy-Authorization` or without one, or opens the
    /// tunnel at the [response](Awaiting::Response). Does nothing while no decision is awaited.
    ///
    /// After a [challenge](Awaiting::Challenge) on a connection that is not reusable, the client
    /// fails. Its error has the [hint](wirestack_layer::Error::retry_hint) [`Challenged`].
    fn authorize(&mut self, value: Option<HeaderValue>);

    /// Ends the client. The cause is the refusal of the proxy, if there was one. Does nothing while
    /// no decision is awaited.
    fn give_up(&mut self);
}

/// The decision that a [`ProxyClient`] awaits from its application.
///
/// ```
/// use wirestack_http::Awaiting;
///
/// /// Returns the schemes that a proxy offers.
/// fn offered(awaiting: &Awaiting) -> Vec<String> {
///     match awaiting {
///         Awaiting::Challenge { refusal, .. } => {
///             let offered = refusal.proxy_challenges();
///             offered.iter().map(|it| it.scheme().to_owned()).collect()
///         }
///         _ => Vec::new(),
///     }
/// }
/// assert!(offered(&Awaiting::Request).is_empty());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Awaiting {
    /// The authorization of the first request of this connection.
    Request,
    /// The authorization of the request that follows this 407.
    Challenge {
        /// The answer of the proxy.
        refusal: Refusal,
        /// `true` if another request can follow on this connection.
        reusable: bool,
    },
    /// The consent to open the tunnel: this 2xx may hold a proof of the proxy
    /// (`Proxy-Authentication-Info`).
    Response(Response<()>),
}

/// A hint for a new connection: the proxy asked for credentials on this one, which then ended.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use wirestack_http::{Challenged, Refusal};
///
/// let mut headers = HeaderMap::new();
/// headers.insert("proxy-authenticate", "NTLM".parse()?);
/// let refusal = Refusal::new(StatusCode::PROXY_AUTHENTICATION_REQUIRED, headers);
/// assert_eq!(Challenged::from(&refusal).challenges, ["NTLM"]);
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenged {
    /// The challenges of the proxy.
    pub challenges: Vec<Challenge>,
}

impl From<&Refusal> for Challenged {
    fn from(refusal: &Refusal) -> Self {
        Self {
            challenges: refusal.proxy_challenges(),
        }
    }
}
