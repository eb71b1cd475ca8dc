//! The route by which a connection was opened.

use crate::report::id::Destination;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// The route by which a connection was opened: its proxies, its target, and the address that this
/// machine connected to.
///
/// It shows as `http://proxy.test:3128 (192.0.2.7:3128), then wss://example.org:443`, and it has no
/// user, password or query.
///
/// ```
/// use wirestack_dial::RouteTaken;
///
/// fn show(route: &RouteTaken) {
///     println!("{} through {:?}", route.target(), route.hops());
///     println!("the first connection went to {}", route.destination());
///     if let Some(address) = route.address() {
///         println!("which is an address: {address}");
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTaken(Arc<Taken>);

/// It is shared: a connection keeps it as long as it lives.
#[derive(Debug, PartialEq, Eq)]
struct Taken {
    hops: Vec<String>,
    target: String,
    to: Destination,
}

impl RouteTaken {
    pub(crate) fn new(hops: Vec<String>, target: String, to: Destination) -> Self {
        Self(Arc::new(Taken { hops, target, to }))
    }

    /// Returns the URL of each proxy, the nearest first. A direct route has none.
    pub fn hops(&self) -> &[String] {
        &self.0.hops
    }

    /// Returns the URL of the target: behind all redirects, the last one.
    pub fn target(&self) -> &str {
        &self.0.target
    }

    /// Returns the other end of the connection that this machine opened: of the nearest proxy, or of
    /// the target on a direct route.
    pub fn destination(&self) -> &Destination {
        &self.0.to
    }

    /// Returns the address of [`destination`](Self::destination), if it has one.
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.to.address()
    }
}

impl fmt::Display for RouteTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Taken { hops, target, to } = &*self.0;
        let parts = hops.iter().chain([target]);
        for (n, part) in parts.enumerate() {
            match n {
                0 => write!(f, "{part} ({to})")?,
                _ => write!(f, ", then {part}")?,
            }
        }
        Ok(())
    }
}
