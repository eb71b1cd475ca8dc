//! One route to a target: where its first connection goes to, and what its layers belong to.

use crate::report::id::Destination;
use crate::report::route_part::RoutePart;
use crate::route::endpoint::Endpoint;
use crate::route::hop::Hop;
use crate::route::routes;
use crate::route::target::Target;
use std::fmt;
use std::sync::Arc;

/// One route to a target: the first address, and the hops that become layers. Names for users are
/// made when they are asked for, because most routes lead to their target.
pub(crate) struct Route {
    pub(crate) first: FirstHop,
    /// All hops, the nearest first.
    all: Arc<[Hop]>,
    /// The number of hops that a shared connection covers. The others become layers.
    covered: usize,
    end: End,
}

/// The end of a route, behind its hops.
enum End {
    Target(Arc<Target>),
    /// The stack is the caller's own, and so are the names of the parts.
    Named(Vec<String>),
}

/// The destination of the first connection of a route, or a name that has to be looked up for it.
#[derive(Clone)]
pub(crate) enum FirstHop {
    Known(Destination),
    Name(Endpoint),
}

impl From<&Endpoint> for FirstHop {
    fn from(endpoint: &Endpoint) -> Self {
        match endpoint.address() {
            Some(address) => Self::Known(Destination::Tcp(address)),
            None => Self::Name(endpoint.clone()),
        }
    }
}

impl Route {
    /// Creates a route through these hops. The first ones may be `covered` by a shared connection;
    /// the others become layers.
    pub(crate) fn new(
        first: FirstHop,
        hops: Arc<[Hop]>,
        covered: usize,
        target: Arc<Target>,
    ) -> Self {
        Self {
            first,
            covered,
            all: hops,
            end: End::Target(target),
        }
    }

    /// Creates the route of a stack of the caller's own. Each layer belongs to the part with this
    /// name.
    pub(crate) fn named(endpoint: Endpoint, parts: Vec<String>) -> Self {
        Self {
            first: FirstHop::from(&endpoint),
            covered: 0,
            all: Arc::default(),
            end: End::Named(parts),
        }
    }

    /// Adds a layer of this target above all others.
    pub(crate) fn add_layer(&mut self, target: &str) {
        if let End::Named(parts) = &mut self.end {
            parts.push(format!("target ({target})"));
        }
    }

    /// Returns the hops that become layers.
    pub(crate) fn hops(&self) -> &[Hop] {
        self.all.get(self.covered..).unwrap_or_default()
    }

    /// Returns a hop that becomes a layer, to change it.
    pub(crate) fn hop_mut(&mut self, hop: usize) -> Option<&mut Hop> {
        Arc::make_mut(&mut self.all).get_mut(self.covered + hop)
    }

    /// Returns all hops, the nearest first.
    pub(crate) fn all_hops(&self) -> &[Hop] {
        &self.all
    }

    /// Returns the name of the route for users.
    pub(crate) fn name(&self) -> String {
        routes::name(&self.all)
    }

    /// Returns the hops that become layers, each with the host and port that it is asked to connect
    /// to.
    pub(crate) fn asked(&self) -> impl Iterator<Item = (&Hop, &Endpoint)> {
        let target = match &self.end {
            End::Target(target) => Some(target.endpoint()),
            End::Named(_) => None,
        };
        let after = self.hops().iter().skip(1).map(Hop::endpoint);
        self.hops().iter().zip(after.chain(target))
    }

    /// Returns the hop or target that the layer with this index belongs to.
    pub(crate) fn part(&self, place: usize) -> RoutePart {
        self.part_of(self.hop(place), place)
    }

    /// Returns the name of a hop, or of the target.
    pub(crate) fn part_name(&self, hop: Option<usize>) -> String {
        self.part_of(hop, usize::MAX).to_string()
    }

    fn part_of(&self, hop: Option<usize>, place: usize) -> RoutePart {
        let hop = hop.and_then(|hop| Some((self.covered + hop + 1, self.hops().get(hop)?)));
        match (hop, &self.end) {
            (Some((number, hop)), _) => RoutePart::hop(number, hop),
            (None, End::Target(target)) => RoutePart::target(target),
            (None, End::Named(parts)) => {
                let part = parts.get(place).or(parts.last());
                RoutePart::named(part.cloned().unwrap_or_else(|| self.first.to_string()))
            }
        }
    }

    /// Returns the index of a hop's last layer, the one that asks its proxy.
    pub(crate) fn last_layer(&self, hop: usize) -> Option<usize> {
        let hops = self.hops().get(..=hop)?;
        let layers = hops.iter().map(|hop| hop.proxy.layers());
        layers.sum::<usize>().checked_sub(1)
    }

    /// Returns the number of the hop that the layer with this index belongs to, or `None` if it
    /// belongs to the target.
    pub(crate) fn hop(&self, place: usize) -> Option<usize> {
        hop_at(self.hops(), place)
    }

    /// Returns the hop that this layer of the shared connection belongs to, or `None` if it belongs
    /// to the target.
    pub(crate) fn covered_part(&self, place: usize) -> Option<RoutePart> {
        let covered = self.all.get(..self.covered)?;
        let at = hop_at(covered, place)?;
        Some(RoutePart::hop(at + 1, covered.get(at)?))
    }
}

/// Returns the index of the hop that the layer with the index `place` belongs to.
fn hop_at(hops: &[Hop], place: usize) -> Option<usize> {
    let mut end = 0;
    hops.iter().position(|hop| {
        end += hop.proxy.layers();
        place < end
    })
}

impl fmt::Display for FirstHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(to) => to.fmt(f),
            Self::Name(endpoint) => endpoint.fmt(f),
        }
    }
}

/// Writes a text of the length that most names have, in one piece of memory.
pub(crate) fn text(parts: fmt::Arguments<'_>) -> String {
    let mut text = String::with_capacity(USUAL_LENGTH);
    let _ = fmt::write(&mut text, parts); // a `String` takes everything
    text
}

/// The length of most names, in bytes.
const USUAL_LENGTH: usize = 64;
