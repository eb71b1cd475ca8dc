//! The client's part in the authentication to a proxy (RFC 9110 §11.7).

use crate::{Challenge, Refusal};
use http::{HeaderValue, Response};

/// A layer that asks an HTTP proxy for a tunnel, and asks its application what to send to be let in.
///
/// The client waits before each request, and at the response that opens the tunnel. The application
/// reads [`awaiting`](Self::awaiting), calls [`authorize`](Self::authorize) or
/// [`give_up`](Self::give_up), and then processes the layer. So one application serves every version
/// of HTTP and every scheme, however many messages the scheme takes.
pub trait ProxyClient {
    /// Returns what the client waits for from its application; `None` while it waits for the proxy,
    /// and when it waits no more.
    fn awaiting(&self) -> Option<&Awaiting>;

    /// Goes on: sends the request with this `Proxy-Authorization` or without one, or opens the tunnel
    /// at the [response](Awaiting::Response). Does nothing while the client does not wait.
    ///
    /// Where the connection [cannot be used again](Awaiting::Challenge), the client fails instead. Its
    /// error then has the [hint](wirestack_layer::Error::retry_hint) [`Challenged`].
    fn authorize(&mut self, value: Option<HeaderValue>);

    /// Ends the client. The cause is the refusal of the proxy, if there was one. Does nothing while the
    /// client does not wait.
    fn give_up(&mut self);
}

/// What a [`ProxyClient`] waits for from its application.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Awaiting {
    /// The authorization of the first request of this connection.
    Request,
    /// The authorization of the request that follows this 407.
    Challenge {
        /// The answer of the proxy.
        refusal: Refusal,
        /// Whether another request can follow on this connection.
        reusable: bool,
    },
    /// The consent to open the tunnel: this 2xx may hold a proof of the proxy
    /// (`Proxy-Authentication-Info`).
    Response(Response<()>),
}

/// A hint for a new connection: the proxy asked for credentials on this one, which then ended.
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
