//! The plan of a WebSocket.

use crate::plan::fallback::{NoHttp2, asks_for_http1, refuses_extended_connect};
use crate::plan::hints::{RetryHints, SeedStream};
use crate::plan::path::RouteBuilder;
use crate::plan::route::{Route, text};
use crate::plan::websocket::{BoxSocket, WebSocketOptions};
use crate::plan::{Plan, PlanKind, fold};
use crate::route::endpoint::RouteError;
use crate::route::http_versions::HttpVersions;
use crate::route::redirects::RedirectError;
use crate::route::routes::Routes;
use crate::route::target::Target;
use crate::route::tls_choice::TlsChoice;
use http::Response;
use std::sync::Arc;
use wirestack_http2 as http2;
use wirestack_layer::Error;
use wirestack_nest::Nest;
use wirestack_tls::rustls::ClientConfig;
use wirestack_websocket::{Client, Payload};

impl<F: Payload> Plan<BoxSocket<F>> {
    /// Plans a WebSocket (`ws://` or `wss://`) of messages, their parts or bytes.
    ///
    /// `tls` is for the target and for each hop without settings of its own; without it, they trust
    /// the system's roots. The plan sets the protocols of ALPN in it, for each hop and for the
    /// target.
    ///
    /// ```
    /// use wirestack_dial::{BoxSocket, HttpVersions, Plan, Routes, WebSocketOptions};
    /// use wirestack_websocket::ClientRequest;
    ///
    /// let mut options = WebSocketOptions::new(ClientRequest::new("wss://example.org/chat")?);
    /// options.versions = HttpVersions::Http1;
    /// let target = "wss://example.org/chat".parse()?;
    /// let plan: Plan<BoxSocket> = Plan::websocket(Routes::direct(), target, None, options)?;
    /// drop(plan);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RouteError::Kind`] if the target is not a WebSocket.
    pub fn websocket(
        routes: Routes,
        target: Target,
        tls: Option<Arc<ClientConfig>>,
        opening: WebSocketOptions,
    ) -> Result<Self, RouteError> {
        target.must_be_websocket()?;
        let builder = RouteBuilder::new(routes, target, TlsChoice::new(tls));
        Ok(Self(Box::new(Socket {
            builder,
            opening,
            visited: Vec::new(),
            shares: false,
            leaves_http2: false,
        })))
    }
}

struct Socket {
    builder: RouteBuilder,
    opening: WebSocketOptions,
    /// The URLs that have redirected.
    visited: Vec<String>,
    /// Allows a shared connection to the target.
    shares: bool,
    /// The present target speaks no HTTP/2 that would do.
    leaves_http2: bool,
}

impl Socket {
    /// Returns the versions of HTTP that the present target is offered.
    fn versions(&self) -> HttpVersions {
        if self.leaves_http2 {
            HttpVersions::Http1
        } else {
            self.opening.versions
        }
    }

    /// Returns the request for a stream on a shared connection to the target, if one is allowed and
    /// possible.
    fn shared(&self) -> Result<Option<(http2::ConnectRequest, http2::Http2Config)>, Error> {
        let WebSocketOptions {
            request,
            config,
            http2,
            ..
        } = &self.opening;
        let can_share = match self.versions() {
            HttpVersions::Any => self.builder.target.is_secure(),
            HttpVersions::Http1 => false,
            HttpVersions::Http2 => true,
        };
        if !self.shares || !can_share {
            return Ok(None);
        }
        let request = http2::ConnectRequest::extended("websocket", request.to_http2(config))?;
        Ok(Some((request, http2.clone())))
    }
}

impl<F: Payload> PlanKind<BoxSocket<F>> for Socket {
    fn routes(&self) -> Result<Vec<Route>, Error> {
        self.builder.routes(self.shared()?)
    }

    fn builder(&self) -> Option<&RouteBuilder> {
        Some(&self.builder)
    }

    fn builder_mut(&mut self) -> Option<&mut RouteBuilder> {
        Some(&mut self.builder)
    }

    fn share(&mut self) {
        (self.shares, self.builder.shares) = (true, true);
    }

    fn leave_http2(&mut self, error: &Error) -> bool {
        let asks = asks_for_http1(error) || refuses_extended_connect(error);
        let leaves = asks && self.versions() == HttpVersions::Any;
        self.leaves_http2 |= leaves;
        leaves
    }

    fn http2_only(&self) -> Option<&'static str> {
        (self.versions() == HttpVersions::Http2).then_some("server")
    }

    fn build_on(
        &mut self,
        response: Response<()>,
        seeds: &mut SeedStream,
    ) -> Option<Result<BoxSocket<F>, Error>> {
        let WebSocketOptions {
            request, config, ..
        } = &self.opening;
        let client = Client::from_response(request, response, config.clone(), seeds.seed());
        Some(client.map(|client| client.with_payload::<F>().boxed()))
    }

    fn build(
        &mut self,
        route: &Route,
        seeds: &mut SeedStream,
        _: &RetryHints,
    ) -> Result<BoxSocket<F>, Error> {
        let tunnels = self.builder.tunnels(route)?;
        let (opening, seed, versions) = (self.opening.clone(), seeds.seed(), self.versions());
        let top: BoxSocket<F> = match self.builder.secure(Some(versions.alpn()))? {
            None if versions == HttpVersions::Http2 => opening.over_http2(seed)?,
            None => opening.over_http1(seed)?,
            Some(tls) => tls
                .then(move |tls| match versions {
                    HttpVersions::Http1 => opening.over_http1(seed),
                    HttpVersions::Any if tls.alpn() != Some(b"h2") => opening.over_http1(seed),
                    _ => NoHttp2::check("server", tls).and_then(|()| opening.over_http2(seed)),
                })
                .boxed(),
        };
        Ok(fold(tunnels, top))
    }

    fn follow(&mut self, location: &str) -> Option<Result<(), RedirectError>> {
        let from = &self.builder.target;
        let to = match self.opening.redirects.resolve(from, location)? {
            Ok(to) => to,
            Err(error) => return Some(Err(error)),
        };
        let url = to.request_url();
        self.visited.push(from.request_url());
        if self.visited.contains(&url) {
            return Some(Err(RedirectError::Loop));
        }
        let same = from.origin() == to.origin();
        let request = self.opening.request.clone().redirected(&url, same);
        Some(match request {
            Ok(request) => {
                self.opening.request = request;
                self.builder.redirect(to);
                self.leaves_http2 &= same;
                Ok(())
            }
            Err(_) => Err(RedirectError::NotAWebSocket),
        })
    }

    fn target(&self) -> String {
        text(format_args!("{}", self.builder.target))
    }
}
