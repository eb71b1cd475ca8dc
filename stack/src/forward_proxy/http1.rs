//! The clients of HTTP/1.1: tunnels, and requests that are forwarded. `hyper` reads and writes them.

use super::body::{PassedResponse, ResponseBody};
use super::exchange::{Exchange, Refusal};
use super::forward::{MAX_BUFFER, MAX_HEAD};
use super::tunnel::Tunnel;
use super::{Client, ForwardProxy};
use crate::connect::ByteStream;
use crate::driver::io::hyper_io::HyperIo;
use crate::driver::io::{Connection, IdleTimer, RelayIdle};
use crate::driver::server::entry::Entry;
use crate::driver::server::hyper_timer::HyperTimer;
use crate::driver::shutdown::Shutdown;
use crate::driver::tasks::Tasks;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;
use wirestack_dial::serve::{ForwardError, ProxyProtocol, refusal};
use wirestack_http::grammar::has_valid_host;
use wirestack_http1::Http1Error;
use wirestack_layer::{Error, FirstBytes, HostPort, SeenProtocol, origin};
use wirestack_nest::BoxTunnel;

impl ForwardProxy {
    pub(super) async fn serve_http1(
        &self,
        mut connection: Connection<BoxTunnel>,
        client: &Client,
    ) -> Result<Option<Tunnel>, Error> {
        connection.set_open_timeout(Duration::MAX); // hyper has a time for each head
        let seen = FirstBytes::read(connection.engine().to_app().unread(), true);
        let (io, moved) = HyperIo::counted(connection);
        let requests = Requests {
            exchange: Exchange::new(self, client, ProxyProtocol::Http1),
            connections: Arc::new(Tasks::new()),
            tunnel: Arc::default(),
            was_asked: Arc::default(),
        };
        let (tunnel, was_asked) = (requests.tunnel.clone(), requests.was_asked.clone());
        let service = service_fn(move |request| {
            let requests = requests.clone();
            Box::pin(async move { Ok::<_, Infallible>(requests.answer(request).await) })
        });
        let mut serving = hyper::server::conn::http1::Builder::new()
            .timer(HyperTimer(client.runtime.clone()))
            .header_read_timeout(self.handshake_timeout.min(MOST_OF_HYPER))
            .max_header_size(MAX_HEAD)
            .max_buf_size(MAX_BUFFER)
            .half_close(true) // a client that has sent all may end its direction
            .serve_connection(io, service);
        let mut signal = client.shutdown.as_ref().map(Shutdown::waiter);
        // One exchange has its own time; this one is for a client that takes or sends nothing.
        let idle = self.server.timeouts().idle;
        let allowed = idle.saturating_add(self.handshake_timeout);
        let mut timer = IdleTimer::new(client.runtime.clone(), allowed);
        let mut end = ClientEnd::Awaited;
        let served = poll_fn(|cx| {
            if let Some(waiter) = &mut signal
                && waiter.poll_started(cx).is_ready()
            {
                signal = None;
                end = ClientEnd::Unneeded;
                Pin::new(&mut serving).graceful_shutdown();
            }
            if let Poll::Ready(served) = serving.poll_without_shutdown(cx) {
                return Poll::Ready(served.map_err(|error| {
                    if error.is_timeout() {
                        end = ClientEnd::Late;
                    }
                    Error::peer(origin::PROXY, error)
                }));
            }
            let expired = timer.poll_idle(moved.load(Ordering::Relaxed), cx);
            expired.map(|_| {
                end = ClientEnd::Late;
                Err(Error::local(origin::PROXY, RelayIdle { allowed }))
            })
        })
        .await;
        let parts = serving.into_parts();
        let mut io = parts.io.io;
        let taken = tunnel.lock().unwrap_or_else(PoisonError::into_inner).take();
        let served = match taken {
            Some(Answered { mut target, entry }) if served.is_ok() => {
                // What hyper has read too far is the first data of the tunnel.
                target.engine().from_app().write(&parts.read_buf);
                return Ok(Some(Tunnel {
                    client: io,
                    target,
                    idle,
                    entry,
                }));
            }
            Some(mut answered) => {
                answered.entry.end(&served);
                served
            }
            None if was_asked.load(Ordering::Relaxed) => served,
            None => {
                let served = served.map_err(|error| not_http(seen.ok()).unwrap_or(error));
                let mut entry = self.entry(client, Some(ProxyProtocol::Http1));
                entry.end(&served);
                served
            }
        };
        match end {
            // A client that is cut off with unread bytes may lose the last answer (RFC 9112 §9.6).
            ClientEnd::Awaited => drop(io.finish(self.handshake_timeout).await),
            ClientEnd::Unneeded => drop(poll_fn(|cx| io.poll_shutdown_bytes(cx)).await),
            ClientEnd::Late => {}
        }
        served.map(|()| None)
    }
}

/// The longest time that `hyper` is given, which adds it to the present one: a sum beyond its range
/// is a panic.
const MOST_OF_HYPER: Duration = Duration::from_secs(u32::MAX as u64);

/// The end of a client's direction, behind the last answer.
enum ClientEnd {
    /// It is waited for.
    Awaited,
    /// It is not waited for, as the server ends.
    Unneeded,
    /// The client has had its time.
    Late,
}

/// Returns the error of a client that begins with another known protocol. `hyper` does not know its
/// name.
fn not_http(seen: Option<FirstBytes>) -> Option<Error> {
    let wanted = SeenProtocol::HttpRequest;
    let seen = seen.filter(|seen| seen.protocol().is_some_and(|it| it != wanted))?;
    Some(Error::peer(
        origin::PROXY,
        Http1Error::NotHttp { seen, wanted },
    ))
}

/// The requests of one connection.
#[derive(Clone)]
struct Requests {
    exchange: Exchange,
    /// The connections to the servers of forwarded requests.
    connections: Arc<Tasks<()>>,
    /// The tunnel that the last request has opened.
    tunnel: Arc<Mutex<Option<Answered>>>,
    /// A request has come, so that the log has an entry.
    was_asked: Arc<AtomicBool>,
}

impl Requests {
    async fn answer(&self, request: Request<Incoming>) -> Response<ResponseBody> {
        self.was_asked.store(true, Ordering::Relaxed);
        let mut entry = self.exchange.entry(request.method());
        let is_connect = request.method() == Method::CONNECT;
        let answered = match self.exchange.log_in(request.headers(), &mut entry).await {
            Err(refused) => Err(refused),
            Ok(()) if is_connect => self.open_tunnel(&request, &mut entry).await,
            Ok(()) => match self
                .exchange
                .forward(request, &self.connections, None, &mut entry) // `hyper` sends 100 by itself
                .await
            {
                Ok(response) => {
                    let (head, (body, sent)) = response.into_parts();
                    entry.record.status = Some(head.status.as_u16());
                    let passed = PassedResponse { body, entry, sent };
                    return Response::from_parts(head, ResponseBody::Passed(passed.into()));
                }
                Err(refused) => Err(refused),
            },
        };
        match answered {
            Ok(target) => {
                entry.record.status = Some(StatusCode::OK.as_u16());
                let answered = Answered { target, entry };
                *self.tunnel.lock().unwrap_or_else(PoisonError::into_inner) = Some(answered);
                let mut response = Response::new(ResponseBody::Text(None));
                // In these words, most proxies say it.
                let reason = ReasonPhrase::from_static(b"Connection established");
                response.extensions_mut().insert(reason);
                response
            }
            Err(refused) => {
                entry.record.status = Some(refused.status().as_u16());
                entry.end(&Ok(()));
                let mut response = refused.map(|text| ResponseBody::Text(Some(text)));
                if is_connect {
                    // Bytes behind a CONNECT that was refused are no request (RFC 9931 §8).
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(CONNECTION, close);
                }
                response
            }
        }
    }

    async fn open_tunnel(
        &self,
        request: &Request<Incoming>,
        entry: &mut Entry,
    ) -> Result<ByteStream, Refusal> {
        // "A CONNECT request message does not have content" (RFC 9110 §9.3.6).
        if has_content(request.headers()) {
            let text = "a CONNECT has no content";
            entry.record.error = Some(text.to_owned());
            return Err(refusal(StatusCode::BAD_REQUEST, text));
        }
        // A CONNECT may lack it: the target says the same, and some clients send none.
        if !has_valid_host(request.headers()) {
            let text = ForwardError::Host.to_string();
            let refused = refusal(ForwardError::Host.status(), &text);
            entry.record.error = Some(text);
            return Err(refused);
        }
        // "The "authority-form" of request-target is only used for CONNECT requests", and no other
        // form is (RFC 9112 §3.2.3).
        let uri = request.uri();
        let authority = uri.authority().filter(|_| uri.scheme().is_none());
        let target = authority.and_then(|authority| HostPort::parse(authority.as_str(), None));
        self.exchange.connect(target, entry).await
    }
}

/// Returns `true` if a head announces content.
fn has_content(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH);
    headers.contains_key(TRANSFER_ENCODING) || length.is_some_and(|length| length != "0")
}

/// A tunnel whose client gets its 200.
struct Answered {
    target: ByteStream,
    entry: Entry,
}
