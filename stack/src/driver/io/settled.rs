//! A connection whose layers have nothing left to do.

use super::connection::{Connection, Writing};
use wirestack_layer::{Layer, Pipe};
use wirestack_nest::{Engine, Identity};

impl<L: Layer<In = Pipe, Out = Pipe>> Connection<L> {
    /// Returns `true` if the layers are of no more use: the connection only carries bytes, and none
    /// waits.
    pub(super) fn is_settled(&self) -> bool {
        self.io.is_some()
            && self.goodbye.is_none()
            && matches!(self.writing, Writing::Open)
            && self.engine.is_settled()
    }

    /// Drops the layers and what is known of the route. See [`Engine::without_layers`].
    pub(super) fn without_layers(self) -> Connection<Identity> {
        let mut bare = self.map_engine(Engine::without_layers);
        bare.route = None;
        bare
    }
}
