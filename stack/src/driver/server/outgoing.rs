//! The connections of a proxy to the targets of its clients.

use crate::driver::dial::DialContext;
use crate::driver::error::seeds;
use crate::driver::io::Connection;
use crate::driver::runtime::{
    AddressStream, BoxFuture, Resolve, Runtime, collect_addresses, single_lookup,
};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use wirestack_dial::serve::{ProxyError, ProxyServer, ProxyTarget};
use wirestack_dial::{DialError, Dialer, Endpoint, Plan, Reason, Routes, Target};
use wirestack_layer::Error;
use wirestack_nest::BoxTunnel;

/// The reason that a target was not connected to.
pub(crate) struct Refused {
    /// The reason for the client.
    pub(crate) error: ProxyError,
    /// The whole reason, for a log. The client does not get it: it may name hops and addresses.
    pub(crate) detail: String,
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

/// A function that connects to the targets of a proxy.
pub(crate) type ConnectTo =
    dyn Fn(Endpoint) -> BoxFuture<Result<Connection<BoxTunnel>, Refused>> + Send + Sync;

/// Connects to a target without another proxy, at one of the addresses that the server permits.
pub(crate) async fn connect_directly(
    runtime: Arc<dyn Runtime>,
    target: Endpoint,
    server: ProxyServer,
) -> Result<Connection<BoxTunnel>, Refused> {
    let target = permitted_target(&server, target)?;
    let url = format!("tcp://{target}");
    let timeouts = server.timeouts().connect;
    let lookups = DialContext::new();
    let resolver = PermittedResolver::new(&url, &target, server, runtime.clone(), lookups)?;
    let target = url.parse().map_err(|_| ProxyError::HostNotFound)?;
    let plan = Plan::stream(Routes::hops(Vec::new()), target, None, None);
    let plan = plan.map_err(|_| ProxyError::HostNotFound)?;
    let dialer = Dialer::new(plan, timeouts, seeds(), runtime.now());
    let context = DialContext::new().runtime(runtime).resolver(resolver);
    let (connection, _) = context.dial(dialer).await?;
    Ok(connection)
}

/// Returns the target if the policy permits it. An address is written in its usual form, as the
/// policy has read it: this is the only question about it.
pub(crate) fn permitted_target(
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
pub(crate) struct PermittedResolver {
    server: ProxyServer,
    target: Endpoint,
    runtime: Arc<dyn Runtime>,
    lookups: DialContext,
}

impl PermittedResolver {
    /// Creates the resolver for a target and its URL, which looks names up as `lookups` does.
    pub(crate) fn new(
        url: &str,
        target: &Endpoint,
        server: ProxyServer,
        runtime: Arc<dyn Runtime>,
        lookups: DialContext,
    ) -> Result<Self, ProxyError> {
        Ok(Self {
            server,
            target: same_endpoint(url, target).ok_or(ProxyError::HostNotFound)?,
            runtime,
            lookups,
        })
    }
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
