//! What to connect to and how: the builders that [`connect`](fn@crate::connect) and its relatives return.
//!
//! They do no I/O: `C` is what a driver connects with, the [`DialContext`](crate::DialContext) of this
//! crate's driver.

mod route;

use crate::Instant;
use crate::dial::{
    Credentials, DialError, Hop, Opening, Plan, Redirects, RouteError, Routes, Target, Timeouts,
    Versions,
};
use crate::websocket::{Message, Part, Payload};
use crate::{BoxHttp2, BoxSocket, BoxTunnel, Error, Pipe, Queue, http1, http2, tls, websocket};
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use route::{By, Route, invalid};
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use tls::rustls::ClientConfig;

/// A WebSocket about to be connected.
#[must_use = "it does nothing yet"]
pub struct Connect<F, C> {
    route: Route,
    pub(crate) context: C,
    subprotocols: Vec<String>,
    headers: HeaderMap,
    settings: websocket::Settings,
    http2: http2::Settings,
    versions: Versions,
    redirects: Redirects,
    form: PhantomData<fn(F) -> F>,
}

/// A stream of bytes about to be opened.
#[must_use = "it does nothing yet"]
pub struct ConnectStream<C> {
    route: Route,
    pub(crate) context: C,
    alpn: Option<&'static [&'static [u8]]>,
}

/// Proxies, TLS and timeouts, set once and used for many connections.
#[derive(Clone)]
#[must_use = "it does nothing yet"]
pub struct Connector<C> {
    route: Route,
    pub(crate) context: C,
}

/// An HTTP/2 connection for many streams about to be opened.
#[must_use = "it does nothing yet"]
pub struct ConnectHttp2<C> {
    route: Route,
    pub(crate) context: C,
    settings: http2::Settings,
}

impl<F, C: Clone> Clone for Connect<F, C> {
    fn clone(&self) -> Self {
        Self {
            route: self.route.clone(),
            context: self.context.clone(),
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

impl<C> Connect<Queue<Message>, C> {
    /// Connects to a `ws://` or `wss://` URL.
    pub fn new(url: &str, context: C) -> Self {
        Self {
            route: Route::new(url),
            context,
            subprotocols: Vec::new(),
            headers: HeaderMap::new(),
            settings: websocket::Settings::default(),
            http2: http2::Settings::default(),
            versions: Versions::Any,
            redirects: Redirects::Off,
            form: PhantomData,
        }
    }
    /// Takes and hands over messages in [parts](Part), as they come and go: for messages that are
    /// too large to be held, or whose end is not known when they begin.
    pub fn parts(self) -> Connect<Queue<Part>, C> {
        self.carrying()
    }
    /// Carries bytes, in binary messages of any cut. It does not carry half-close: who finishes
    /// closes.
    pub fn tunnel(self) -> Connect<Pipe, C> {
        self.carrying()
    }
    fn carrying<F: Payload>(self) -> Connect<F, C> {
        Connect {
            route: self.route,
            context: self.context,
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

impl<F: Payload, C> Connect<F, C> {
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
        self.versions = Versions::Http1;
        self
    }
    /// Opens it over HTTP/2 (RFC 8441) or not at all; to a `ws://` URL with prior knowledge.
    pub fn http2_only(mut self) -> Self {
        self.versions = Versions::Http2;
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
    pub fn prepare(self, now: Instant) -> Result<Prepared<BoxSocket<F>, C>, DialError> {
        let (timeouts, context) = (self.route.timeouts, self.context);
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
            Ok(Opening {
                request,
                settings: self.settings,
                http2: self.http2,
                versions: self.versions,
                redirects: self.redirects,
            })
        };
        let plan = self.route.resolve().and_then(|(routes, target, tls)| {
            let opening = opening(&target)?;
            Plan::websocket(routes, target, tls, opening).map_err(invalid)
        });
        prepared(plan, timeouts, context, now)
    }
}

impl<C> ConnectStream<C> {
    /// Opens a stream to a `tcp://host:port`, `tls://host:port`, `http://` or `https://` URL.
    pub fn new(url: &str, context: C) -> Self {
        Self {
            route: Route::new(url),
            context,
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
    pub fn prepare(self, now: Instant) -> Result<Prepared<BoxTunnel, C>, DialError> {
        let (timeouts, context) = (self.route.timeouts, self.context);
        let alpn = self.alpn;
        let plan = self.route.resolve().and_then(|(routes, target, tls)| {
            Plan::stream(routes, target, tls, alpn).map_err(invalid)
        });
        prepared(plan, timeouts, context, now)
    }
}

impl<C> Connector<C> {
    /// Goes the way that the environment says, until it is told another one.
    pub fn new(context: C) -> Self {
        Self {
            route: Route::new("tcp://nowhere.invalid:1"),
            context,
        }
    }
    /// Opens a stream of bytes to this URL, as [`ConnectStream::new`].
    pub fn stream(&self, url: &str) -> ConnectStream<C>
    where
        C: Clone,
    {
        let target = url.parse();
        ConnectStream {
            route: Route {
                target,
                ..self.route.clone()
            },
            context: self.context.clone(),
            alpn: None,
        }
    }
}

impl<C> ConnectHttp2<C> {
    /// Connects to a `wss://`, `https://`, `ws://` or `http://` URL.
    pub fn new(url: &str, context: C) -> Self {
        Self {
            route: Route::new(url),
            context,
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
    pub fn prepare(self, now: Instant) -> Result<(Prepared<BoxHttp2, C>, Origin), DialError> {
        let (timeouts, context) = (self.route.timeouts, self.context);
        let resolved = self.route.resolve().and_then(|(routes, target, tls)| {
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
pub struct Prepared<L, C> {
    /// What to connect to, and by which ways.
    pub plan: Plan<L>,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// The settings that the driver connects with.
    pub context: C,
}

fn prepared<L, C>(
    plan: Result<Plan<L>, Error>,
    timeouts: Timeouts,
    context: C,
    now: Instant,
) -> Result<Prepared<L, C>, DialError> {
    match plan {
        Ok(plan) => Ok(Prepared {
            plan,
            timeouts,
            context,
        }),
        Err(error) => Err(DialError::invalid(error, now)),
    }
}

/// Where an HTTP/2 connection leads.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Scheme and authority, of a WebSocket.
    pub url: String,
    /// What a WebSocket shows the server of who asks.
    pub authorization: Option<HeaderValue>,
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
        impl<$($form: Payload,)? C> $builder<$($form,)? C> {
            /// Adds a hop: hops are given in the order in which the bytes travel, nearest first. They
            /// take the place of what the environment says.
            pub fn via<H>(mut self, hop: H) -> Self
            where
                H: TryInto<Hop, Error: Into<RouteError>>,
            {
                self.route.via(hop.try_into().map_err(Into::into));
                self
            }
            /// Sets how TLS is spoken to the target and to every hop over TLS that has no settings of
            /// its own. By default the system's roots are trusted. Which versions of HTTP are offered
            /// by ALPN is not taken from here.
            pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
                self.route.tls = Some(config);
                self
            }
            /// Goes straight to the target, whatever proxy the environment names.
            pub fn direct(mut self) -> Self {
                self.route.way = By::Hops(Ok(Vec::new()));
                self
            }
            /// Sets the ways to try, one after the other, instead of hops.
            pub fn routes(mut self, routes: Routes) -> Self {
                self.route.way = By::Routes(routes);
                self
            }
            /// Reaches the target, where there is no hop, at a Unix socket.
            pub fn unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
                self.route.target = self.route.target.map(|target| target.unix_socket(path));
                self
            }
            /// Sets how long connecting may take.
            pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
                self.route.timeouts = timeouts;
                self
            }
            /// Connects with the runtime, resolver, pool and credentials of this context.
            pub fn context(mut self, context: C) -> Self {
                self.context = context;
                self
            }
        }
    };
}
routed!(Connect, F);
routed!(ConnectStream);
routed!(ConnectHttp2);
routed!(Connector);
