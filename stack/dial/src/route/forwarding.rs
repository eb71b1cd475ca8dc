//! A route whose last proxy forwards requests itself.

use crate::route::hop::Hop;
use crate::route::scheme::Speaks;
use crate::route::target::{Scheme, Target};
use http::header::{HeaderMap, PROXY_AUTHORIZATION};
use std::sync::Arc;
use wirestack_http::basic_credentials;
use wirestack_layer::Error;
use wirestack_tls::Certificates;
use wirestack_tls::rustls::ClientConfig;

/// The way to an HTTP/1.1 proxy that gets the requests for `http://` URLs in absolute form (RFC 9112
/// §3.2.2), without a tunnel. Many proxies allow CONNECT to port 443 only.
///
/// ```
/// use wirestack_dial::{Forwarding, Hop};
///
/// // Requests with an http:// URI go to the last proxy as they are, if that is an HTTP proxy.
/// let route = ["socks5h://gate.test", "http://proxy.test:3128"];
/// let route = route.iter().map(|hop| hop.parse::<Hop>()).collect::<Result<Vec<_>, _>>()?;
/// let forwarding = Forwarding::of(&route)?.expect("an HTTP proxy");
/// assert_eq!(forwarding.hops.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Forwarding {
    /// The hops before the proxy, the nearest first.
    pub hops: Vec<Hop>,
    /// The proxy, as the target of a stream.
    pub proxy: Target,
    /// The TLS settings of the proxy, if it has its own.
    pub tls: Option<Arc<ClientConfig>>,
    /// The certificates of the proxy, if it has its own.
    pub certificates: Certificates,
    /// The fields that go with each request: those of the hop, and its `Proxy-Authorization`.
    pub fields: HeaderMap,
}

impl Forwarding {
    /// Returns the way to the last proxy of a route. `None` if the last hop is no HTTP/1.1 proxy, or
    /// if it gets its credentials only after a challenge: a challenge needs the dialer, which asks by
    /// CONNECT.
    ///
    /// # Errors
    ///
    /// The credentials cannot be sent.
    pub fn of(route: &[Hop]) -> Result<Option<Self>, Error> {
        let Some((hop, hops)) = route.split_last() else {
            return Ok(None);
        };
        if hop.proxy.speaks() != Speaks::Http1 || !hop.login.is_at_once() {
            return Ok(None);
        }
        let mut fields = hop.connect.fields.clone();
        if let Some(known) = hop.known_credentials() {
            let value = basic_credentials(&known.user, &known.password)?;
            fields.insert(PROXY_AUTHORIZATION, value);
        }
        let scheme = if hop.proxy.is_secure() {
            Scheme::Tls
        } else {
            Scheme::Tcp
        };
        Ok(Some(Self {
            hops: hops.to_vec(),
            proxy: Target::at_hop(scheme, hop),
            tls: hop.tls.clone(),
            certificates: hop.certificates.clone(),
            fields,
        }))
    }
}
