//! Serving one client of a proxy.

use super::udp_relay::relay_datagrams;
use crate::driver::dial::DialContext;
use crate::driver::error::{seed, socket};
use crate::driver::io::{Connection, Ended, Relayed, relay};
use crate::driver::runtime::{AddressStream, Listener, Resolve, Runtime, all, lookup, sleep};
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use wirestack_dial::serve::{ProxyError, ProxyRequest, ProxyServer, UdpRelay};
use wirestack_dial::{Dialer, Endpoint, Plan, Reason, Timeouts};
use wirestack_layer::{Error, Flow, Layer, Pipe, origin};
use wirestack_nest::{Engine, Identity};

/// Serves one client of a proxy from its handshake to the end of its tunnel: waits for the request,
/// connects if the access policy permits it, answers and relays. BIND and UDP ASSOCIATE of SOCKS need
/// a server layer that [serves](crate::socks::Server::serving) them, and a `server` that knows
/// [both addresses](ProxyServer::with_addresses) of the client's connection.
///
/// # Errors
///
/// The error that ended the handshake or cut the tunnel short, or the refusal.
pub async fn serve_proxy<L>(
    mut client: Connection<L>,
    server: &ProxyServer,
    handshake_timeout: Duration,
) -> Result<Relayed, Error>
where
    L: Layer<In = Pipe, Out = Pipe> + 'static,
{
    client.set_open_timeout(handshake_timeout);
    let runtime = client.runtime.clone();
    let request = client.wait_for(|engine| server.request(engine, runtime.now()));
    let request = match request.await {
        Ok(request) => request,
        Err(error) => {
            // A refusal waits until it was read; how that ends tells nothing more.
            let _ = client.finish(handshake_timeout).await;
            return Err(error);
        }
    };
    let refused = match (request, server.addresses()) {
        (ProxyRequest::Connect(target), _) => match reach(&runtime, target, server).await {
            Ok(target) => {
                let nowhere = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
                let bound = target.local_addr().unwrap_or(nowhere);
                server.accept(client.engine(), bound);
                return relay(client, target).await;
            }
            Err(refused) => refused,
        },
        (ProxyRequest::Bind(expected), Some((_, proxy))) => {
            match accept_peer(&mut client, server, &expected, proxy).await? {
                Some((caller, address)) => {
                    server.peer_connected(client.engine(), address);
                    return relay(client, caller).await;
                }
                None => ProxyError::NoPeer,
            }
        }
        (ProxyRequest::UdpAssociate(says), Some((from, proxy))) => {
            let datagrams = UdpRelay::new(server.clone(), from, &says);
            return relay_datagrams(client, server, datagrams, proxy).await;
        }
        (_, None) => ProxyError::Unsupported,
    };
    server.refuse(client.engine(), refused);
    let _ = client.finish(handshake_timeout).await;
    Err(Error::local(origin::PROXY, refused))
}

/// Listens for the peer that a client of BIND expects; `None` if it does not come in time.
async fn accept_peer<L>(
    client: &mut Connection<L>,
    server: &ProxyServer,
    expected: &Endpoint,
    proxy: SocketAddr,
) -> Result<Option<(Connection<Identity>, SocketAddr)>, Error>
where
    L: Layer<In = Pipe, Out = Pipe> + 'static,
{
    let at = SocketAddr::new(proxy.ip(), 0);
    let runtime = client.runtime.clone();
    let mut listener = Listener::bind_on(runtime.clone(), at).map_err(socket)?;
    server.accept(client.engine(), listener.local_addr().map_err(socket)?);
    client.set_open_timeout(2 * BIND_TIMEOUT);
    let mut late = pin!(sleep(&*runtime, BIND_TIMEOUT));
    // A client that has nothing more to say before the peer is there has left.
    let mut leaves = pin!(client.wait_for(|engine| engine.from_wire().is_closed().then_some(())));
    poll_fn(|cx| {
        while let Poll::Ready(accepted) = listener.poll_accept(cx) {
            let (io, address) = accepted.map_err(socket)?;
            if server.matches_expected_peer(expected, address) {
                let caller = Connection::new(runtime.clone(), io, Engine::new(Identity));
                return Poll::Ready(Ok(Some((caller, address))));
            }
        }
        if let Poll::Ready(left) = leaves.as_mut().poll(cx) {
            return Poll::Ready(Err(left
                .err()
                .unwrap_or(Error::peer(origin::CONNECTION, Ended))));
        }
        let late = late.as_mut().poll(cx);
        late.map(|late| {
            late.map(|()| None)
                .map_err(|error| Error::local(origin::RUNTIME, error))
        })
    })
    .await
}

/// Connects to one of the addresses that the server permits.
async fn reach(
    runtime: &Arc<dyn Runtime>,
    target: Endpoint,
    server: &ProxyServer,
) -> Result<Connection<Identity>, ProxyError> {
    if let Ok(ip) = target.host.parse::<IpAddr>() {
        server.permitted([SocketAddr::new(ip, target.port)])?; // it is not looked up
    }
    let name = target.to_string();
    let plan = Plan::new(target, vec![name], |_, _| Ok(Identity));
    let context = DialContext::new().runtime(runtime.clone());
    let context = context.resolver(Permitted(server.clone(), runtime.clone()));
    let dialer = Dialer::new(plan, Timeouts::default(), seed(), runtime.now());
    let error = match context.dial(dialer).await {
        Ok((connection, _)) => return Ok(connection),
        Err(error) => error,
    };
    let cause = |error: &Error| error.cause::<io::Error>().map(io::Error::kind);
    Err(match error.reason() {
        Reason::NotResolved { error, .. } => {
            let refused = error
                .cause::<io::Error>()
                .and_then(|it| it.get_ref()?.downcast_ref());
            refused.copied().unwrap_or(ProxyError::HostNotFound)
        }
        Reason::Unreached { tried, .. } => {
            let kind = tried.iter().find_map(|it| cause(&it.error));
            ProxyError::Unreachable(kind.unwrap_or(io::ErrorKind::TimedOut))
        }
        _ => ProxyError::Unreachable(io::ErrorKind::TimedOut),
    })
}

/// Finds only the addresses that a server permits.
struct Permitted(ProxyServer, Arc<dyn Runtime>);

impl Resolve for Permitted {
    fn resolve(&self, host: String, port: u16) -> AddressStream {
        let (server, found) = (self.0.clone(), self.1.lookup(host, port));
        lookup(async move {
            server
                .permitted(all(found).await?)
                .map_err(io::Error::other)
        })
    }
}

/// How long the peer of a BIND request is waited for.
const BIND_TIMEOUT: Duration = Duration::from_secs(60);
