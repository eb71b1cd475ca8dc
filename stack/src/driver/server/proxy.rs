//! Serving one client of a proxy: waits for its request, connects to the target and relays.

use super::accept::Accepting;
use super::deciding::{failure, unless};
use super::entry::Entry;
use super::outgoing::{ConnectTo, connect_directly};
use super::udp_relay::{at_any_port, relay_datagrams, socket_for_client};
use crate::driver::io::{Connection, Ended, Relay, Relayed};
use crate::driver::runtime::{Listener, sleep};
use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use wirestack_dial::Endpoint;
use wirestack_dial::serve::{ProxyError, ProxyRequest, ProxyServer, UdpRelay};
use wirestack_layer::{Error, Flow, Layer, Pipe, origin};
use wirestack_nest::{BoxTunnel, Engine, Identity};

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
    client: Connection<L>,
    server: &ProxyServer,
    handshake_timeout: Duration,
) -> Result<Relayed, Error>
where
    L: Layer<In = Pipe, Out = Pipe> + 'static,
{
    let mut entry = Entry::unwritten(client.runtime.clone());
    // Boxed, so that its memory is free while a tunnel carries bytes.
    let relay = Box::pin(open_directly(client, server, handshake_timeout, &mut entry)).await;
    let served = match relay {
        Ok(Some(relay)) => {
            let idle = server.timeouts().idle;
            relay.run(idle, &mut entry.relayed).await
        }
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    entry.end(&served);
    served.map(|()| entry.relayed)
}

/// Opens the tunnel of a client from this machine.
async fn open_directly<L>(
    client: Connection<L>,
    server: &ProxyServer,
    handshake_timeout: Duration,
    entry: &mut Entry,
) -> Result<Option<Box<Relay<L, BoxTunnel>>>, Error>
where
    L: Layer<In = Pipe, Out = Pipe> + 'static,
{
    let (runtime, policy) = (client.runtime.clone(), server.clone());
    let direct: Box<ConnectTo> =
        Box::new(move |target| Box::pin(connect_directly(runtime.clone(), target, policy.clone())));
    let opened = open_tunnel(client, server, handshake_timeout, &*direct, entry).await?;
    Ok(opened.map(|it| Relay::between(it.client, it.target)))
}

/// A tunnel that is open: what comes from one connection is for the other one.
pub(crate) struct Opened<L: Layer> {
    pub(crate) client: Connection<L>,
    pub(crate) target: Connection<BoxTunnel>,
}

/// Serves one client as [`serve_proxy`] does, up to its tunnel; `None` if there is none to be
/// relayed, and everything is done. It notes in `entry` what happens.
pub(crate) async fn open_tunnel<L>(
    mut client: Connection<L>,
    server: &ProxyServer,
    handshake_timeout: Duration,
    connect_to: &ConnectTo,
    entry: &mut Entry,
) -> Result<Option<Opened<L>>, Error>
where
    L: Layer<In = Pipe, Out = Pipe> + 'static,
{
    client.set_open_timeout(handshake_timeout);
    let runtime = client.runtime.clone();
    let request = client.wait_for(|engine| {
        let request = server.request(engine, runtime.now());
        if request.is_some() {
            entry.note_user(engine);
        }
        request
    });
    let request = match request.await {
        Ok(request) => request,
        Err(error) => {
            // The client has to read the refusal. The result of that changes nothing here.
            let _ = client.finish(handshake_timeout).await;
            return Err(error);
        }
    };
    entry.note_request(&request);
    client.set_open_timeout(Duration::MAX); // what follows has times of its own
    let refused = match (request, server.addresses()) {
        (ProxyRequest::Connect(target), _) => {
            let connecting = connect_to(target);
            match unless(failure(&mut client), connecting).await? {
                Ok(target) => {
                    let unknown = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
                    let bound = target.local_addr().unwrap_or(unknown);
                    server.accept(client.engine(), bound);
                    return Ok(Some(Opened { client, target }));
                }
                Err(refused) => {
                    entry.note_refusal(&refused);
                    refused.error
                }
            }
        }
        (ProxyRequest::Bind(expected), Some((_, proxy))) => {
            let listener = Listener::bind_on(runtime.clone(), at_any_port(proxy));
            match listener.and_then(|listener| Ok((listener.local_addr()?, listener))) {
                Ok((bound, listener)) => {
                    server.accept(client.engine(), bound);
                    let accepting = accept_peer(&mut client, server, &expected, listener);
                    if let Some((peer, address)) = accepting.await? {
                        server.peer_connected(client.engine(), address);
                        let target = peer.boxed();
                        return Ok(Some(Opened { client, target }));
                    }
                    ProxyError::NoPeer
                }
                Err(error) => entry.note_no_socket(&error),
            }
        }
        (ProxyRequest::UdpAssociate(source), Some((from, proxy))) => {
            let datagrams = UdpRelay::new(server.clone(), from, &source);
            match socket_for_client(&*runtime, proxy) {
                Ok(socket) => {
                    let relayed = &mut entry.relayed;
                    relay_datagrams(client, server, datagrams, socket, relayed).await?;
                    return Ok(None);
                }
                Err(error) => entry.note_no_socket(&error),
            }
        }
        (_, None) => ProxyError::Unsupported,
    };
    server.refuse(client.engine(), refused);
    let _ = client.finish(handshake_timeout).await;
    Err(Error::local(origin::PROXY, refused))
}

/// Waits for the connection of the peer that a BIND request expects; `None` if it does not arrive
/// in time, or the listener is dead. The errors of other connections, which anybody can cause, end
/// nothing.
async fn accept_peer<L>(
    client: &mut Connection<L>,
    server: &ProxyServer,
    expected: &Endpoint,
    listener: Listener,
) -> Result<Option<(Connection<Identity>, SocketAddr)>, Error>
where
    L: Layer<In = Pipe, Out = Pipe> + 'static,
{
    let runtime = client.runtime.clone();
    let mut accepting = Accepting::new(listener, Box::new(|_| ()));
    let mut late = pin!(sleep(&*runtime, server.timeouts().bind));
    // A client that ends its side before the peer has connected has left.
    let mut leaves = pin!(client.wait_for(|engine| engine.from_wire().is_closed().then_some(())));
    poll_fn(|cx| {
        let mut strangers = 0;
        while let Poll::Ready(accepted) = accepting.poll_accept(&*runtime, cx) {
            let Ok((io, address)) = accepted else {
                return Poll::Ready(Ok(None));
            };
            if server.matches_expected_peer(expected, address) {
                let peer = Connection::new(runtime.clone(), io, Engine::new(Identity));
                return Poll::Ready(Ok(Some((peer, address))));
            }
            strangers += 1;
            if strangers == MAX_STRANGERS {
                runtime.yield_now(cx);
                break;
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

/// The number of unexpected peers of a BIND after which other tasks have their turn.
const MAX_STRANGERS: usize = 32;
