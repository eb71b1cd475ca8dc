//! The plan of a stream of bytes.

use crate::plan::hints::{RetryHints, SeedStream};
use crate::plan::path::RouteBuilder;
use crate::plan::route::{Route, text};
use crate::plan::{Plan, PlanKind, fold};
use crate::route::endpoint::RouteError;
use crate::route::routes::Routes;
use crate::route::target::Target;
use crate::route::tls_choice::TlsChoice;
use std::sync::Arc;
use wirestack_layer::Error;
use wirestack_nest::{BoxTunnel, Identity, Nest};
use wirestack_tls::rustls::ClientConfig;

impl Plan<BoxTunnel> {
    /// Plans a stream of bytes (`tcp://` or `tls://`; or `http://` or `https://`, for a client of
    /// another library).
    ///
    /// For `tls`, see [`websocket`](Plan::websocket). The target is offered the protocols `alpn`;
    /// without them, those of the TLS settings.
    ///
    /// # Errors
    ///
    /// [`RouteError::Kind`] if the target is a WebSocket.
    pub fn stream(
        routes: Routes,
        target: Target,
        tls: Option<Arc<ClientConfig>>,
        alpn: Option<&'static [&'static [u8]]>,
    ) -> Result<Self, RouteError> {
        target.must_be_stream()?;
        let builder = RouteBuilder::new(routes, target, TlsChoice::new(tls));
        Ok(Self(Box::new(Stream { builder, alpn })))
    }
}

struct Stream {
    builder: RouteBuilder,
    alpn: Option<&'static [&'static [u8]]>,
}

impl PlanKind<BoxTunnel> for Stream {
    fn routes(&self) -> Result<Vec<Route>, Error> {
        self.builder.routes(None)
    }

    fn builder(&self) -> Option<&RouteBuilder> {
        Some(&self.builder)
    }

    fn builder_mut(&mut self) -> Option<&mut RouteBuilder> {
        Some(&mut self.builder)
    }

    fn share(&mut self) {
        self.builder.shares = true;
    }

    fn build(
        &mut self,
        route: &Route,
        _: &mut SeedStream,
        _: &RetryHints,
    ) -> Result<BoxTunnel, Error> {
        let mut tunnels = self.builder.tunnels(route)?;
        let top = match (self.builder.secure(self.alpn)?, tunnels.pop()) {
            (Some(tls), None) => tls.boxed(),
            (Some(tls), Some(last)) => tls.over(last).boxed(),
            (None, Some(last)) => last,
            (None, None) => Identity.boxed(),
        };
        Ok(fold(tunnels, top))
    }

    fn target(&self) -> String {
        text(format_args!("{}", self.builder.target))
    }
}
