//! The clients of SOCKS in a WebSocket, whose request had the login.

use super::Proxy;
use crate::log::Record;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use wirestack::dial::Endpoint;
use wirestack::socks::{Address, Command, Server, Version};
use wirestack::{Connection, Layer, Pipe, ProxyServer, relay_with_timeout, serve_proxy};

/// The client of a connection: its address, and that of this end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) peer: SocketAddr,
    pub(crate) local: Option<SocketAddr>,
}

impl Proxy {
    /// Serves a client of SOCKS that needs no login.
    pub(crate) async fn serve_socks<L>(&self, client: Connection<L>, ends: Ends)
    where
        L: Layer<In = Pipe, Out = Pipe> + 'static,
    {
        let mut record = Record::new(ends.peer, "socks5");
        let mut client = client.push_layer(self.socks_server());
        client.set_open_timeout(self.handshake);
        let asked = client.wait_for(|engine| {
            let request = engine.part::<Server>()?.request()?;
            Some((
                request.version(),
                request.command(),
                request.target().clone(),
            ))
        });
        let asked = asked.await;
        let (version, command, target) = match asked {
            Ok(asked) => asked,
            Err(error) => {
                // The client has to read the refusal.
                let _ = client.finish(GOODBYE).await;
                return self.log.ended(&record, &Err(error.to_string()));
            }
        };
        if version == Version::Socks4 {
            record.protocol = "socks4";
        }
        client.set_open_timeout(Duration::MAX); // what follows has times of its own
        let endpoint = endpoint(&target);
        record.target = Some(endpoint.to_string());
        if command != Command::Connect {
            let relayed = match self.carrier.near_end() {
                Some(near) => Box::pin(self.serve_datagrams(client, ends, near)).await,
                None => self.serve_command(client, ends).await,
            };
            return self.log.ended(&record, &relayed);
        }
        let ended = match self.carrier.open(&endpoint).await {
            Ok(target) => {
                let bound = target.local_addr().unwrap_or(UNKNOWN).into();
                if let Some(server) = client.part_mut::<Server>() {
                    server.accept(bound);
                }
                let relayed = relay_with_timeout(client, target, self.idle).await;
                relayed
                    .map(|it| (it.sent, it.received))
                    .map_err(|error| error.to_string())
            }
            Err(error) => {
                if let Some(server) = client.part_mut::<Server>() {
                    server.reject(error.reply());
                }
                let _ = client.finish(GOODBYE).await;
                Err(error.to_string())
            }
        };
        self.log.ended(&record, &ended);
    }

    fn socks_server(&self) -> Server {
        let server = Server::new().with_socks4(|_| true);
        if self.serves_all_commands() {
            return server.serving(Command::Bind).serving(Command::UdpAssociate);
        }
        if self.carrier.near_end().is_some() {
            return server.serving(Command::UdpAssociate);
        }
        server
    }

    /// Serves BIND and UDP ASSOCIATE.
    async fn serve_command<L>(&self, client: Connection<L>, ends: Ends) -> crate::metrics::Ended
    where
        L: Layer<In = Pipe, Out = Pipe> + 'static,
    {
        let (Some(policy), Some(local)) = (self.carrier.direct_policy(), ends.local) else {
            return Err("only CONNECT is served".to_owned());
        };
        let server = ProxyServer::socks(policy.clone()).with_addresses(ends.peer, local);
        let relayed = serve_proxy(client, &server, self.handshake).await;
        relayed
            .map(|it| (it.sent, it.received))
            .map_err(|error| error.to_string())
    }
}

fn endpoint(target: &Address) -> Endpoint {
    Endpoint {
        host: target.host().to_string(),
        port: target.port(),
    }
}

/// The address of a connection that has none here, such as a stream of HTTP/2.
const UNKNOWN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

const GOODBYE: Duration = Duration::from_secs(5);
