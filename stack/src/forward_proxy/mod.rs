//! A proxy server for SOCKS and HTTP at one port.

mod body;
mod exchange;
mod forward;
mod http1;
mod http2;
mod outgoing;
mod settings;
mod socks;
mod tunnel;

pub use settings::ForwardProxy;

use crate::driver::error::{no_runtime_error, socket};
use crate::driver::io::{Connection, Ended};
use crate::driver::runtime::{IntoTransport, Listener, Runtime, Transport, current};
use crate::driver::server::entry::Entry;
use crate::driver::server::{Accepted, Serve, serve};
use crate::driver::shutdown::Shutdown;
use std::net::SocketAddr;
use std::sync::Arc;
use tunnel::{Relaying, Tunnel};
use wirestack_dial::serve::{AccessRecord, ProxyProtocol, below_proxy, proxy_protocol};
use wirestack_layer::{Error, Instant};
use wirestack_nest::{BoxTunnel, Engine, Nest};
use wirestack_proxy_header as proxy_header;

impl ForwardProxy {
    /// Serves all clients of a listener, of TCP or of a Unix socket: await what it returns, which
    /// also has the limit of connections and the graceful end. Tunnels go on until the end of the
    /// [`shutdown_timeout`](Serve::shutdown_timeout).
    pub fn serve(mut self, listener: Listener) -> Serve {
        self.runtime
            .get_or_insert_with(|| listener.runtime().clone());
        let proxy = Arc::new(self);
        serve(listener, move |client: Accepted| {
            let proxy = proxy.clone();
            async move {
                // What is worth a word is in the access log.
                let _ = proxy.serve_connection(client).await;
            }
        })
    }

    /// Serves one client until its connection ends, over any transport.
    ///
    /// ```
    /// use wirestack::runtime::IntoTransport;
    /// use wirestack::{AccessPolicy, Error, ForwardProxy};
    ///
    /// /// Serves a client that another part of the program has accepted.
    /// async fn serve(io: impl IntoTransport) -> Result<(), Error> {
    ///     ForwardProxy::new(AccessPolicy::public()).serve_connection(io).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The error that ended the connection. The [access log](Self::access_log) has it too.
    pub async fn serve_connection(&self, io: impl IntoTransport) -> Result<(), Error> {
        let runtime = match &self.runtime {
            Some(runtime) => runtime.clone(),
            None => current().map_err(no_runtime_error)?,
        };
        let shutdown = io.shutdown_signal();
        let io = io.into_transport(&*runtime).map_err(socket)?;
        // Boxed, so that its memory is free while a tunnel carries bytes.
        let relaying = Box::pin(self.handshake(io, runtime, shutdown)).await?;
        match relaying {
            Some(relaying) => relaying.await,
            None => Ok(()),
        }
    }

    /// Serves a client until its connection ends or becomes a tunnel, whose future is returned.
    async fn handshake(
        &self,
        io: Box<dyn Transport>,
        runtime: Arc<dyn Runtime>,
        shutdown: Option<Shutdown>,
    ) -> Result<Option<Relaying>, Error> {
        let mut client = Client {
            peer: io.peer_addr().ok(),
            local: io.local_addr().ok(),
            accepted: runtime.now(),
            runtime,
            shutdown,
        };
        let (connection, protocol) = match self.open(io, &mut client).await {
            Ok(opened) => opened,
            // Checks of a load balancer connect and say nothing.
            Err(error) if error.cause::<Ended>().is_some() => return Err(error),
            Err(error) => {
                self.entry(&client, None).end(&Err(error.clone()));
                return Err(error);
            }
        };
        let tunnel = match protocol {
            ProxyProtocol::Socks4 | ProxyProtocol::Socks5 => {
                self.serve_socks(connection, &client, protocol).await?
            }
            ProxyProtocol::Http2 => {
                self.serve_http2(connection, &client).await?;
                None
            }
            _ => self.serve_http1(connection, &client).await?,
        };
        Ok(tunnel.map(Tunnel::relay))
    }

    /// Waits for the handshake of TLS, and for the first bytes of the protocol.
    async fn open(
        &self,
        io: Box<dyn Transport>,
        client: &mut Client,
    ) -> Result<(Connection<BoxTunnel>, ProxyProtocol), Error> {
        let mut layers = below_proxy(self.tls.as_ref())?;
        if let Some(accepts) = self.header {
            layers = layers.over(proxy_header::Server::new(accepts)).boxed();
        }
        let mut connection = Connection::new(client.runtime.clone(), io, Engine::new(layers));
        connection.set_open_timeout(self.handshake_timeout);
        let opened = connection.open().await;
        let header = connection.part::<proxy_header::Server>();
        if let Some(source) = header.and_then(|it| it.header()?.source()) {
            client.peer = Some(source);
        }
        if let Err(error) = opened {
            // The client has to read the alert of TLS.
            let _ = connection.finish(self.handshake_timeout).await;
            return Err(error);
        }
        let protocol = proxy_protocol(connection.engine());
        Ok((connection, protocol.unwrap_or(ProxyProtocol::Http1)))
    }

    fn entry(&self, client: &Client, protocol: Option<ProxyProtocol>) -> Entry {
        let mut record = AccessRecord::new(client.peer);
        record.protocol = protocol;
        Entry::new(record, self.log.clone(), client.runtime.clone())
    }
}

/// A client of the proxy.
struct Client {
    /// Its address: that of the PROXY header, if there is one.
    peer: Option<SocketAddr>,
    /// The address of this end of its connection.
    local: Option<SocketAddr>,
    accepted: Instant,
    runtime: Arc<dyn Runtime>,
    shutdown: Option<Shutdown>,
}
