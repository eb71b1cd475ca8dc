//! Serving one client of a proxy.

use super::datagrams::relay_datagrams;
use super::runtime::now;
use super::{Connection, Ended, Found, Outside, Relayed, Resolve, Transport, dial, relay};
use crate::dial::{Dialer, Endpoint, Plan, Reason, Timeouts};
use crate::driver::polled::one;
use crate::driver::{seed, socket};
use crate::{Datagrams, Engine, Error, Flow, Gate, Layer, Pipe, Plain, Refused, Wants};
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::time::sleep;

/// Serves one client of a proxy from its handshake to the end of its tunnel: waits for the request,
/// connects if the gate's policy permits, answers and relays. For BIND and UDP ASSOCIATE of SOCKS,
/// which the server layer has to [serve](crate::socks::Server::serving), the gate has to know
/// [between](Gate::between) whom the connection is.
///
/// # Errors
///
/// What ended the handshake or cut the tunnel short, or the refusal.
pub async fn serve_proxy<S, L>(
    mut client: Connection<S, L>,
    gate: &Gate,
    handshake: Duration,
) -> Result<Relayed, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    L: Layer<In = Pipe, Out = Pipe>,
{
    client.open_within(handshake);
    let wants = match client.until(|engine| gate.request(engine, now())).await {
        Ok(wants) => wants,
        Err(error) => {
            // A refusal waits until it was read; how that ends tells nothing more.
            let _ = client.finish(handshake).await;
            return Err(error);
        }
    };
    let refused = match (wants, gate.ends()) {
        (Wants::Connection(target), _) => match reach(target, gate).await {
            Ok(server) => {
                let bound = match server.transport() {
                    Some(Transport::Tcp(io)) => io.local_addr().map_err(socket)?,
                    _ => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0),
                };
                gate.accept(client.engine(), bound);
                return relay(client, server).await;
            }
            Err(refused) => refused,
        },
        (Wants::Call(expected), Some((_, proxy))) => {
            match called(&mut client, gate, &expected, proxy).await? {
                Some((io, caller)) => {
                    gate.called(client.engine(), caller);
                    return relay(client, Connection::tcp(io, Engine::new(Plain))).await;
                }
                None => Refused::NotCalled,
            }
        }
        (Wants::Datagrams(says), Some((from, proxy))) => {
            let datagrams = Datagrams::new(gate.clone(), from, &says);
            return relay_datagrams(client, gate, datagrams, proxy).await;
        }
        (_, None) => Refused::NotServed,
    };
    gate.refuse(client.engine(), refused);
    let _ = client.finish(handshake).await;
    Err(Error::local("proxy", refused))
}

/// Listens for the one whom a client expects; `None` if nobody comes in time.
async fn called<S, L>(
    client: &mut Connection<S, L>,
    gate: &Gate,
    expected: &Endpoint,
    proxy: SocketAddr,
) -> Result<Option<(TcpStream, SocketAddr)>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    L: Layer<In = Pipe, Out = Pipe>,
{
    let at = SocketAddr::new(proxy.ip(), 0);
    let listener = TcpListener::bind(at).await.map_err(socket)?;
    gate.accept(client.engine(), listener.local_addr().map_err(socket)?);
    client.open_within(2 * PATIENCE);
    let mut late = pin!(sleep(PATIENCE));
    // Who has nothing more to say before anybody called has left.
    let mut leaves = pin!(client.until(|engine| engine.from_wire().is_closed().then_some(())));
    poll_fn(|cx| {
        while let Poll::Ready(called) = listener.poll_accept(cx) {
            let (io, caller) = called.map_err(socket)?;
            if gate.admits(expected, caller) {
                return Poll::Ready(Ok(Some((io, caller))));
            }
        }
        if let Poll::Ready(left) = leaves.as_mut().poll(cx) {
            return Poll::Ready(Err(left.err().unwrap_or(Error::peer("connection", Ended))));
        }
        late.as_mut().poll(cx).map(|()| Ok(None))
    })
    .await
}

/// Connects to one of the addresses that the gate permits.
async fn reach(target: Endpoint, gate: &Gate) -> Result<Connection<Transport, Plain>, Refused> {
    if let Ok(ip) = target.host.parse::<IpAddr>() {
        gate.permitted([SocketAddr::new(ip, target.port)])?; // it is not looked up
    }
    let name = target.to_string();
    let plan = Plan::new(target, vec![name], |_, _| Ok(Plain));
    let outside = Outside::default().resolver(Permitted(gate.clone()));
    let dialer = Dialer::new(plan, Timeouts::default(), seed(), now());
    let error = match dial(dialer, &outside).await {
        Ok((connection, _)) => return Ok(connection),
        Err(error) => error,
    };
    let cause = |error: &Error| error.cause::<io::Error>().map(io::Error::kind);
    Err(match error.reason() {
        Reason::NotResolved { error, .. } => {
            let refused = error
                .cause::<io::Error>()
                .and_then(|it| it.get_ref()?.downcast_ref());
            refused.copied().unwrap_or(Refused::NotFound)
        }
        Reason::Unreached { tried, .. } => {
            let kind = tried.iter().find_map(|it| cause(&it.error));
            Refused::Unreachable(kind.unwrap_or(io::ErrorKind::TimedOut))
        }
        _ => Refused::Unreachable(io::ErrorKind::TimedOut),
    })
}

/// Finds only what a gate permits.
struct Permitted(Gate);

impl Resolve for Permitted {
    fn resolve(&self, host: String, port: u16) -> Found {
        let gate = self.0.clone();
        one(async move {
            let found = lookup_host((host, port)).await?;
            gate.permitted(found).map_err(io::Error::other)
        })
    }
}

/// How long a caller is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
