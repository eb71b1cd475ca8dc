//! A request that is forwarded to its server, over HTTP/1.1.

use super::body::PassedRequest;
use super::exchange::{Exchange, Refusal, refuse};
use super::outgoing::connect_for_requests;
use crate::driver::io::IdleTimer;
use crate::driver::server::entry::Entry;
use crate::driver::server::outgoing::permitted_target;
use crate::driver::tasks::Tasks;
use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use hyper::body::{Body, Incoming};
use hyper::ext::on_informational;
use hyper_util::client::legacy::connect::Connection as _;
use std::error::Error as StdError;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;
use wirestack_dial::serve::{ForwardError, forward_request, forward_response, refusal};

impl Exchange {
    /// Forwards a request over a connection of its own, which one of `connections` drives. Returns
    /// the response, with the count of the bytes of the request's content. Before it, `interim` gets those
    /// of the server, up to a number.
    pub(super) async fn forward<B>(
        &self,
        request: Request<B>,
        connections: &Tasks<()>,
        interim: Option<SendInterim>,
        entry: &mut Entry,
    ) -> Result<Response<(Incoming, Arc<AtomicU64>)>, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let (mut head, body) = request.into_parts();
        let method = head.method.clone();
        let forwarded = forward_request(&mut head);
        let server = forwarded.map_err(|error| not_forwarded(entry, error))?;
        entry.record.target = Some(server.to_string());
        let server = permitted_target(&self.proxy.server, server);
        let server = server.map_err(|error| refuse(entry, &error.into()))?;
        let url = format!("http://{server}/");
        let (proxy, runtime) = (&self.proxy, self.runtime());
        let uri: Uri = url
            .parse()
            .map_err(|_| not_forwarded(entry, ForwardError::Target))?;
        let io = connect_for_requests(runtime, &server, uri, &proxy.server, &proxy.upstream);
        let io = io.await.map_err(|refused| refuse(entry, &refused))?;
        if io.connected().is_proxied() {
            if head.uri == "*" {
                return Err(not_forwarded(entry, ForwardError::WholeServer));
            }
            // The next proxy wants the absolute URI, as this one did (RFC 9112 §3.2.2).
            let uri = format!("http://{server}{}", head.uri);
            head.uri = uri
                .parse()
                .map_err(|_| not_forwarded(entry, ForwardError::Target))?;
        }
        let handshake = hyper::client::conn::http1::Builder::new()
            .max_header_size(MAX_HEAD)
            .max_buf_size(MAX_BUFFER)
            .handshake(io);
        let failed = |entry: &mut Entry, error: &dyn std::fmt::Display| {
            entry.record.error = Some(error.to_string());
            refusal(StatusCode::BAD_GATEWAY, "the server has not answered")
        };
        let (mut sender, connection) = handshake.await.map_err(|error| failed(entry, &error))?;
        connections.spawn(&**runtime, async {
            let _ = connection.await; // its error is that of the response too
        });
        // One request for each connection to a server.
        let close = HeaderValue::from_static("close");
        head.headers.insert(CONNECTION, close);
        let sent = Arc::new(AtomicU64::new(0));
        let body = PassedRequest {
            body,
            sent: sent.clone(),
        };
        let mut request = Request::from_parts(head, body);
        if let Some(interim) = interim {
            pass_interim(&mut request, interim, method.clone());
        }
        let mut answering = pin!(sender.send_request(request));
        let mut timer = IdleTimer::new(runtime.clone(), self.idle());
        let answered = poll_fn(|cx| {
            if let Poll::Ready(response) = answering.as_mut().poll(cx) {
                return Poll::Ready(Some(response));
            }
            // A long content is no silence.
            let expired = timer.poll_idle(sent.load(Ordering::Relaxed), cx);
            expired.map(|_| None)
        });
        let Some(response) = answered.await else {
            let text = "the server has not answered in time";
            entry.record.error = Some(text.to_owned());
            return Err(refusal(StatusCode::GATEWAY_TIMEOUT, text));
        };
        let response = response.map_err(|error| failed(entry, &error))?;
        let (mut head, body) = response.into_parts();
        let forwarded = forward_response(&method, &mut head);
        forwarded.map_err(|error| not_forwarded(entry, error))?;
        Ok(Response::from_parts(head, (body, sent)))
    }
}

/// A function that sends the client an interim response.
pub(super) type SendInterim = Box<dyn Fn(Response<()>) + Send + Sync>;

/// "A proxy MUST forward 1xx responses unless the proxy itself requested the generation of the 1xx
/// response" (RFC 9110 §15.2).
fn pass_interim<B>(request: &mut Request<B>, interim: SendInterim, method: Method) {
    let (continues, others) = <(AtomicUsize, AtomicUsize)>::default();
    on_informational(request, move |seen| {
        let (passed, most) = match seen.status() {
            StatusCode::CONTINUE => (&continues, 1),
            _ => (&others, MOST_INTERIM),
        };
        if passed.fetch_add(1, Ordering::Relaxed) >= most {
            return;
        }
        let mut response = Response::new(());
        *response.status_mut() = seen.status();
        *response.version_mut() = seen.version();
        response.headers_mut().clone_from(seen.headers());
        let (mut head, ()) = response.into_parts();
        if forward_response(&method, &mut head).is_ok() {
            interim(Response::from_parts(head, ()));
        }
    });
}

/// Returns the response to a request, or for a response, that is not forwarded.
fn not_forwarded(entry: &mut Entry, error: ForwardError) -> Box<Response<Bytes>> {
    entry.record.error = Some(error.to_string());
    refusal(error.status(), &error.to_string())
}

/// The bytes of a head, with its start line.
pub(super) const MAX_HEAD: usize = 16 * 1024;

/// The interim responses to a request that are passed on, beside one 100 (Continue).
const MOST_INTERIM: usize = 16;

/// The bytes of a connection that `hyper` holds in each direction.
pub(super) const MAX_BUFFER: usize = 64 * 1024;
