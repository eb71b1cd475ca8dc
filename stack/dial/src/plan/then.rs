//! The plan of a stream with a layer of the caller's own over it.

use crate::plan::hints::{RetryHints, SeedStream};
use crate::plan::path::RouteBuilder;
use crate::plan::route::Route;
use crate::plan::{Plan, PlanKind};
use wirestack_layer::{Error, Layer};
use wirestack_nest::{BoxTunnel, Stack};

impl Plan<BoxTunnel> {
    /// Puts a layer of the caller's own over the stream. `make` makes it, for each connection anew:
    /// from the seeds if it needs random numbers.
    ///
    /// The layer belongs to the target. It opens in the time-out of each layer, it has a row in the
    /// trace, and its failures name the target. If it fails with a
    /// [retry hint](Error::retry_hint), it gets a new connection.
    ///
    /// ```
    /// use wirestack_dial::{Plan, Routes};
    /// use wirestack_layer::Tunnel;
    ///
    /// let plan = Plan::stream(Routes::direct(), "tcp://example.org:7000".parse()?, None, None)?;
    /// let plan = plan.then(|_seeds| {
    ///     Ok(Tunnel::new("greeting", async |wire| {
    ///         wire.write("HELLO\n").await;
    ///         Ok(())
    ///     }))
    /// });
    /// drop(plan);
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    #[must_use]
    pub fn then<U: Layer>(
        self,
        make: impl FnMut(&mut SeedStream) -> Result<U, Error> + Send + 'static,
    ) -> Plan<Stack<BoxTunnel, U>> {
        let below = self.0;
        Plan(Box::new(Then { below, make }))
    }
}

struct Then<M> {
    below: Box<dyn PlanKind<BoxTunnel>>,
    make: M,
}

/// Everything but the building is the business of the plan below.
impl<U, M> PlanKind<Stack<BoxTunnel, U>> for Then<M>
where
    U: Layer,
    M: FnMut(&mut SeedStream) -> Result<U, Error> + Send,
{
    fn routes(&self) -> Result<Vec<Route>, Error> {
        let mut routes = self.below.routes()?;
        for route in &mut routes {
            route.add_layer(&self.below.target());
        }
        Ok(routes)
    }

    fn builder(&self) -> Option<&RouteBuilder> {
        self.below.builder()
    }

    fn builder_mut(&mut self) -> Option<&mut RouteBuilder> {
        self.below.builder_mut()
    }

    fn share(&mut self) {
        self.below.share();
    }

    fn leave_http2(&mut self, error: &Error) -> bool {
        self.below.leave_http2(error)
    }

    fn http2_only(&self) -> Option<&'static str> {
        self.below.http2_only()
    }

    fn build(
        &mut self,
        route: &Route,
        seeds: &mut SeedStream,
        hints: &RetryHints,
    ) -> Result<Stack<BoxTunnel, U>, Error> {
        let below = self.below.build(route, seeds, hints)?;
        Ok(Stack::new(below, (self.make)(seeds)?))
    }

    fn target(&self) -> String {
        self.below.target()
    }
}
