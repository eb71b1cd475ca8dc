use crate::config::Http2Config;
use crate::connection::Connection;
use crate::error::NAME;
use crate::head::Head;
use crate::request::{RequestKind, request_kind};
use crate::stream_id::StreamId;
use crate::tunnel::Tunnel;
use bytes::Bytes;
use http::header::{ALLOW, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use std::fmt;
use wirestack_layer::Instant;
use wirestack_layer::{Flows, Layer, Pipe, Progress};

/// The server's side of one tunnel: an HTTP/2 connection that takes one CONNECT.
///
/// At a [`request`](Self::request) for a tunnel or a protocol, it waits for
/// [`accept`](Self::accept) or [`reject`](Self::reject). It takes one request at a time, and
/// answers ordinary ones with 405. A server that takes ordinary requests or many tunnels is a
/// [`Connection`].
///
/// ```
/// use http::{HeaderMap, Response, StatusCode};
/// use wirestack_http2::{RequestKind, Server, request_kind};
///
/// /// Opens tunnels to one host alone. It is called behind each `process`.
/// fn decide(server: &mut Server) {
///     let Some(request) = server.request() else { return };
///     match request_kind(request) {
///         RequestKind::Tunnel(to) if to == "example.org:22" => server.accept(HeaderMap::new()),
///         _ => {
///             let mut response = Response::new("not from here\n".into());
///             *response.status_mut() = StatusCode::FORBIDDEN;
///             server.reject(response);
///         }
///     }
/// }
/// decide(&mut Server::new(wirestack_http2::Http2Config::server()));
/// ```
pub struct Server {
    tunnel: Tunnel,
    request: Option<Request<()>>,
    decided: bool,
}

impl Server {
    /// Creates a server.
    pub fn new(config: Http2Config) -> Self {
        let config = Http2Config {
            streams: 1,
            ..config
        };
        Self {
            tunnel: Tunnel::new(Connection::server, config),
            request: None,
            decided: false,
        }
    }

    /// Returns the request while it waits for a decision. [`request_kind`] returns its kind.
    pub fn request(&self) -> Option<&Request<()>> {
        let decided = self.decided || self.tunnel.is_over();
        self.request.as_ref().filter(|_| !decided)
    }

    /// Opens the tunnel with a 200 and these fields.
    pub fn accept(&mut self, headers: HeaderMap) {
        let mut response = Response::new(Bytes::new());
        *response.headers_mut() = headers;
        self.decide(response, true);
    }

    /// Refuses the request with this response, and ends the connection. A status of 2xx becomes
    /// 403.
    pub fn reject(&mut self, mut response: Response<Bytes>) {
        if response.status().is_success() {
            *response.status_mut() = StatusCode::FORBIDDEN;
        }
        self.decide(response, false);
    }

    fn decide(&mut self, response: Response<Bytes>, open: bool) {
        if let Some(stream) = self.tunnel.stream()
            && !self.decided
        {
            self.decided = true;
            self.tunnel.open = open;
            self.tunnel.down.respond(stream, response);
        }
    }
}

impl Layer for Server {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        NAME
    }

    fn process(&mut self, flows: Flows<'_>, now: Instant) {
        let asked = &mut self.request;
        self.tunnel.process(flows, now, |tunnel, stream, head| {
            let Head::Request(request) = head else {
                return;
            };
            let wanted = request_kind(&request);
            if tunnel.stream().is_none() && wanted != RequestKind::Response {
                tunnel.take(stream);
                tunnel.down.add(stream);
                *asked = Some(request);
            } else {
                answer(tunnel, stream, &request);
            }
        });
    }

    fn deadline(&self) -> Option<Instant> {
        self.tunnel.deadline()
    }

    fn is_open(&self) -> bool {
        self.tunnel.open
    }

    fn is_flushed(&self) -> bool {
        self.tunnel.is_flushed()
    }

    fn progress(&self) -> Progress {
        match self.request() {
            Some(_) => Progress::Deciding("the CONNECT request"),
            None => self.tunnel.progress("the CONNECT request"),
        }
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.request.as_ref().map(request_kind) {
            Some(RequestKind::Tunnel(authority)) => write!(f, "CONNECT {authority}"),
            Some(RequestKind::Protocol(protocol)) => write!(f, "CONNECT, {protocol}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}

/// Answers a request that opens no tunnel.
fn answer(tunnel: &mut Tunnel, stream: StreamId, request: &Request<()>) {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = match request_kind(request) {
        RequestKind::Response if request.method() == Method::CONNECT => StatusCode::BAD_REQUEST,
        RequestKind::Response => StatusCode::METHOD_NOT_ALLOWED,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let headers = response.headers_mut();
        headers.insert(ALLOW, HeaderValue::from_static("CONNECT"));
    }
    tunnel.down.respond(stream, response);
    tunnel.forget(stream);
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirestack_layer::Flow;

    #[test]
    fn nothing_is_kept_of_a_request_that_opens_no_tunnel() {
        let mut server = Server::new(Http2Config::server());
        let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        from_wire.write(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..]].concat());
        for stream in (1..100_u32).step_by(2) {
            // GET https://x/, of HPACK's static table, with END_STREAM and END_HEADERS
            from_wire.write(&[0, 0, 6, 1, 5]);
            from_wire.write(&stream.to_be_bytes());
            from_wire.write(&[0x82, 0x87, 0x84, 0x41, 1, b'x']);
            for _ in 0..2 {
                let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
                server.process(flows, Instant::ORIGIN);
                to_wire.discard();
            }
            assert!(to_app.is_empty() && to_app.total() == 0);
            assert_eq!(server.progress(), Progress::Opening("the CONNECT request"));
            assert_eq!(server.tunnel.streams_heard(), 0, "stream {stream}");
        }
    }
}
