//! Serving one client of a proxy.

use super::runtime::now;
use super::{Connection, Found, Outside, Relayed, Resolve, Transport, dial, relay};
use crate::dial::{Dialer, Endpoint, Plan, Reason, Timeouts};
use crate::driver::polled::one;
use crate::driver::{seed, socket};
use crate::{Error, Gate, Layer, Pipe, Plain, Refused};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::lookup_host;

/// Serves one client of a proxy from its handshake to the end of its tunnel: waits for the request,
/// connects if the gate's policy permits, answers and relays.
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
    let target = match client.until(|engine| gate.request(engine, now())).await {
        Ok(target) => target,
        Err(error) => {
            // A refusal waits until it was read; how that ends tells nothing more.
            let _ = client.finish(handshake).await;
            return Err(error);
        }
    };
    let reached = reach(target, gate).await;
    match reached {
        Ok(server) => {
            let bound = match server.transport() {
                Some(Transport::Tcp(io)) => io.local_addr().map_err(socket)?,
                _ => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0),
            };
            gate.accept(client.engine(), bound);
            relay(client, server).await
        }
        Err(refused) => {
            gate.refuse(client.engine(), refused);
            let _ = client.finish(handshake).await;
            Err(Error::local("proxy", refused))
        }
    }
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
