//! A proxy server at one port: SOCKS4, SOCKS4a, SOCKS5 and HTTP CONNECT, over HTTP/1.1 and HTTP/2.
//! The first byte tells them apart.

mod http1;
mod http2;
mod socks;

pub(crate) use http2::basic;

use crate::carrier::Carrier;
use crate::log::{Log, Record};
use crate::users::Users;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use wirestack::proxy_header::{self, Accepts};
use wirestack::runtime::IntoTransport;
use wirestack::tls::rustls::ServerConfig;
use wirestack::{BoxTunnel, Connection, Engine, Error, Identity, Nest, tls};

/// A proxy server, for any number of clients. A clone is the same one.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) carrier: Carrier,
    pub(crate) users: Option<Arc<Users>>,
    pub(crate) tls: Option<Arc<ServerConfig>>,
    /// BIND and UDP ASSOCIATE of SOCKS5, where connections are opened from this machine.
    pub(crate) all_commands: bool,
    /// A PROXY header comes before the bytes of each client.
    pub(crate) proxy_header: bool,
    pub(crate) handshake: Duration,
    pub(crate) idle: Duration,
    pub(crate) log: Log,
}

/// The client of a connection: its address, and that of this end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) peer: SocketAddr,
    pub(crate) local: Option<SocketAddr>,
}

impl Proxy {
    /// Creates a proxy without users and without TLS.
    pub(crate) fn new(carrier: Carrier, log: Log) -> Self {
        Self {
            carrier,
            users: None,
            tls: None,
            all_commands: false,
            proxy_header: false,
            handshake: HANDSHAKE,
            idle: IDLE,
            log,
        }
    }

    /// Serves one client until its connection ends.
    pub(crate) async fn serve(&self, io: impl IntoTransport, ends: Ends) {
        let _open = self.log.metrics().accepted();
        if let Err(error) = self.serve_first(io, ends).await {
            self.log
                .ended(&Record::new(ends.peer, "none"), &Err(error.to_string()));
        }
    }

    async fn serve_first(&self, io: impl IntoTransport, ends: Ends) -> Result<(), Error> {
        let mut ends = ends;
        let below: BoxTunnel = if self.proxy_header {
            proxy_header::Server::new(Accepts::Both).boxed()
        } else {
            Identity.boxed()
        };
        let mut client = Connection::from_transport(io, Engine::new(below))?;
        client.set_open_timeout(self.handshake);
        client.open().await?;
        if let Some(header) = client
            .part::<proxy_header::Server>()
            .and_then(|it| it.header())
        {
            ends.peer = header.source().unwrap_or(ends.peer);
        }
        if let Some(config) = &self.tls {
            client = client.push_layer(tls::Server::new(config.clone())?).boxed();
            client.set_open_timeout(self.handshake);
            client.open().await?;
        }
        let spoken = tokio::time::timeout(
            self.handshake,
            client.wait_for(|engine| spoken(engine.to_app().unread())),
        );
        let spoken = match spoken.await {
            Ok(Ok(spoken)) => spoken,
            // A client that has said nothing has asked for nothing.
            Ok(Err(_)) if client.engine().to_app().total() == 0 => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => return Ok(()),
        };
        match spoken {
            Spoken::Socks => self.serve_socks(client, ends).await,
            Spoken::Http1 => self.serve_http1(client, ends).await,
            Spoken::Http2 => return self.serve_http2(client, ends).await,
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoken {
    Socks,
    Http1,
    Http2,
}

/// Returns the protocol that the first bytes are of; `None` if they are too few.
fn spoken(bytes: &[u8]) -> Option<Spoken> {
    match bytes {
        [] | b"P" | b"PR" => None,
        [4 | 5, ..] => Some(Spoken::Socks),
        [b'P', b'R', b'I', ..] => Some(Spoken::Http2), // RFC 9113 §3.4
        _ => Some(Spoken::Http1),
    }
}

pub(crate) const HANDSHAKE: Duration = Duration::from_secs(10);
pub(crate) const IDLE: Duration = Duration::from_secs(600);

/// The realm of the logins.
const REALM: &str = "wirestack";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_protocol() {
        for (bytes, wanted) in [
            (&b""[..], None),
            (&[5, 1, 0], Some(Spoken::Socks)),
            (&[4], Some(Spoken::Socks)),
            (b"P", None),
            (b"PR", None),
            (b"PRI * HTTP/2.0", Some(Spoken::Http2)),
            (b"POST", Some(Spoken::Http1)),
            (b"CONNECT", Some(Spoken::Http1)),
            (b"\x16", Some(Spoken::Http1)),
        ] {
            assert_eq!(spoken(bytes), wanted, "{bytes:?}");
        }
    }
}
