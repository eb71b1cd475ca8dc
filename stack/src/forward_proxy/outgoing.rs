//! The connections to targets: by the routes of a connector, or by a function of the program.

use crate::connect::{ByteStream, Connector, HyperStream};
use crate::driver::runtime::{BoxFuture, Runtime, sleep};
use crate::driver::server::deciding::unless;
use crate::driver::server::outgoing::{PermittedResolver, Refused, permitted_target};
use http::Uri;
use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use tower_service::Service;
use wirestack_dial::Endpoint;
use wirestack_dial::serve::{ProxyError, ProxyServer};

/// The way to the targets.
#[derive(Clone)]
pub(super) enum Upstream {
    Connector(Arc<Connector>),
    Function(Arc<ConnectWith>),
}

/// A function of the program that connects to targets.
pub(super) type ConnectWith =
    dyn Fn(Endpoint) -> BoxFuture<Result<ByteStream, ConnectError>> + Send + Sync;

/// The reason that a function of the program has not connected.
pub(super) type ConnectError = Box<dyn StdError + Send + Sync>;

/// Opens a tunnel to a target. If this machine looks its name up, it is connected to at one of the
/// addresses that the server permits.
pub(super) async fn connect_to(
    runtime: &Arc<dyn Runtime>,
    target: Endpoint,
    server: &ProxyServer,
    upstream: &Upstream,
) -> Result<ByteStream, Refused> {
    let target = permitted_target(server, target)?;
    match upstream {
        Upstream::Connector(connector) => {
            let url = format!("tcp://{target}");
            let connector = permitted_connector(runtime, &url, &target, server, connector)?;
            Ok(connector.stream(&url).await?)
        }
        Upstream::Function(connect) => connect_with(runtime, target, server, &**connect).await,
    }
}

/// Connects to a target that is permitted, or to a proxy that forwards requests to it. The URI is
/// that of the target.
pub(super) async fn connect_for_requests(
    runtime: &Arc<dyn Runtime>,
    target: &Endpoint,
    uri: Uri,
    server: &ProxyServer,
    upstream: &Upstream,
) -> Result<HyperStream, Refused> {
    match upstream {
        Upstream::Connector(connector) => {
            let url = uri.to_string();
            let mut connector = permitted_connector(runtime, &url, target, server, connector)?;
            Ok(connector.call(uri).await?)
        }
        Upstream::Function(connect) => {
            let connected = connect_with(runtime, target.clone(), server, &**connect);
            Ok(HyperStream::http1(connected.await?))
        }
    }
}

async fn connect_with(
    runtime: &Arc<dyn Runtime>,
    target: Endpoint,
    server: &ProxyServer,
    connect: &ConnectWith,
) -> Result<ByteStream, Refused> {
    let late = sleep(&**runtime, server.timeouts().connect.total);
    match unless(late, connect(target)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(Refused {
            error: ProxyError::Upstream,
            detail: error.to_string(),
        }),
        Err(_) => Err(ProxyError::Unreachable(io::ErrorKind::TimedOut).into()),
    }
}

/// Returns a connector that looks the target, whose URL this is, up as the policy wants it.
fn permitted_connector(
    runtime: &Arc<dyn Runtime>,
    url: &str,
    target: &Endpoint,
    server: &ProxyServer,
    upstream: &Connector,
) -> Result<Connector, ProxyError> {
    let (runtime, lookups) = (runtime.clone(), upstream.spec.context.clone());
    let resolver = PermittedResolver::new(url, target, server.clone(), runtime.clone(), lookups)?;
    let upstream = upstream.clone().runtime(runtime);
    let upstream = upstream.timeouts(server.timeouts().connect);
    Ok(upstream.resolver(resolver))
}
