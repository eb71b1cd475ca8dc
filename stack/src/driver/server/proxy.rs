//! Serving one client of a proxy: waits for its request, connects to the target and relays.

use super::deciding::{failure, unless};
use super::udp_relay::relay_datagrams;
use crate::driver::dial::DialContext;
use crate::driver::error::{seed, socket};
use crate::driver::io::{Connection, Ended, Relayed, relay_with_timeout};
use crate::driver::runtime::{
    AddressStream, Listener, Resolve, Runtime, collect_addresses, single_lookup, sleep,
};
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use wirestack_dial::serve::{ProxyError, ProxyRequest, ProxyServer, ProxyTarget, UdpRelay};
use wirestack_dial::{Dialer, Endpoint, Plan, Reason};
use wirestack_layer::{Error, Flow, Layer, Pipe, origin};
use wirestack_nest::{Engine, Identity};

/// Serves one client of a proxy from its handshake to the end of its tunnel: waits for the request,
/// connects if the access policy permits it, answers and relays. Returns the number of relayed
/// bytes.
///
/// The handshake may take `handshake_timeout`, counted from the call, and so may a refusal. The
/// [time-outs of the server](ProxyServer::with_timeouts) bound what follows. A client that resets
/// its connection while its target is connected to has left.
///
/// BIND and UDP ASSOCIATE of SOCKS5 (RFC 1928 §4) need a server layer that
/// [serves](crate::socks::Server::serving) them, and a `server` that knows
/// [both addresses](ProxyServer::with_addresses) of the client's connection.
///
/// # Errors
///
/// The error that ended the handshake or aborted the tunnel, or the [`ProxyError`] that refused the
/// request, or [`RelayIdle`](crate::RelayIdle).
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use wirestack::runtime::Listener;
/// use wirestack::{Accepted, AccessPolicy, Connection, Engine, ProxyServer};
/// use wirestack::{serve, serve_proxy, socks};
///
/// let proxy = ProxyServer::socks(AccessPolicy::public());
/// serve(Listener::bind("127.0.0.1:1080")?, move |client: Accepted| {
///     let proxy = proxy.clone();
///     async move {
///         let (peer, engine) = (client.peer_addr(), Engine::new(socks::Server::new()));
///         let served = async {
///             let client = Connection::from_transport(client, engine)?;
///             serve_proxy(client, &proxy, Duration::from_secs(10)).await
///         };
///         match served.await {
///             Ok(relayed) => println!("{peer}: {} bytes sent", relayed.sent),
///             Err(error) => eprintln!("{peer}: {error}"),
///         }
///     }
/// })
/// .await?;
/// # Ok(())
/// # }
/// ```
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
            // The client has to read the refusal. The result of that changes nothing here.
            let _ = client.finish(handshake_timeout).await;
            return Err(error);
        }
    };
    let timeouts = server.timeouts();
    client.set_open_timeout(Duration::MAX); // what follows has times of its own
    let refused = match (request, server.addresses()) {
        (ProxyRequest::Connect(target), _) => {
            let connecting = connect_to(&runtime, target, server);
            match unless(failure(&mut client), connecting).await? {
                Ok(target) => {
                    let unknown = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
                    let bound = target.local_addr().unwrap_or(unknown);
                    server.accept(client.engine(), bound);
                    return relay_with_timeout(client, target, timeouts.idle).await;
                }
                Err(refused) => refused,
            }
        }
        (ProxyRequest::Bind(expected), Some((_, proxy))) => {
            match accept_peer(&mut client, server, &expected, proxy).await? {
                Some((peer, address)) => {
                    server.peer_connected(client.engine(), address);
                    return relay_with_timeout(client, peer, timeouts.idle).await;
                }
                None => ProxyError::NoPeer,
            }
        }
        (ProxyRequest::UdpAssociate(source), Some((from, proxy))) => {
            let datagrams = UdpRelay::new(server.clone(), from, &source);
            return relay_datagrams(client, server, datagrams, proxy).await;
        }
        (_, None) => ProxyError::Unsupported,
    };
    server.refuse(client.engine(), refused);
    let _ = client.finish(handshake_timeout).await;
    Err(Error::local(origin::PROXY, refused))
}

/// Waits for the connection of the peer that a BIND request expects; `None` if it does not arrive
/// in time.
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
    let mut late = pin!(sleep(&*runtime, server.timeouts().bind));
    // A client that ends its side before the peer has connected has left.
    let mut leaves = pin!(client.wait_for(|engine| engine.from_wire().is_closed().then_some(())));
    poll_fn(|cx| {
        while let Poll::Ready(accepted) = listener.poll_accept(cx) {
            let (io, address) = accepted.map_err(socket)?;
            if server.matches_expected_peer(expected, address) {
                let peer = Connection::new(runtime.clone(), io, Engine::new(Identity));
                return Poll::Ready(Ok(Some((peer, address))));
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

/// Connects to a target, at one of the addresses that the server permits.
async fn connect_to(
    runtime: &Arc<dyn Runtime>,
    target: Endpoint,
    server: &ProxyServer,
) -> Result<Connection<Identity>, ProxyError> {
    let name = target.to_string();
    // An address is not looked up, so this is the only question about it.
    let endpoint = match server.target(&target)? {
        ProxyTarget::Address(at) => Endpoint {
            host: at.ip().to_string(),
            port: at.port(),
        },
        ProxyTarget::Name(target) => target,
    };
    let plan = Plan::new(endpoint, vec![name], |_, _| Ok(Identity));
    let context = DialContext::new().runtime(runtime.clone());
    let context = context.resolver(PermittedResolver(server.clone(), runtime.clone()));
    let dialer = Dialer::new(plan, server.timeouts().connect, seed(), runtime.now());
    let error = match context.dial(dialer).await {
        Ok((connection, _)) => return Ok(connection),
        Err(error) => error,
    };
    let io_kind = |error: &Error| error.cause::<io::Error>().map(io::Error::kind);
    Err(match error.reason() {
        Reason::NotResolved { error, .. } => {
            let refused = error
                .cause::<io::Error>()
                .and_then(|error| error.get_ref()?.downcast_ref());
            refused.copied().unwrap_or(ProxyError::HostNotFound)
        }
        Reason::Unreached { tried, .. } => {
            let kind = tried.iter().find_map(|unreached| io_kind(&unreached.error));
            ProxyError::Unreachable(kind.unwrap_or(io::ErrorKind::TimedOut))
        }
        _ => ProxyError::Unreachable(io::ErrorKind::TimedOut),
    })
}

/// A resolver that returns only the addresses that a proxy server permits.
struct PermittedResolver(ProxyServer, Arc<dyn Runtime>);

impl Resolve for PermittedResolver {
    fn resolve(&self, host: String, port: u16) -> AddressStream {
        let (server, found) = (self.0.clone(), self.1.lookup(host.clone(), port));
        single_lookup(async move {
            server
                .permitted(&Endpoint { host, port }, collect_addresses(found).await?)
                .map_err(io::Error::other)
        })
    }
}
