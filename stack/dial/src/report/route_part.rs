//! The part of a route that a layer belongs to.

use crate::route::endpoint::Endpoint;
use crate::route::hop::Hop;
use crate::route::scheme::Proxy;
use crate::route::target::Target;
use std::fmt;
use std::sync::Arc;

/// A hop or the target of a route, to which a layer belongs.
///
/// It shows as `hop 1 (http://proxy.test:3128)` or as `target (wss://example.org:443/chat)`, without
/// user, password and query. The text is made when it is asked for.
///
/// ```
/// use wirestack_dial::{Event, RoutePart, Trace};
///
/// /// Returns the parts whose layers have opened, from the wire up.
/// fn opened(trace: &Trace) -> Vec<String> {
///     let parts = trace.events().filter_map(|(_, event)| match event {
///         Event::LayerOpen { part, .. } => Some(part),
///         _ => None,
///     });
///     parts.map(RoutePart::to_string).collect()
/// }
/// ```
#[derive(Clone)]
pub struct RoutePart(Part);

#[derive(Clone)]
enum Part {
    Hop {
        number: usize,
        proxy: Proxy,
        endpoint: Endpoint,
    },
    Target(Arc<Target>),
    /// A part of a stack of the caller's own.
    Named(String),
}

impl RoutePart {
    /// Names the hop with this number, which begins with 1. No password is kept.
    pub(crate) fn hop(number: usize, hop: &Hop) -> Self {
        let (proxy, endpoint) = (hop.proxy, hop.endpoint.clone());
        Self(Part::Hop {
            number,
            proxy,
            endpoint,
        })
    }

    /// Names the target. No password is kept.
    pub(crate) fn target(target: &Arc<Target>) -> Self {
        Self(Part::Target(Target::without_credentials(target.clone())))
    }

    pub(crate) fn named(name: String) -> Self {
        Self(Part::Named(name))
    }
}

impl fmt::Display for RoutePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Part::Hop {
                number,
                proxy,
                endpoint,
            } => write!(f, "hop {number} ({}://{endpoint})", proxy.scheme()),
            Part::Target(target) => write!(f, "target ({target})"),
            Part::Named(name) => f.write_str(name),
        }
    }
}

impl fmt::Debug for RoutePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoutePart({self})")
    }
}

impl PartialEq for RoutePart {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for RoutePart {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_shows_its_number_and_its_url_without_secrets() {
        let hop: Hop = "socks5h://ada:secret@gate.test:1080".parse().unwrap();
        let target: Target = "wss://me:secret@example.org/chat?token=7".parse().unwrap();
        let parts = [
            RoutePart::hop(2, &hop),
            RoutePart::target(&Arc::new(target)),
            RoutePart::named("the door".to_owned()),
        ];
        let shown = [
            "hop 2 (socks5h://gate.test:1080)",
            "target (wss://example.org:443/chat)",
            "the door",
        ];
        for (part, shown) in parts.iter().zip(shown) {
            assert_eq!(part.to_string(), shown);
            assert_eq!(format!("{part:?}"), format!("RoutePart({shown})"));
        }
        assert_eq!(parts[0], parts[0].clone());
        assert_ne!(parts[0], parts[1]);
    }
}
