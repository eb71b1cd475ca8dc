//! The clients of HTTP/2: tunnels, and requests that are forwarded.

use super::body::StreamContent;
use super::exchange::Exchange;
use super::tunnel::{Relaying, Tunnel};
use super::{Client, ForwardProxy};
use crate::driver::http2::{Http2, Http2Stream, Incoming};
use crate::driver::io::{Connection, IdleTimer, RelayIdle};
use crate::driver::runtime::BoxFuture;
use crate::driver::server::deciding::unless;
use crate::driver::server::entry::Entry;
use crate::driver::shutdown::Shutdown;
use crate::driver::tasks::Tasks;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::uri::Authority;
use http::{HeaderMap, Method, Response, StatusCode};
use hyper::body::Body;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use wirestack_dial::serve::{ProxyProtocol, refusal};
use wirestack_http2::{self as http2, RequestKind};
use wirestack_layer::{Error, HostPort, origin};
use wirestack_nest::{BoxTunnel, Engine, Identity};

impl ForwardProxy {
    pub(super) async fn serve_http2(
        &self,
        connection: Connection<BoxTunnel>,
        client: &Client,
    ) -> Result<(), Error> {
        let mut connection = connection.push_layer(http2::Connection::server(self.http2.clone()));
        let engine = connection.engine();
        engine.set_open_timeout(self.handshake_timeout, client.accepted);
        let http2 = Http2::new(connection);
        let (driving, tunnels) = (Tasks::new(), Tasks::new());
        driving.spawn(&*client.runtime, http2.driver());
        let mut signal = client.shutdown.as_ref().map(Shutdown::waiter);
        let most = self.http2.streams.max(1) as usize;
        let mut was_asked = false;
        let ended = loop {
            let mut accepting = pin!(http2.accept());
            let next = poll_fn(|cx| {
                while let Poll::Ready(Some(())) = tunnels.poll_join(cx) {}
                if let Some(waiter) = &mut signal
                    && waiter.poll_started(cx).is_ready()
                {
                    signal = None;
                    return Poll::Ready(None);
                }
                // A client may reset its streams faster than their tasks end.
                if tunnels.running() >= most {
                    return Poll::Pending;
                }
                accepting.as_mut().poll(cx).map(Some)
            });
            match next.await {
                None => http2.go_away(),
                Some(Some(Ok(incoming))) => {
                    was_asked = true;
                    let exchange = Exchange::new(self, client, ProxyProtocol::Http2);
                    // Boxed, so that its memory is free while a tunnel carries bytes.
                    let answering: BoxFuture<_> = Box::pin(serve_stream(exchange, incoming));
                    tunnels.spawn(&*client.runtime, async {
                        if let Some(relaying) = answering.await {
                            let _ = relaying.await; // the log has its error
                        }
                    });
                }
                Some(Some(Err(error))) => break Err(error),
                Some(None) => break Ok(()),
            }
        };
        drop(http2);
        while let Some(()) = tunnels.join().await {}
        while let Some(()) = driving.join().await {}
        if ended.is_err() && !was_asked {
            self.entry(client, Some(ProxyProtocol::Http2)).end(&ended);
        }
        ended
    }
}

/// Serves one request of a client. Returns the future of the tunnel that it has opened.
async fn serve_stream(exchange: Exchange, incoming: Incoming) -> Option<Relaying> {
    let mut entry = exchange.entry(incoming.request().method());
    let login = exchange.log_in(incoming.request().headers(), &mut entry);
    let Ok(login) = unless(incoming.closed(), login).await else {
        return None; // the client has reset the stream: the entry says that it was cut
    };
    let refused = match login {
        Err(refused) => refused,
        Ok(()) => match incoming.request_kind() {
            RequestKind::Tunnel(authority) => {
                let authority = authority.clone();
                let tunnel = open_tunnel(exchange, incoming, &authority, entry).await;
                return tunnel.map(Tunnel::relay);
            }
            RequestKind::Response if incoming.request().method() == Method::CONNECT => {
                let text = "the target has no valid host and port";
                entry.record.error = Some(text.to_owned());
                refusal(StatusCode::BAD_REQUEST, text)
            }
            RequestKind::Response => {
                forward(exchange, incoming, entry).await;
                return None;
            }
            _ => {
                let text = "this proxy knows no protocol for an extended CONNECT";
                entry.record.error = Some(text.to_owned());
                refusal(StatusCode::NOT_IMPLEMENTED, text)
            }
        },
    };
    refuse(incoming, *refused, entry);
    None
}

async fn open_tunnel(
    exchange: Exchange,
    incoming: Incoming,
    authority: &Authority,
    mut entry: Entry,
) -> Option<Tunnel> {
    let target = HostPort::parse(authority.as_str(), None);
    let connecting = exchange.connect(target, &mut entry);
    let connected = unless(incoming.closed(), connecting).await.ok()?;
    let target = match connected {
        Ok(target) => target,
        Err(refused) => {
            refuse(incoming, *refused, entry);
            return None;
        }
    };
    entry.record.status = Some(StatusCode::OK.as_u16());
    let stream = incoming.accept(HeaderMap::new())?;
    let engine = Engine::new(Identity);
    let client = Connection::new(exchange.runtime().clone(), Box::new(stream), engine);
    Some(Tunnel {
        client: client.boxed(),
        target,
        idle: exchange.idle(),
        entry,
    })
}

/// Forwards a request, and passes the response on.
async fn forward(exchange: Exchange, incoming: Incoming, mut entry: Entry) {
    let Some((request, stream)) = incoming.into_parts() else {
        return;
    };
    let is_head = request.method() == Method::HEAD;
    let stream = Arc::new(stream);
    let connections = Tasks::new();
    let left = content_length(request.headers());
    let stream_of_content = stream.clone();
    let request = request.map(|()| StreamContent {
        stream: stream_of_content,
        left,
    });
    let stream_of_interim = stream.clone();
    let interim = move |response| stream_of_interim.respond_interim(response);
    let forwarding = exchange.forward(request, &connections, Some(Box::new(interim)), &mut entry);
    let Ok(forwarded) = unless(stream.closed(), forwarding).await else {
        return;
    };
    match forwarded {
        Ok(response) => {
            let (head, (body, sent)) = response.into_parts();
            entry.record.status = Some(head.status.as_u16());
            let response = Response::from_parts(head, body);
            let passed = pass_on(&exchange, response, &stream, &sent, &mut entry).await;
            entry.relayed.sent = sent.load(Ordering::Relaxed);
            if let Ok(passed) = passed {
                entry.end(&passed);
            }
        }
        Err(mut refused) => {
            if is_head {
                refused.body_mut().clear(); // RFC 9110 §9.3.2: "MUST NOT send content"
            }
            entry.record.status = Some(refused.status().as_u16());
            entry.end(&Ok(()));
            stream.respond(*refused);
        }
    }
}

/// Returns the length of a content, if its head tells it. `h2` sees to it that the content has it
/// (RFC 9113 §8.1.1).
fn content_length(headers: &HeaderMap) -> Option<u64> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next().filter(|_| lengths.next().is_none())?;
    let length = length.to_str().ok()?;
    let is_digits = length.bytes().all(|byte| byte.is_ascii_digit());
    length.parse().ok().filter(|_| is_digits)
}

/// Sends the client a response with its content. Fails if the client has reset the stream.
async fn pass_on(
    exchange: &Exchange,
    response: Response<hyper::body::Incoming>,
    stream: &Http2Stream,
    sent: &AtomicU64,
    entry: &mut Entry,
) -> Result<Result<(), Error>, ()> {
    let (mut head, mut body) = response.into_parts();
    if body.is_end_stream() {
        stream.respond(Response::from_parts(head, Bytes::new()));
        return Ok(Ok(()));
    }
    if let Some(length) = body.size_hint().exact() {
        head.headers.insert(CONTENT_LENGTH, length.into());
    }
    stream.respond_streaming(Response::from_parts(head, ()));
    let allowed = exchange.idle();
    let mut timer = IdleTimer::new(exchange.runtime().clone(), allowed);
    let mut left = pin!(stream.closed());
    let mut data = Bytes::new();
    let mut has_all = false;
    let mut written = 0;
    poll_fn(|cx| {
        loop {
            let next = if !data.is_empty() {
                let writing = stream.poll_write_data(cx, &mut data);
                writing.map(|n| n.map(|n| written += n as u64).is_ok())
            } else if has_all {
                match stream.poll_flush_bytes(cx) {
                    Poll::Ready(flushed) => return Poll::Ready(flushed.map(Ok).map_err(drop)),
                    Poll::Pending => Poll::Pending,
                }
            } else {
                match Pin::new(&mut body).poll_frame(cx) {
                    Poll::Ready(Some(Ok(frame))) => {
                        data = frame.into_data().unwrap_or_default();
                        entry.relayed.received += data.len() as u64;
                        Poll::Ready(true)
                    }
                    Poll::Ready(Some(Err(error))) => {
                        stream.reset();
                        let error = Error::peer(origin::PROXY, error.to_string());
                        return Poll::Ready(Ok(Err(error)));
                    }
                    Poll::Ready(None) => {
                        has_all = true;
                        stream.finish();
                        Poll::Ready(true)
                    }
                    Poll::Pending => Poll::Pending,
                }
            };
            match next {
                Poll::Ready(true) => {}
                Poll::Ready(false) => return Poll::Ready(Err(())),
                Poll::Pending => break,
            }
        }
        if !has_all && left.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(()));
        }
        let moved = entry.relayed.received + written + sent.load(Ordering::Relaxed);
        timer.poll_idle(moved, cx).map(|_| {
            stream.reset();
            Ok(Err(Error::local(origin::PROXY, RelayIdle { allowed })))
        })
    })
    .await
}

fn refuse(incoming: Incoming, refused: Response<Bytes>, mut entry: Entry) {
    entry.record.status = Some(refused.status().as_u16());
    entry.end(&Ok(()));
    incoming.respond(refused);
}
