//! The route by which a connection was opened.

use super::Connection;
use wirestack_dial::RouteTaken;
use wirestack_layer::Layer;

impl<L: Layer> Connection<L> {
    /// Returns the route by which the connection was opened: the proxies, the target, and the
    /// address. A connection that was accepted, or made from a transport, has none.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let socket = wirestack::connect("wss://example.org/chat").await?;
    /// if let Some(route) = socket.route() {
    ///     println!("by {} proxies: {route}", route.hops().len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn route(&self) -> Option<&RouteTaken> {
        self.route.as_ref()
    }
}
