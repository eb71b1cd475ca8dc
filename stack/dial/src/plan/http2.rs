//! The plan of an HTTP/2 connection.

use crate::plan::fallback::NoHttp2;
use crate::plan::hints::{RetryHints, SeedStream};
use crate::plan::path::RouteBuilder;
use crate::plan::route::{Route, text};
use crate::plan::{Plan, PlanKind, fold};
use crate::pool::SharedConnection;
use crate::route::endpoint::RouteError;
use crate::route::http_versions::HttpVersions;
use crate::route::routes::Routes;
use crate::route::target::Target;
use crate::route::tls_choice::TlsChoice;
use std::sync::Arc;
use wirestack_http2::{self as http2, Streams};
use wirestack_layer::Error;
use wirestack_nest::{BoxLayer, Nest};
use wirestack_tls::rustls::ClientConfig;

/// An HTTP/2 connection at the top of a stack of any depth, boxed.
///
/// ```
/// use wirestack_dial::{BoxHttp2, Plan, Routes};
/// use wirestack_http2::Http2Config;
///
/// /// Plans a connection for many streams.
/// fn plan(url: &str) -> Result<Plan<BoxHttp2>, wirestack_dial::RouteError> {
///     Plan::http2(Routes::direct(), url.parse()?, None, Http2Config::default())
/// }
/// assert!(plan("https://example.org").is_ok() && plan("tcp://example.org:22").is_err());
/// ```
pub type BoxHttp2 = BoxLayer<Streams, Streams>;

impl Plan<BoxHttp2> {
    /// Plans an HTTP/2 connection (`http://`, `https://`, `ws://` or `wss://`). Without TLS it
    /// starts with prior knowledge (RFC 9113 §3.3). For `tls`, see [`websocket`](Plan::websocket).
    ///
    /// ```
    /// use wirestack_dial::{Plan, Routes};
    /// use wirestack_http2::Http2Config;
    ///
    /// let many = Http2Config::default().streams(1000);
    /// let plan = Plan::http2(Routes::direct(), "https://example.org".parse()?, None, many)?;
    /// drop(plan);
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RouteError::Kind`] if the target is a stream.
    pub fn http2(
        routes: Routes,
        target: Target,
        tls: Option<Arc<ClientConfig>>,
        config: http2::Http2Config,
    ) -> Result<Self, RouteError> {
        target.must_be_web()?;
        let builder = RouteBuilder::new(routes, target, TlsChoice::new(tls));
        let peer = "server";
        Ok(Self(Box::new(Http2 {
            builder,
            config,
            peer,
        })))
    }

    /// Plans the shared connection itself, for a pool that does not have it yet.
    ///
    /// ```
    /// use wirestack_dial::{BoxHttp2, Destination, Plan, Step};
    ///
    /// /// Plans the connection on which an attempt wants a stream.
    /// fn plan(step: &Step) -> Option<Plan<BoxHttp2>> {
    ///     match step {
    ///         Step::Open { to: Destination::Stream(share), .. } => Some(Plan::shared(share)),
    ///         _ => None,
    ///     }
    /// }
    /// ```
    pub fn shared(share: &SharedConnection) -> Self {
        let (routes, target) = (share.routes.clone(), share.target.clone());
        let builder = RouteBuilder::new(routes, target, share.tls.clone());
        let peer = if share.is_origin { "server" } else { "proxy" };
        Self(Box::new(Http2 {
            builder,
            config: share.config.clone(),
            peer,
        }))
    }
}

struct Http2 {
    builder: RouteBuilder,
    config: http2::Http2Config,
    /// The peer, as errors call it.
    peer: &'static str,
}

impl PlanKind<BoxHttp2> for Http2 {
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
    ) -> Result<BoxHttp2, Error> {
        let connection = http2::Connection::client(self.config.clone());
        let peer = self.peer;
        let top = match self.builder.secure(Some(HttpVersions::Http2.alpn()))? {
            None => connection.boxed(),
            Some(tls) => tls
                .then(move |tls| NoHttp2::check(peer, tls).map(|()| connection))
                .boxed(),
        };
        Ok(fold(self.builder.tunnels(route)?, top))
    }

    fn http2_only(&self) -> Option<&'static str> {
        Some(self.peer)
    }

    fn target(&self) -> String {
        text(format_args!("{}", self.builder.target))
    }
}
