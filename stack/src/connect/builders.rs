//! The builders: where to connect to, by which route, and with which settings.

use super::spec::{RouteChoice, Spec, invalid};
use crate::driver::dial::{DialContext, Pool};
use crate::driver::http2::Origin;
use crate::driver::runtime::{Resolve, Runtime};
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use tls::rustls::ClientConfig;
use wirestack_dial::{BoxHttp2, BoxSocket};
use wirestack_dial::{
    Credentials, CredentialsRequest, DialError, Hop, HttpVersions, Plan, Redirects, RouteError,
    Routes, Target, Timeouts, WebSocketOptions,
};
use wirestack_http1 as http1;
use wirestack_http2 as http2;
use wirestack_layer::Instant;
use wirestack_layer::{Error, Pipe, Queue};
use wirestack_nest::BoxTunnel;
use wirestack_tls as tls;
use wirestack_websocket as websocket;
use wirestack_websocket::{Message, Part, Payload};

/// A WebSocket about to be connected.
#[must_use = "it does nothing yet"]
pub struct Connect<F = Queue<Message>> {
    target: Result<Target, RouteError>,
    pub(crate) spec: Spec,
    subprotocols: Vec<String>,
    headers: HeaderMap,
    settings: websocket::Settings,
    http2: http2::Settings,
    versions: HttpVersions,
    redirects: Redirects,
    form: PhantomData<fn(F) -> F>,
}

/// A stream of bytes about to be opened.
#[must_use = "it does nothing yet"]
pub struct ConnectStream {
    target: Result<Target, RouteError>,
    pub(crate) spec: Spec,
    alpn: Option<&'static [&'static [u8]]>,
}

/// Proxies, TLS and timeouts, set once and used for many connections.
#[derive(Clone)]
#[must_use = "it does nothing yet"]
pub struct Connector {
    spec: Spec,
}

/// An HTTP/2 connection for many streams about to be opened.
#[must_use = "it does nothing yet"]
pub struct ConnectHttp2 {
    target: Result<Target, RouteError>,
    pub(crate) spec: Spec,
    settings: http2::Settings,
}

impl<F> Clone for Connect<F> {
    fn clone(&self) -> Self {
        Self {
            target: self.target.clone(),
            spec: self.spec.clone(),
            subprotocols: self.subprotocols.clone(),
            headers: self.headers.clone(),
            settings: self.settings.clone(),
            http2: self.http2.clone(),
            versions: self.versions,
            redirects: self.redirects,
            form: PhantomData,
        }
    }
}

impl Connect {
    /// Connects to a `ws://` or `wss://` URL.
    pub fn new(url: &str, context: DialContext) -> Self {
        Self {
            target: url.parse(),
            spec: Spec::new(context),
            subprotocols: Vec::new(),
            headers: HeaderMap::new(),
            settings: websocket::Settings::default(),
            http2: http2::Settings::default(),
            versions: HttpVersions::Any,
            redirects: Redirects::Off,
            form: PhantomData,
        }
    }

    /// Takes and hands over messages in [parts](Part), as they come and go: for messages that are
    /// too large to be held, or whose end is not known when they begin.
    pub fn parts(self) -> Connect<Queue<Part>> {
        self.carrying()
    }

    /// Carries bytes, in binary messages of any cut. It does not carry half-close: who finishes
    /// closes.
    pub fn tunnel(self) -> Connect<Pipe> {
        self.carrying()
    }

    fn carrying<F: Payload>(self) -> Connect<F> {
        Connect {
            target: self.target,
            spec: self.spec,
            subprotocols: self.subprotocols,
            headers: self.headers,
            settings: self.settings,
            http2: self.http2,
            versions: self.versions,
            redirects: self.redirects,
            form: PhantomData,
        }
    }
}

impl<F: Payload> Connect<F> {
    /// Offers a subprotocol; the server chooses one of those offered, or none.
    pub fn subprotocol(mut self, name: &str) -> Self {
        self.subprotocols.push(name.to_owned());
        self
    }

    /// Sends a header field with the handshake.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Sets the limits of the WebSocket.
    pub fn settings(mut self, settings: websocket::Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the limits of the HTTP/2 connection, if it gets there over one.
    pub fn http2_settings(mut self, settings: http2::Settings) -> Self {
        self.http2 = settings;
        self
    }

    /// Opens it by an HTTP/1.1 upgrade and by nothing else.
    pub fn http1_only(mut self) -> Self {
        self.versions = HttpVersions::Http1;
        self
    }

    /// Opens it over HTTP/2 (RFC 8441) or not at all; to a `ws://` URL with prior knowledge.
    pub fn http2_only(mut self) -> Self {
        self.versions = HttpVersions::Http2;
        self
    }

    /// Follows redirects of the server, which are refusals otherwise.
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }

    /// Says what a [`Dialer`](crate::Dialer) shall connect to, how long it may take, and what the
    /// driver connects with.
    ///
    /// # Errors
    ///
    /// What cannot be asked for, as of `now`.
    pub fn prepare(self, now: Instant) -> Result<Prepared<BoxSocket<F>>, DialError> {
        let (timeouts, context) = (self.spec.timeouts, self.spec.context.clone());
        let opening = |target: &Target| {
            target.must_be_websocket().map_err(invalid)?;
            let mut request = websocket::Request::new(&target.request_url())?;
            if let Some(value) = authorization(target)? {
                request = request.header(AUTHORIZATION, value)?;
            }
            for name in &self.subprotocols {
                request = request.subprotocol(name)?;
            }
            for (name, value) in &self.headers {
                request = request.header(name.clone(), value.clone())?;
            }
            Ok(WebSocketOptions {
                request,
                settings: self.settings,
                http2: self.http2,
                versions: self.versions,
                redirects: self.redirects,
            })
        };
        let plan = self
            .spec
            .resolve(self.target)
            .and_then(|(routes, target, tls)| {
                let opening = opening(&target)?;
                Plan::websocket(routes, target, tls, opening).map_err(invalid)
            });
        prepared(plan, timeouts, context, now)
    }
}

impl ConnectStream {
    /// Opens a stream to a `tcp://host:port`, `tls://host:port`, `http://` or `https://` URL.
    pub fn new(url: &str, context: DialContext) -> Self {
        Self {
            target: url.parse(),
            spec: Spec::new(context),
            alpn: None,
        }
    }

    /// Offers these protocols to the target by ALPN, if it is reached over TLS, instead of those of
    /// the settings of TLS.
    pub fn alpn(mut self, protocols: &'static [&'static [u8]]) -> Self {
        self.alpn = Some(protocols);
        self
    }

    /// As [`Connect::prepare`].
    ///
    /// # Errors
    ///
    /// What cannot be asked for, as of `now`.
    pub fn prepare(self, now: Instant) -> Result<Prepared<BoxTunnel>, DialError> {
        let (timeouts, context) = (self.spec.timeouts, self.spec.context.clone());
        let alpn = self.alpn;
        let plan = self
            .spec
            .resolve(self.target)
            .and_then(|(routes, target, tls)| {
                Plan::stream(routes, target, tls, alpn).map_err(invalid)
            });
        prepared(plan, timeouts, context, now)
    }
}

impl Connector {
    /// Goes the way that the environment says, until it is told another one.
    pub fn new(context: DialContext) -> Self {
        Self {
            spec: Spec::new(context),
        }
    }

    /// Opens a stream of bytes to this URL, as [`ConnectStream::new`].
    pub fn stream(&self, url: &str) -> ConnectStream {
        ConnectStream {
            target: url.parse(),
            spec: self.spec.clone(),
            alpn: None,
        }
    }
}

impl ConnectHttp2 {
    /// Connects to a `wss://`, `https://`, `ws://` or `http://` URL.
    pub fn new(url: &str, context: DialContext) -> Self {
        Self {
            target: url.parse(),
            spec: Spec::new(context),
            settings: http2::Settings::default(),
        }
    }

    /// Sets the limits of the connection.
    pub fn settings(mut self, settings: http2::Settings) -> Self {
        self.settings = settings;
        self
    }

    /// As [`Connect::prepare`], and says where it leads.
    ///
    /// # Errors
    ///
    /// What cannot be asked for, as of `now`.
    pub fn prepare(self, now: Instant) -> Result<(Prepared<BoxHttp2>, Origin), DialError> {
        let (timeouts, context) = (self.spec.timeouts, self.spec.context.clone());
        let resolved = self
            .spec
            .resolve(self.target)
            .and_then(|(routes, target, tls)| {
                let origin = Origin {
                    url: target.origin(),
                    authorization: authorization(&target)?,
                };
                let plan = Plan::http2(routes, target, tls, self.settings).map_err(invalid)?;
                Ok((plan, origin))
            });
        let (plan, origin) = match resolved {
            Ok((plan, origin)) => (Ok(plan), Some(origin)),
            Err(error) => (Err(error), None),
        };
        let prepared = prepared(plan, timeouts, context, now)?;
        Ok((prepared, origin.unwrap_or_default()))
    }
}

/// What a dialer is made of.
#[non_exhaustive]
pub struct Prepared<L> {
    /// What to connect to, and by which ways.
    pub plan: Plan<L>,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// The settings that the driver connects with.
    pub context: DialContext,
}

fn prepared<L>(
    plan: Result<Plan<L>, Error>,
    timeouts: Timeouts,
    context: DialContext,
    now: Instant,
) -> Result<Prepared<L>, DialError> {
    match plan {
        Ok(plan) => Ok(Prepared {
            plan,
            timeouts,
            context,
        }),
        Err(error) => Err(DialError::invalid(error, now)),
    }
}

/// Basic authentication by the user and password of a URL.
fn authorization(target: &Target) -> Result<Option<HeaderValue>, Error> {
    let credentials = target.credentials();
    credentials
        .map(|Credentials { user, password }| http1::basic_credentials(user, password))
        .transpose()
}

/// What all kinds of connections are told about their way.
macro_rules! routed {
    ($builder:ident $(, $form:ident)?) => {
        impl$(<$form: Payload>)? $builder$(<$form>)? {
            /// Adds a hop: hops are given in the order in which the bytes travel, nearest first. They
            /// take the place of what the environment says.
            pub fn via<H>(mut self, hop: H) -> Self
            where
                H: TryInto<Hop, Error: Into<RouteError>>,
            {
                self.spec.via(hop.try_into().map_err(Into::into));
                self
            }

            /// Sets how TLS is spoken to the target and to every hop over TLS that has no settings of
            /// its own. By default the system's roots are trusted. Which versions of HTTP are offered
            /// by ALPN is not taken from here.
            pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
                self.spec.tls = Some(config);
                self
            }

            /// Goes straight to the target, whatever proxy the environment names.
            pub fn direct(mut self) -> Self {
                self.spec.route = RouteChoice::Hops(Ok(Vec::new()));
                self
            }

            /// Sets the ways to try, one after the other, instead of hops.
            pub fn routes(mut self, routes: Routes) -> Self {
                self.spec.route = RouteChoice::Routes(routes);
                self
            }

            /// Reaches the target, where there is no hop, at a Unix socket.
            pub fn unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
                self.spec.unix_socket = Some(path.into());
                self
            }

            /// Sets how long connecting may take.
            pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
                self.spec.timeouts = timeouts;
                self
            }

            /// Connects with the runtime, resolver, pool and credentials of this context.
            pub fn context(mut self, context: DialContext) -> Self {
                self.spec.context = context;
                self
            }

            /// Runs on this, instead of the runtime that it is awaited in.
            pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
                self.spec.context = self.spec.context.runtime(runtime);
                self
            }

            /// Looks names up with this resolver, instead of that of the runtime.
            pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
                self.spec.context = self.spec.context.resolver(resolver);
                self
            }

            /// Asks this for credentials when an HTTP proxy that is
            /// [`asking`](crate::dial::Hop::asking) wants some.
            pub fn credentials<Fut>(
                mut self,
                ask: impl Fn(CredentialsRequest) -> Fut + Send + Sync + 'static,
            ) -> Self
            where
                Fut: Future<Output = Option<Credentials>> + Send + 'static,
            {
                self.spec.context = self.spec.context.credentials(ask);
                self
            }

            /// Uses connections of this pool: one to the last HTTP/2 proxy on the way, or to a server
            /// that offers WebSockets over HTTP/2. See [`Plan::sharing`](crate::dial::Plan::sharing).
            pub fn sharing(mut self, pool: &Pool) -> Self {
                self.spec.context = self.spec.context.pool(pool.clone());
                self
            }
        }
    };
}
routed!(Connect, F);
routed!(ConnectStream);
routed!(ConnectHttp2);
routed!(Connector);
