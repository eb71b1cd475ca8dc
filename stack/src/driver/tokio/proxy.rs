//! Serving one client of a proxy.

use super::{Connection, Relayed, now, relay, socket};
use crate::{Engine, Error, Gate, Layer, Pipe, Refused};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};

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
    let reached = match lookup_host((target.host.as_str(), target.port)).await {
        Ok(found) => match gate.permitted(found) {
            Ok(permitted) => first(&permitted).await,
            Err(refused) => Err(refused),
        },
        Err(_) => Err(Refused::NotFound),
    };
    match reached {
        Ok(io) => {
            let bound = io.local_addr().map_err(socket)?;
            gate.accept(client.engine(), bound);
            let server = Connection::tcp(io, Engine::new(crate::Plain));
            relay(client, server).await
        }
        Err(refused) => {
            gate.refuse(client.engine(), refused);
            let _ = client.finish(handshake).await;
            Err(Error::local("proxy", refused))
        }
    }
}

/// Connects to the first address that can be connected to.
async fn first(addresses: &[std::net::SocketAddr]) -> Result<TcpStream, Refused> {
    TcpStream::connect(addresses)
        .await
        .map_err(|error| Refused::Unreachable(error.kind()))
}
