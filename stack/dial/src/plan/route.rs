//! One route to a target: where its first connection goes to, and what its layers belong to.

use crate::report::id::Destination;
use crate::route::endpoint::Endpoint;
use crate::route::hop::Hop;

/// One route to a target: the first address, the hops that become layers, and names for users.
pub(crate) struct Route {
    pub(crate) first: FirstHop,
    pub(crate) hops: Vec<Hop>,
    /// The host and port that each hop is asked to connect to.
    pub(crate) asked: Vec<Endpoint>,
    pub(crate) name: String,
    /// All hops, for users, the nearest first.
    pub(crate) via: Vec<String>,
    /// The hop or target that each layer belongs to, from the wire up.
    pub(crate) parts: Vec<(String, Option<usize>)>,
}

/// The destination of the first connection of a route, or a name that has to be looked up for it.
#[derive(Clone)]
pub(crate) enum FirstHop {
    Known(Destination),
    Name(Endpoint),
}

impl From<Endpoint> for FirstHop {
    fn from(endpoint: Endpoint) -> Self {
        match endpoint.address() {
            Some(address) => Self::Known(Destination::Tcp(address)),
            None => Self::Name(endpoint),
        }
    }
}

impl Route {
    /// Returns the name of the hop or target that the layer with this index belongs to.
    pub(crate) fn part(&self, place: usize) -> String {
        let part = self.parts.get(place).or(self.parts.last());
        let first = || match &self.first {
            FirstHop::Known(to) => to.to_string(),
            FirstHop::Name(endpoint) => endpoint.to_string(),
        };
        part.map_or_else(first, |(part, _)| part.clone())
    }

    /// Returns the index of a hop's last layer, the one that asks its proxy.
    pub(crate) fn last_layer(&self, hop: usize) -> Option<usize> {
        self.parts.iter().rposition(|(_, of)| *of == Some(hop))
    }

    /// Returns the number of the hop that the layer with this index belongs to, or `None` if it
    /// belongs to the target.
    pub(crate) fn hop(&self, place: usize) -> Option<usize> {
        self.parts.get(place).and_then(|(_, hop)| *hop)
    }
}
