//! The layer of one hop: the client that asks its proxy for what comes next.

use crate::auth::Credentials;
use crate::plan::fallback::NoHttp2;
use crate::route::endpoint::Endpoint;
use crate::route::hop::Hop;
use crate::route::http_versions::HttpVersions;
use crate::route::scheme::Speaks;
use std::error::Error as StdError;
use std::fmt;
use wirestack_http1::connect;
use wirestack_http2 as http2;
use wirestack_layer::{BoxError, Error};
use wirestack_nest::{BoxTunnel, Nest};
use wirestack_socks as socks;
use wirestack_tls as tls;

/// Builds the client of a proxy that has chosen nothing by ALPN.
pub(crate) fn client(hop: &Hop, next: &Endpoint) -> Result<BoxTunnel, Error> {
    Ok(match hop.proxy.speaks() {
        Speaks::Socks => socks(hop, next)?.boxed(),
        Speaks::Http1 => http1_client(hop, next)?.boxed(),
        Speaks::Http2 => http2_client(hop, next)?.boxed(),
    })
}

/// Puts the client of a proxy over its TLS, which offers HTTP/2, or both versions.
pub(crate) fn http_over(tls: tls::Client, hop: &Hop, next: &Endpoint) -> Result<BoxTunnel, Error> {
    let (http1, http2) = (http1_client(hop, next)?, http2_client(hop, next)?);
    let takes_http1 = hop.versions() == HttpVersions::Any;
    let chosen = tls.then(move |tls| {
        if takes_http1 && tls.alpn() != Some(b"h2") {
            return Ok(http1.boxed());
        }
        NoHttp2::check("proxy", tls).map(|()| http2.boxed())
    });
    Ok(chosen.boxed())
}

fn http1_client(hop: &Hop, next: &Endpoint) -> Result<connect::Client, Error> {
    let settings = &hop.connect;
    let mut client =
        connect::Client::new(&next.host, next.port)?.with_limits(settings.limits.clone());
    for (name, value) in &settings.fields {
        client = client.with_header(name.clone(), value.clone());
    }
    if settings.lenient {
        client = client.lenient();
    }
    Ok(client.awaiting_authorization())
}

pub(crate) fn http2_request(hop: &Hop, next: &Endpoint) -> Result<http2::ConnectRequest, Error> {
    let request = http2::ConnectRequest::tunnel(&next.host, next.port)?;
    request.headers(hop.connect.fields.clone())
}

fn http2_client(hop: &Hop, next: &Endpoint) -> Result<http2::Client, Error> {
    let client = http2::Client::new(http2_request(hop, next)?, hop.connect.http2.clone());
    Ok(client.awaiting_authorization())
}

fn socks(hop: &Hop, next: &Endpoint) -> Result<socks::Client, Error> {
    fn invalid(error: impl Into<BoxError>) -> Error {
        Error::local("socks", error)
    }
    let address = socks::Address::new(&next.host, next.port).map_err(invalid)?;
    let (client, credentials) = (socks::Client::new(address), hop.known_credentials());
    match (hop.proxy.is_socks4(), credentials) {
        (true, credentials) => {
            let user = credentials.map_or(&[][..], |known| &known.user);
            client.socks4(user).map_err(invalid)
        }
        (_, None) => Ok(client),
        (_, Some(Credentials { user, password })) => {
            client.with_password(user, password).map_err(invalid)
        }
    }
}

/// The error of a hop that cannot ask for what comes next.
#[derive(Debug)]
pub(crate) struct BadHop {
    pub(crate) name: String,
    pub(crate) error: Error,
}

impl fmt::Display for BadHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.error)
    }
}

impl StdError for BadHop {
    /// Returns the cause of the layer.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}
