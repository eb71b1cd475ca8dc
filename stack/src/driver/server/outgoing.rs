//! The connections of a proxy to the targets of its clients.

use crate::connect::{ByteStream, Connector};
use crate::driver::dial::DialContext;
use crate::driver::runtime::{AddressStream, Resolve, Runtime, collect_addresses, single_lookup};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use wirestack_dial::serve::{ProxyError, ProxyServer, ProxyTarget};
use wirestack_dial::{DialError, Endpoint, Reason, Target};
use wirestack_layer::Error;

/// The reason that a target was not connected to.
pub(super) struct Refused {
    /// The reason for the client.
    pub(super) error: ProxyError,
    /// The whole reason, for a log. The client does not get it: it may name hops and addresses.
    pub(super) detail: String,
}

impl From<ProxyError> for Refused {
    fn from(error: ProxyError) -> Self {
        let detail = error.to_string();
        Self { error, detail }
    }
}

impl From<DialError> for Refused {
    fn from(error: DialError) -> Self {
        Self {
            detail: error.to_string(),
            error: reason(&error),
        }
    }
}

/// Connects to a target, by the routes of `upstream`. If this machine looks its name up, it is
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

/// Returns the target if the policy permits it. An address is written in its usual form, as the
/// policy has read it: this is the only question about it.
pub(super) fn permitted_target(
    server: &ProxyServer,
    target: Endpoint,
) -> Result<Endpoint, ProxyError> {
    Ok(match server.target(&target)? {
        ProxyTarget::Address(at) => Endpoint {
            host: at.ip().to_string(),
            port: at.port(),
        },
        ProxyTarget::Name(target) => target,
    })
}

/// Returns a connector that looks the target, whose URL this is, up as the policy wants it.
pub(super) fn permitted_connector(
    runtime: &Arc<dyn Runtime>,
    url: &str,
    target: &Endpoint,
    server: &ProxyServer,
    upstream: &Connector,
) -> Result<Connector, ProxyError> {
    let resolver = PermittedResolver {
        server: server.clone(),
        target: same_endpoint(url, target).ok_or(ProxyError::HostNotFound)?,
        runtime: runtime.clone(),
        lookups: upstream.spec.context.clone(),
    };
    let upstream = upstream.clone().runtime(runtime.clone());
    let upstream = upstream.timeouts(server.timeouts().connect);
    Ok(upstream.resolver(resolver))
}

/// Returns the endpoint of a URL, if it is this one. A host that a URL changes, such as
/// `loc%61lhost`, would be another one than the policy was asked about.
fn same_endpoint(url: &str, target: &Endpoint) -> Option<Endpoint> {
    let read: Target = url.parse().ok()?;
    let read = read.endpoint();
    let is_same = match (read.host.parse::<IpAddr>(), target.host.parse::<IpAddr>()) {
        (Ok(one), Ok(other)) => one == other,
        _ => read.host.eq_ignore_ascii_case(&target.host),
    };
    (is_same && read.port == target.port).then(|| read.clone())
}

fn reason(error: &DialError) -> ProxyError {
    let io_kind = |error: &Error| error.cause::<io::Error>().map(io::Error::kind);
    match error.reason() {
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
        Reason::Layer { .. } | Reason::NotAuthenticated { .. } | Reason::RoutesNotFound { .. } => {
            ProxyError::Upstream
        }
        Reason::Invalid(_) => ProxyError::HostNotFound,
        _ => ProxyError::Unreachable(io::ErrorKind::TimedOut),
    }
}

/// A resolver that returns only those addresses of the target that a proxy server permits. The
/// hops before it are the choice of the server's operator, so they are looked up as ever.
struct PermittedResolver {
    server: ProxyServer,
    target: Endpoint,
    runtime: Arc<dyn Runtime>,
    lookups: DialContext,
}

impl Resolve for PermittedResolver {
    fn resolve(&self, host: String, port: u16) -> AddressStream {
        let found = self.lookups.resolve(&*self.runtime, host.clone(), port);
        let is_target = host.eq_ignore_ascii_case(&self.target.host) && port == self.target.port;
        if !is_target {
            return found;
        }
        let server = self.server.clone();
        single_lookup(async move {
            server
                .permitted(&Endpoint { host, port }, collect_addresses(found).await?)
                .map_err(io::Error::other)
        })
    }
}
