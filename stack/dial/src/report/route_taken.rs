//! The route by which a connection was opened.

use crate::report::id::Destination;
use crate::route::endpoint::Endpoint;
use crate::route::scheme::Proxy;
use crate::route::target::Target;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

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
#[derive(Clone)]
pub struct RouteTaken(Arc<Taken>);

/// It is shared: a connection keeps it as long as it lives.
struct Taken {
    hops: Vec<(Proxy, Endpoint)>,
    end: RouteEnd,
    to: Destination,
    /// Made when they are asked for.
    texts: OnceLock<Texts>,
}

/// The end of a route.
pub(crate) enum RouteEnd {
    Target(Arc<Target>),
    /// That of a stack of the caller's own.
    Named(String),
}

struct Texts {
    hops: Vec<String>,
    target: String,
}

impl RouteTaken {
    pub(crate) fn new(hops: Vec<(Proxy, Endpoint)>, end: RouteEnd, to: Destination) -> Self {
        let end = match end {
            // A connection keeps no password of its URL.
            RouteEnd::Target(target) => RouteEnd::Target(Target::without_credentials(target)),
            end => end,
        };
        let texts = OnceLock::new();
        Self(Arc::new(Taken {
            hops,
            end,
            to,
            texts,
        }))
    }

    fn texts(&self) -> &Texts {
        let Taken { hops, end, .. } = &*self.0;
        self.0.texts.get_or_init(|| Texts {
            hops: hops
                .iter()
                .map(|(proxy, at)| format!("{}://{at}", proxy.scheme()))
                .collect(),
            target: match end {
                RouteEnd::Target(target) => target.to_string(),
                RouteEnd::Named(name) => name.clone(),
            },
        })
    }

    /// Returns the URL of each proxy, the nearest first. A direct route has none.
    pub fn hops(&self) -> &[String] {
        &self.texts().hops
    }

    /// Returns the URL of the target: behind all redirects, the last one.
    pub fn target(&self) -> &str {
        &self.texts().target
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
        let (Texts { hops, target }, to) = (self.texts(), &self.0.to);
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

impl PartialEq for RouteTaken {
    fn eq(&self, other: &Self) -> bool {
        let all = |it: &Self| (it.hops().to_vec(), it.target().to_owned());
        self.0.to == other.0.to && all(self) == all(other)
    }
}

impl Eq for RouteTaken {}

impl fmt::Debug for RouteTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RouteTaken({self})")
    }
}
