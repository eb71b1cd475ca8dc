//! A proxy server at one port: SOCKS4, SOCKS4a, SOCKS5, HTTP CONNECT over HTTP/1.1 and HTTP/2, and
//! plain requests over HTTP/1.1. In a WebSocket it is one of SOCKS alone.

mod datagrams;
mod first;
mod socks;

pub(crate) use socks::Ends;

use crate::carrier::Carrier;
use crate::exit::Failure;
use crate::log::Log;
use crate::users::Users;
use first::Peeked;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use wirestack::auth::Credentials;
use wirestack::proxy_header::Accepts;
use wirestack::runtime::Listener;
use wirestack::socks::Command;
use wirestack::tls::rustls::ServerConfig;
use wirestack::{Accepted, Connection, Engine, ForwardProxy, Identity, Serve, serve};
use zeroize::Zeroizing;

/// The settings of a proxy server.
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

/// The proxy of a port of its own.
#[derive(Clone)]
pub(crate) struct Front {
    proxy: Arc<ForwardProxy>,
    /// The proxy for clients of SOCKS5 whose datagrams go in a tunnel.
    socks5: Option<Arc<Proxy>>,
    log: Log,
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

    /// Returns the proxy for ports of its own.
    pub(crate) fn front(&self) -> Result<Front, Failure> {
        let log = self.log.clone();
        let proxy = self.carrier.proxy(self.idle)?;
        let mut proxy = proxy
            .realm("wirestack")
            .handshake_timeout(self.handshake)
            .access_log(move |record| log.accessed(record));
        if let Some(users) = &self.users {
            let users = users.clone();
            proxy = proxy.authenticate(move |mut login: Credentials| {
                let users = users.clone();
                let user = String::from_utf8_lossy(&login.user).into_owned();
                let password = Zeroizing::new(std::mem::take(&mut login.password));
                async move { users.verify_later(user, password).await }
            });
        }
        if let Some(config) = &self.tls {
            proxy = proxy.tls(config.clone());
        }
        if self.proxy_header {
            proxy = proxy.proxy_header(Accepts::Both);
        }
        if self.serves_all_commands() {
            proxy = proxy.serving(Command::Bind).serving(Command::UdpAssociate);
        }
        let log = self.log.clone();
        let in_tunnels = self.carrier.near_end().is_some();
        let socks5 = in_tunnels.then(|| Arc::new(self.clone()));
        let proxy = Arc::new(proxy);
        Ok(Front { proxy, socks5, log })
    }

    /// Serves a client of SOCKS5 here, and every other one by `others`.
    async fn serve_first(self: Arc<Self>, client: Accepted, others: &ForwardProxy) {
        // A client that says nothing, or has left, is not worth a word.
        let peeking = Peeked::new(client);
        let Ok(Ok(client)) = timeout(self.handshake, peeking).await else {
            return;
        };
        if client.first != Some(SOCKS5) {
            let _ = others.serve_connection(client).await; // the log has the error
            return;
        }
        let (peer, local) = (client.peer, client.local);
        if let Ok(client) = Connection::from_transport(client, Engine::new(Identity)) {
            self.serve_socks(client, Ends { peer, local }).await;
        }
    }

    pub(crate) fn serves_all_commands(&self) -> bool {
        self.all_commands && self.carrier.direct_policy().is_some()
    }
}

impl Front {
    /// Serves all clients of a listener.
    pub(crate) fn serve(&self, listener: Listener) -> Serve {
        let this = self.clone();
        let each = move |client: Accepted| {
            let Self { proxy, socks5, log } = this.clone();
            async move {
                let _open = log.metrics().accepted();
                if let Some(socks5) = socks5 {
                    return Box::pin(socks5.serve_first(client, &proxy)).await;
                }
                let _ = proxy.serve_connection(client).await; // the log has the error
            }
        };
        let log = self.log.clone();
        serve(listener, each).on_accept_error(move |error| log.note(&format!("accepting: {error}")))
    }
}

/// The first byte of a client of SOCKS5: the version (RFC 1928 §3).
const SOCKS5: u8 = 5;

pub(crate) const HANDSHAKE: Duration = Duration::from_secs(10);
pub(crate) const IDLE: Duration = Duration::from_secs(600);
