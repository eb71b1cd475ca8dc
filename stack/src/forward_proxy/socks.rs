//! The clients of SOCKS.

use super::outgoing::connect_to;
use super::tunnel::Tunnel;
use super::{Client, ForwardProxy};
use crate::driver::io::Connection;
use crate::driver::server::deciding::{failure, unless};
use crate::driver::server::entry::Entry;
use crate::driver::server::outgoing::ConnectTo;
use crate::driver::server::proxy::{Opened, open_tunnel};
use wirestack_dial::auth::Credentials;
use wirestack_dial::serve::ProxyProtocol;
use wirestack_layer::Error;
use wirestack_nest::{BoxTunnel, Stack};
use wirestack_socks as socks;

impl ForwardProxy {
    pub(super) async fn serve_socks(
        &self,
        connection: Connection<BoxTunnel>,
        client: &Client,
        protocol: ProxyProtocol,
    ) -> Result<Option<Tunnel>, Error> {
        let mut layer = match &self.authenticate {
            Some(_) => socks::Server::new().awaiting_login(),
            None => socks::Server::new().with_socks4(|_| true),
        };
        for command in &self.commands {
            layer = layer.serving(*command);
        }
        let mut connection = connection.push_layer(layer);
        let engine = connection.engine();
        engine.set_open_timeout(self.handshake_timeout, client.accepted);
        let mut entry = self.entry(client, Some(protocol));
        let opened = match self.log_in(&mut connection, &mut entry).await {
            Ok(()) => self.open_tunnel(connection, client, &mut entry).await,
            Err(error) => {
                // The client has to read the refusal.
                let _ = connection.finish(self.handshake_timeout).await;
                Err(error)
            }
        };
        let idle = self.server.timeouts().idle;
        match opened {
            Ok(Some(Opened { client, target })) => Ok(Some(Tunnel {
                client: client.boxed(),
                target,
                idle,
                entry,
            })),
            Ok(None) => {
                entry.end(&Ok(()));
                Ok(None)
            }
            Err(error) => {
                entry.end(&Err(error.clone()));
                Err(error)
            }
        }
    }

    async fn log_in(&self, connection: &mut Socks, entry: &mut Entry) -> Result<(), Error> {
        let Some(authenticate) = &self.authenticate else {
            return Ok(());
        };
        let login = connection.wait_for(|engine| {
            let (user, password) = engine.part::<socks::Server>()?.login()?;
            Some(Credentials::new(user, password))
        });
        let login = login.await?;
        entry.record.user = Some(String::from_utf8_lossy(&login.user).into_owned());
        let is_right = unless(failure(connection), authenticate(login)).await?;
        if let Some(server) = connection.part_mut::<socks::Server>() {
            server.authenticate(is_right);
        }
        Ok(())
    }

    async fn open_tunnel(
        &self,
        connection: Socks,
        client: &Client,
        entry: &mut Entry,
    ) -> Result<Option<Opened<SocksLayers>>, Error> {
        let server = match client.peer.zip(client.local) {
            Some((peer, proxy)) => self.server.clone().with_addresses(peer, proxy),
            None => self.server.clone(),
        };
        let (proxy, runtime) = (self.clone(), client.runtime.clone());
        let connect: Box<ConnectTo> = Box::new(move |target| {
            let (proxy, runtime) = (proxy.clone(), runtime.clone());
            Box::pin(
                async move { connect_to(&runtime, target, &proxy.server, &proxy.upstream).await },
            )
        });
        let timeout = self.handshake_timeout;
        open_tunnel(connection, &server, timeout, &*connect, entry).await
    }
}

/// The connection of a client of SOCKS.
type Socks = Connection<SocksLayers>;

type SocksLayers = Stack<BoxTunnel, socks::Server>;
