//! The clients of SOCKS in a WebSocket, whose request had the login.

use super::Proxy;
use crate::log::Record;
use crate::metrics::{Ended, counted};
use crate::wire::GOODBYE;
use futures_util::future::BoxFuture;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use wirestack::dial::Endpoint;
use wirestack::socks::{Address, Command, Server, Version};
use wirestack::{
    ByteStream, Connection, Layer, Pipe, ProxyServer, Stack, relay_with_timeout, serve_proxy,
};

/// The client of a connection: its address, and that of this end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) peer: SocketAddr,
    pub(crate) local: Option<SocketAddr>,
}

/// The answer to a request: the two ends of a tunnel, or how the request ended.
type Answer<L> = Result<(Connection<L>, ByteStream), Ended>;

impl Proxy {
    /// Serves a client of SOCKS that needs no login.
    pub(crate) fn serve_socks<L>(
        self: Arc<Self>,
        client: Connection<L>,
        ends: Ends,
    ) -> BoxFuture<'static, ()>
    where
        L: Layer<In = Pipe, Out = Pipe> + Send + 'static,
    {
        let this = self.clone();
        let mut record = Record::new(ends.peer, "socks5");
        // Boxed, so that its memory is free while a tunnel carries bytes.
        let answering = Box::pin(async move {
            let answer = this.answer(client, ends, &mut record).await;
            let idle = this.idle;
            let relaying = answer.map(|(client, far)| relay_with_timeout(client, far, idle));
            (relaying, record)
        });
        Box::pin(async move {
            let (relaying, record) = answering.await;
            let ended = match relaying {
                Ok(relaying) => counted(relaying.await),
                Err(ended) => ended,
            };
            self.log.ended(&record, &ended);
        })
    }

    async fn answer<L>(
        &self,
        client: Connection<L>,
        ends: Ends,
        record: &mut Record,
    ) -> Answer<Stack<L, Server>>
    where
        L: Layer<In = Pipe, Out = Pipe> + 'static,
    {
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
                return Err(Err(error.to_string()));
            }
        };
        if version == Version::Socks4 {
            record.protocol = "socks4";
        }
        client.set_open_timeout(Duration::MAX); // what follows has times of its own
        let endpoint = endpoint(&target);
        record.target = Some(endpoint.to_string());
        if command != Command::Connect {
            return Err(match self.carrier.near_end() {
                Some(near) => Box::pin(self.serve_datagrams(client, ends, near)).await,
                None => self.serve_command(client, ends).await,
            });
        }
        match self.carrier.open(&endpoint).await {
            Ok(target) => {
                let bound = target.local_addr().unwrap_or(UNKNOWN).into();
                if let Some(server) = client.part_mut::<Server>() {
                    server.accept(bound);
                }
                Ok((client, target))
            }
            Err(error) => {
                if let Some(server) = client.part_mut::<Server>() {
                    server.reject(error.reply());
                }
                let _ = client.finish(GOODBYE).await;
                Err(Err(error.to_string()))
            }
        }
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
    async fn serve_command<L>(&self, client: Connection<L>, ends: Ends) -> Ended
    where
        L: Layer<In = Pipe, Out = Pipe> + 'static,
    {
        let (Some(policy), Some(local)) = (self.carrier.direct_policy(), ends.local) else {
            return Err("only CONNECT is served".to_owned());
        };
        let server = ProxyServer::socks(policy.clone()).with_addresses(ends.peer, local);
        counted(serve_proxy(client, &server, self.handshake).await)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::Carrier;
    use crate::log::{Log, LogForm};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;
    use wirestack::dial::Timeouts;
    use wirestack::runtime::TokioTransport;
    use wirestack::{AccessPolicy, Engine, Identity};

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_refused_and_stays_is_left_after_5_seconds() {
        let log = Log::new(LogForm::None, Arc::default());
        let proxy = Arc::new(Proxy::new(
            Carrier::direct(AccessPolicy::nothing(), Timeouts::default()),
            log,
        ));
        let (ours, mut theirs) = duplex(1000);
        let ours = Connection::from_transport(TokioTransport::new(ours), Engine::new(Identity));
        let ends = Ends {
            peer: UNKNOWN,
            local: None,
        };
        let serving = tokio::spawn(proxy.serve_socks(ours.unwrap(), ends));
        theirs
            .write_all(b"\x05\x01\0\x05\x01\0\x01\x7f\0\0\x01\0\x50")
            .await
            .unwrap();
        let mut answer = [0; 12];
        theirs.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer[..4], [5, 0, 5, 2], "not refused");
        let began = Instant::now();
        serving.await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 5);
    }
}
