//! What to connect to and how, said step by step: the builders that every driver's `connect` returns.
//!
//! `O` is what a driver gets from outside, such as
//! [`tokio::Outside`](crate::driver::tokio::Outside): each driver adds how to name it, and how to go.

mod route;

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
use std::time::Instant;
use tls::rustls::ClientConfig;

/// A WebSocket about to be connected.
#[must_use = "it does nothing yet"]
pub struct Connect<F, O> {
    route: Route,
    pub(crate) outside: O,
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
pub struct ConnectStream<O> {
    route: Route,
    pub(crate) outside: O,
    alpn: Option<&'static [&'static [u8]]>,
}

/// A way that any number of connections go, to whatever target.
#[derive(Clone)]
#[must_use = "it does nothing yet"]
pub struct Connector<O> {
    route: Route,
    pub(crate) outside: O,
}

/// An HTTP/2 connection for many streams about to be opened.
#[must_use = "it does nothing yet"]
pub struct ConnectHttp2<O> {
    route: Route,
    pub(crate) outside: O,
    settings: http2::Settings,
}

impl<F, O: Clone> Clone for Connect<F, O> {
    fn clone(&self) -> Self {
        Self {
            route: self.route.clone(),
            outside: self.outside.clone(),
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

impl<O> Connect<Queue<Message>, O> {
    /// Connects to a `ws://` or `wss://` URL.
    pub fn new(url: &str, outside: O) -> Self {
        Self {
            route: Route::new(url),
            outside,
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
    pub fn parts(self) -> Connect<Queue<Part>, O> {
        self.carrying()
    }
    /// Carries bytes, in binary messages of any cut. It does not carry half-close: who finishes
    /// closes.
    pub fn tunnel(self) -> Connect<Pipe, O> {
        self.carrying()
    }
    fn carrying<F: Payload>(self) -> Connect<F, O> {
        Connect {
            route: self.route,
            outside: self.outside,
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

impl<F: Payload, O> Connect<F, O> {
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
    /// Says what a [`Dialer`](crate::Dialer) shall connect to, how long it may take, and what it gets
    /// from outside.
    ///
    /// # Errors
    ///
    /// What cannot be asked for, as of `now`.
    pub fn prepare(self, now: Instant) -> Result<Prepared<BoxSocket<F>, O>, DialError> {
        let (timeouts, outside) = (self.route.timeouts, self.outside);
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
        prepared(plan, timeouts, outside, now)
    }
}

impl<O> ConnectStream<O> {
    /// Opens a stream to a `tcp://host:port`, `tls://host:port`, `http://` or `https://` URL.
    pub fn new(url: &str, outside: O) -> Self {
        Self {
            route: Route::new(url),
            outside,
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
    pub fn prepare(self, now: Instant) -> Result<Prepared<BoxTunnel, O>, DialError> {
        let (timeouts, outside) = (self.route.timeouts, self.outside);
        let alpn = self.alpn;
        let plan = self.route.resolve().and_then(|(routes, target, tls)| {
            Plan::stream(routes, target, tls, alpn).map_err(invalid)
        });
        prepared(plan, timeouts, outside, now)
    }
}

impl<O> Connector<O> {
    /// Goes the way that the environment says, until it is told another one.
    pub fn new(outside: O) -> Self {
        Self {
            route: Route::new("tcp://nowhere.invalid:1"),
            outside,
        }
    }
    /// Opens a stream of bytes to this URL, as [`ConnectStream::new`].
    pub fn stream(&self, url: &str) -> ConnectStream<O>
    where
        O: Clone,
    {
        let target = url.parse();
        ConnectStream {
            route: Route {
                target,
                ..self.route.clone()
            },
            outside: self.outside.clone(),
            alpn: None,
        }
    }
}

impl<O> ConnectHttp2<O> {
    /// Connects to a `wss://`, `https://`, `ws://` or `http://` URL.
    pub fn new(url: &str, outside: O) -> Self {
        Self {
            route: Route::new(url),
            outside,
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
    pub fn prepare(self, now: Instant) -> Result<(Prepared<BoxHttp2, O>, Origin), DialError> {
        let (timeouts, outside) = (self.route.timeouts, self.outside);
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
        let prepared = prepared(plan, timeouts, outside, now)?;
        Ok((prepared, origin.unwrap_or_default()))
    }
}

/// What a dialer is made of.
#[non_exhaustive]
pub struct Prepared<L, O> {
    /// What to connect to, and by which ways.
    pub plan: Plan<L>,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// What the driver gets from outside.
    pub outside: O,
}

fn prepared<L, O>(
    plan: Result<Plan<L>, Error>,
    timeouts: Timeouts,
    outside: O,
    now: Instant,
) -> Result<Prepared<L, O>, DialError> {
    match plan {
        Ok(plan) => Ok(Prepared {
            plan,
            timeouts,
            outside,
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
        impl<$($form: Payload,)? O> $builder<$($form,)? O> {
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
            /// Gets from this whatever connecting needs from outside.
            pub fn outside(mut self, outside: O) -> Self {
                self.outside = outside;
                self
            }
        }
    };
}
routed!(Connect, F);
routed!(ConnectStream);
routed!(ConnectHttp2);
routed!(Connector);
