//! Connections for clients of `hyper`.

use super::ByteStream;
use super::builders::Connector;
use super::hop_changes::HopChanges;
use super::spec::{RouteChoice, invalid};
use crate::driver::dial::no_runtime;
use crate::driver::io::hyper_io::HyperIo;
use crate::driver::runtime::BoxFuture;
use bytes::{Buf, BytesMut};
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tower_service::Service;
use wirestack_dial::{DialError, Environment, Forwarding, Hop, Routes, Target};
use wirestack_http1::ForwardedRequests;
use wirestack_layer::Error;
use wirestack_tls as tls;

/// Connects to the host of an `http` or `https` URI. Over TLS it offers HTTP/2 and HTTP/1.1.
///
/// An `https` URI is reached through a tunnel of each proxy (CONNECT). For an `http` URI whose last
/// hop is an HTTP/1.1 proxy, the connection ends at that proxy, which gets the requests in absolute
/// form, as from a browser: many proxies allow CONNECT to port 443 only. The user and the password
/// of the hop, and its [fields](crate::dial::Hop::header), go with each request.
///
/// Where the routes are [found](crate::dial::Routes::found_by) while dialing, as with a proxy
/// auto-config file, every proxy is asked for a tunnel, also for `http`.
///
/// A connector does not see requests, so it cannot answer the 407 of such a proxy: the client gets
/// it as the response. A hop that waits for a challenge
/// ([`on_challenge`](crate::dial::Hop::on_challenge), [`asking`](crate::dial::Hop::asking), or an
/// authenticator of its own) is therefore asked for a tunnel, also for `http`.
///
/// ```no_run
/// # #[cfg(feature = "hyper")]
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use http_body_util::Empty;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use wirestack::Connector;
///
/// let connector = Connector::default()
///     .via("socks5h://gate.test:1080")
///     .via("http://proxy.test:3128");
/// let client = Client::builder(TokioExecutor::new()).build::<_, Empty<&[u8]>>(connector);
/// let response = client.get("https://example.org/".parse()?);
/// # drop(response);
/// # Ok(())
/// # }
/// ```
impl Service<Uri> for Connector {
    type Response = HyperStream;
    type Error = DialError;
    type Future = Connecting;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Connecting {
        let connector = self.clone();
        Box::pin(async move {
            if uri.scheme() == Some(&http::uri::Scheme::HTTPS) {
                return connector.tunnel(&uri, true).await;
            }
            // Which proxy it is shows while dialing, so that each is asked for a tunnel.
            if matches!(&connector.spec.route, RouteChoice::Routes(routes) if !routes.are_known()) {
                return connector.tunnel(&uri, false).await;
            }
            let runtime = connector.spec.context.find_runtime().map_err(no_runtime)?;
            let routes = connector.routes_to(&uri);
            let routes = routes.map_err(|error| DialError::invalid(error, runtime.now()))?;
            if routes.iter().all(|(_, forwarding)| forwarding.is_none()) {
                return connector.tunnel(&uri, false).await;
            }
            // The time-out is for all routes together.
            let due = runtime.now().checked_add(connector.spec.timeouts.total);
            let mut last = None;
            for (hops, forwarding) in routes {
                let mut one = connector.clone();
                if let Some(due) = due {
                    one.spec.timeouts.total = due - runtime.now();
                }
                if last.is_some() && one.spec.timeouts.total.is_zero() {
                    break;
                }
                let connected = match forwarding {
                    Some(forwarding) => one.forward(forwarding).await,
                    None => {
                        one = one.routes(Routes::hops(hops));
                        one.spec.hop_changes = HopChanges::default(); // they are changed
                        one.tunnel(&uri, false).await
                    }
                };
                match connected {
                    Ok(io) => return Ok(io),
                    Err(error) => last = Some(error),
                }
            }
            match last {
                Some(error) => Err(error),
                None => connector.tunnel(&uri, false).await, // it says that there is no route
            }
        })
    }
}

/// A route, and the way to its last proxy if that forwards requests.
type HttpRoute = (Vec<Hop>, Option<Forwarding>);

impl Connector {
    /// Connects to the host of the URI itself.
    async fn tunnel(&self, uri: &Uri, secure: bool) -> Result<HyperStream, DialError> {
        let io = self.stream(uri).alpn(WEB).await?;
        let tls = io.part::<tls::Client>().filter(|_| secure);
        let kind = match tls.and_then(tls::Client::alpn) {
            Some(b"h2") => Kind::Http2,
            _ => Kind::Http1,
        };
        Ok(HyperStream::new(io, kind))
    }

    /// Connects to a proxy that forwards requests.
    async fn forward(&self, way: Forwarding) -> Result<HyperStream, DialError> {
        let mut stream = self.stream("");
        stream.spec.hop_changes = HopChanges::default();
        stream.set_target(way.proxy);
        let mut stream = stream.routes(Routes::hops(way.hops)).alpn(HTTP1);
        // The proxy is the target here: it gets its own certificate, and not that of the target.
        let all = self.spec.certificates.without_client_certificate();
        stream.spec.certificates = all.and(&way.certificates);
        if let Some(config) = way.tls {
            stream.spec.tls = Some(config);
            stream.spec.certificates = way.certificates;
        } else if !way.certificates.is_empty() {
            stream.spec.tls = None;
        }
        let io = stream.await?;
        let requests = Box::new(ForwardedRequests::new(way.fields));
        let waiting = BytesMut::new();
        let kind = Kind::Proxied { requests, waiting };
        Ok(HyperStream::new(io, kind))
    }

    /// Returns the routes to the host of an `http` URI.
    fn routes_to(&self, uri: &Uri) -> Result<Vec<HttpRoute>, Error> {
        let mut target: Target = uri.to_string().parse().map_err(invalid)?;
        if let Some(path) = &self.spec.unix_socket {
            target = target.unix_socket(path);
        }
        let routes = match &self.spec.route {
            RouteChoice::Environment => Routes::environment(Environment::of_this_process()),
            RouteChoice::Hops(hops) => Routes::hops(hops.clone()?),
            RouteChoice::Routes(routes) => routes.clone(),
        };
        let routes = routes.to(&target).map_err(invalid)?.into_iter();
        let routes = routes.map(|hops| {
            let changed = hops
                .into_iter()
                .map(|hop| self.spec.hop_changes.change(hop));
            let hops: Vec<_> = changed.collect();
            let forwarding = Forwarding::of(&hops)?;
            Ok((hops, forwarding))
        });
        routes.collect()
    }
}

/// A future that connects for `hyper`.
///
/// ```
/// use tower_service::Service;
/// use wirestack::{Connecting, Connector};
///
/// /// Connects as a client of hyper does.
/// fn connect(connector: &mut Connector) -> Connecting {
///     connector.call(http::Uri::from_static("https://example.org/"))
/// }
/// ```
pub type Connecting = BoxFuture<Result<HyperStream, DialError>>;

/// A stream of bytes with the traits of `hyper`.
///
/// ```
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use wirestack::Connector;
///
/// // hyper makes a `HyperStream` of each connection by itself.
/// let connector = Connector::default().via("socks5h://gate.test:1080");
/// let client: Client<_, http_body_util::Empty<bytes::Bytes>> =
///     Client::builder(TokioExecutor::new()).build(connector);
/// drop(client);
/// ```
pub struct HyperStream {
    io: HyperIo,
    kind: Kind,
}

enum Kind {
    Http1,
    Http2,
    /// The peer is a proxy that forwards requests.
    Proxied {
        requests: Box<ForwardedRequests>,
        /// Bytes of requests that the connection has no room for.
        waiting: BytesMut,
    },
}

impl HyperStream {
    fn new(io: ByteStream, kind: Kind) -> Self {
        let io = HyperIo::new(io);
        Self { io, kind }
    }

    /// Creates the stream of a connection to a server of HTTP/1.1.
    #[cfg(feature = "proxy-server")]
    pub(crate) fn http1(io: ByteStream) -> Self {
        Self::new(io, Kind::Http1)
    }

    /// Returns the connection itself.
    ///
    /// ```
    /// use wirestack::{ByteStream, HyperStream};
    ///
    /// /// Gives the connection back behind an upgrade.
    /// fn upgraded(stream: HyperStream) -> ByteStream {
    ///     stream.into_inner()
    /// }
    /// ```
    pub fn into_inner(self) -> ByteStream {
        self.io.io
    }

    /// Writes the bytes of requests that wait.
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Kind::Proxied { waiting, .. } = &mut self.kind else {
            return Poll::Ready(Ok(()));
        };
        while !waiting.is_empty() {
            let n = ready!(Pin::new(&mut self.io).poll_write(cx, waiting))?;
            waiting.advance(n);
        }
        Poll::Ready(Ok(()))
    }
}

impl Connection for HyperStream {
    fn connected(&self) -> Connected {
        let connected = Connected::new();
        match self.kind {
            Kind::Http1 => connected,
            Kind::Http2 => connected.negotiated_h2(),
            Kind::Proxied { .. } => connected.proxy(true),
        }
    }
}

impl Read for HyperStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { io, kind } = self.get_mut();
        match kind {
            Kind::Proxied { requests, .. } => {
                io.poll_read_seen(cx, buf, |bytes| requests.answered(bytes))
            }
            _ => Pin::new(io).poll_read(cx, buf),
        }
    }
}

impl Write for HyperStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_waiting(cx))?;
        let Kind::Proxied { requests, waiting } = &mut this.kind else {
            return Pin::new(&mut this.io).poll_write(cx, bytes);
        };
        let bytes = bytes.get(..MOST_WAITING).unwrap_or(bytes);
        requests.push(bytes, waiting).map_err(io::Error::other)?;
        if let Poll::Ready(Err(error)) = this.poll_waiting(cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(bytes.len())) // what waits goes with the next call, or with a flush
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_waiting(cx))?;
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_waiting(cx))?;
        Pin::new(&mut this.io).poll_shutdown(cx)
    }
}

impl fmt::Debug for HyperStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperStream")
            .field("io", &self.io.io)
            .finish_non_exhaustive()
    }
}

/// The versions of HTTP that a server is offered, and those that a proxy is.
const WEB: &[&[u8]] = &[b"h2", b"http/1.1"];
const HTTP1: &[&[u8]] = &[b"http/1.1"];

/// The number of bytes of requests that may wait, beside the fields that are added to them.
const MOST_WAITING: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{Tokio, TokioTransport};
    use std::sync::Arc;
    use std::task::Waker;
    use wirestack_nest::{Engine, Identity};

    #[tokio::test]
    async fn requests_of_64_kib_wait_for_the_proxy_and_the_writer_behind_them() {
        let (ours, _theirs) = tokio::io::duplex(1);
        let runtime = Arc::new(Tokio::new(tokio::runtime::Handle::current()));
        let io = Box::new(TokioTransport::new(ours));
        let io = crate::Connection::new(runtime, io, Engine::new(Identity)).boxed();
        let kind = Kind::Proxied {
            requests: Box::new(ForwardedRequests::new(http::HeaderMap::new())),
            waiting: BytesMut::new(),
        };
        let mut stream = HyperStream::new(io, kind);
        let mut context = Context::from_waker(Waker::noop());
        let mut write = |bytes: &[u8]| Pin::new(&mut stream).poll_write(&mut context, bytes);
        let head = b"PUT http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n";
        let request = [&head[..], &vec![b'x'; 200_000]].concat();
        let mut written = 0;
        while let Poll::Ready(n) = write(&request[written..]) {
            let n = n.expect("written");
            assert!(n <= 65_536, "{n} bytes at once");
            written += n;
        }
        assert!((65_536..200_000).contains(&written), "{written}");
    }
}
