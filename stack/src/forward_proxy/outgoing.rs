//! The connections to targets, by the routes of a connector.

use crate::connect::{ByteStream, Connector};
use crate::driver::runtime::Runtime;
use crate::driver::server::outgoing::{PermittedResolver, Refused, permitted_target};
use std::sync::Arc;
use wirestack_dial::Endpoint;
use wirestack_dial::serve::{ProxyError, ProxyServer};

/// Connects to a target by the routes of `upstream`. If this machine looks its name up, it is
/// connected to at one of the addresses that the server permits.
pub(super) async fn connect_to(
    runtime: &Arc<dyn Runtime>,
    target: Endpoint,
    server: &ProxyServer,
    upstream: &Connector,
) -> Result<ByteStream, Refused> {
    let target = permitted_target(server, target)?;
    let url = format!("tcp://{target}");
    let upstream = permitted_connector(runtime, &url, &target, server, upstream)?;
    Ok(upstream.stream(&url).await?)
}

/// Returns a connector that looks the target, whose URL this is, up as the policy wants it.
pub(super) fn permitted_connector(
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
