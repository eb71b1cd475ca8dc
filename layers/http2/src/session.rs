//! A connection of h2, in either role.

use crate::config::Http2Config;
use crate::error::{Http2Error, UseHttp1, local, peer, typed, unsent};
use crate::head::Head;
use crate::io::{Io, Woken};
use crate::pending_stream::Asked;
use crate::pieces::Pieces;
use crate::request::request_name;
use crate::stream::Stream;
use crate::stream_id::StreamId;
use crate::streams::Streams;
use h2::client::{self, SendRequest};
use h2::ext::Protocol;
use h2::{PingPong, Reason, server};
use http::Request;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use wirestack_http::mark_secrets;
use wirestack_layer::{Error, Flow, Flows, Place};

/// A connection of h2 in its role and state.
pub(crate) enum Session {
    ClientHandshake(Handshake<(SendRequest<Pieces>, client::Connection<Io, Pieces>)>),
    /// Without the first part, no more streams will be opened. h2 ends such a connection after its
    /// last stream.
    Client(
        Option<SendRequest<Pieces>>,
        Box<client::Connection<Io, Pieces>>,
    ),
    ServerHandshake(Handshake<server::Connection<Io, Pieces>>),
    Server(Box<server::Connection<Io, Pieces>>),
    Over,
}

type Handshake<T> = Pin<Box<dyn Future<Output = Result<T, h2::Error>> + Send>>;

/// The result of one poll.
pub(crate) enum Polled {
    Idle,
    Moved,
    Over(Option<h2::Error>),
}

impl Session {
    pub(crate) fn client(io: Io, config: &Http2Config) -> Self {
        let mut builder = client::Builder::new();
        builder
            .initial_window_size(config.stream_window)
            .initial_connection_window_size(config.connection_window)
            .max_send_buffer_size(config.send_buffer)
            .max_frame_size(config.frame)
            .max_header_list_size(config.fields)
            .max_concurrent_streams(0) // the server's own, which only pushes
            // It stays zero until the SETTINGS of the peer arrive. h2 shows that in no other way.
            .initial_max_send_streams(0)
            .enable_push(false);
        Self::ClientHandshake(Box::pin(async move { builder.handshake(io).await }))
    }

    pub(crate) fn server(io: Io, config: &Http2Config) -> Self {
        let mut builder = server::Builder::new();
        builder
            .initial_window_size(config.stream_window)
            .initial_connection_window_size(config.connection_window)
            .max_send_buffer_size(config.send_buffer)
            .max_frame_size(config.frame)
            .max_header_list_size(config.fields)
            .max_concurrent_streams(config.streams);
        if config.extended_connect {
            builder.enable_connect_protocol();
        }
        Self::ServerHandshake(Box::pin(builder.handshake(io)))
    }

    /// Returns `true` once this side has introduced itself, and a client too.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self, Self::ClientHandshake(_) | Self::ServerHandshake(_))
    }

    /// Returns `Some(true)` if the server offers extended CONNECT, by the SETTINGS that are in.
    pub(crate) fn offers_extended_connect(&self) -> Option<bool> {
        match self {
            Self::Client(Some(send), _) => Some(send.is_extended_connect_protocol_enabled()),
            _ => None,
        }
    }

    /// Returns `true` if the server allows no stream at all, by the SETTINGS that are in.
    pub(crate) fn allows_no_streams(&self) -> bool {
        matches!(self, Self::Client(Some(send), _) if send.current_max_send_streams() == 0)
    }

    /// Returns the error with which a request that has to wait will never be sent, if there is one.
    pub(crate) fn unsendable(&mut self, cx: &mut Context<'_>) -> Option<Error> {
        let Self::Client(Some(send), _) = self else {
            return None;
        };
        match send.poll_ready(cx) {
            Poll::Ready(Err(error)) => typed(&error),
            _ => None,
        }
    }

    pub(crate) fn ping_pong(&mut self) -> Option<PingPong> {
        match self {
            Self::Client(_, connection) => connection.ping_pong(),
            Self::Server(connection) => connection.ping_pong(),
            _ => None,
        }
    }

    /// Starts a graceful shutdown: no new streams. Returns `false` before the handshake, when
    /// nothing was done.
    pub(crate) fn finish(&mut self) -> bool {
        match self {
            Self::Client(send, _) => *send = None, // h2 says GOAWAY when the last handle is gone
            Self::Server(connection) => connection.graceful_shutdown(),
            _ => return false,
        }
        true
    }

    /// Ends a connection without streams at once: the peer gets a GOAWAY with the last stream that
    /// was processed, and may ask again on another connection.
    pub(crate) fn go_away(&mut self) {
        match self {
            Self::Server(connection) => connection.abrupt_shutdown(Reason::NO_ERROR),
            _ => drop(self.finish()),
        }
    }

    /// Sends the requests that the server allows by now, and returns their streams. The SETTINGS of
    /// the server tell what it allows (RFC 8441 §3), so they must be in.
    pub(crate) fn open_streams(
        &mut self,
        waiting: &mut VecDeque<(StreamId, Request<()>)>,
        p: &mut Flows<'_, Streams, Streams>,
        woken: &Woken,
        cx: &mut Context<'_>,
    ) -> Vec<Stream> {
        let mut asked = Vec::new();
        let Self::Client(Some(send), _) = self else {
            return asked;
        };
        while let Some((id, request)) = waiting.pop_front() {
            let extended = request.extensions().get::<Protocol>().is_some();
            let name = request_name(&request);
            let outcome = if extended && !send.is_extended_connect_protocol_enabled() {
                Err(peer(Http2Error::NotOffered).retry_on_new_connection(UseHttp1))
            } else {
                match send.poll_ready(cx) {
                    Poll::Ready(Err(error)) => Err(refused(&error)),
                    // h2 would take one more than the server allows, and keep it.
                    ready if ready.is_pending() || send.current_max_send_streams() == 0 => {
                        waiting.push_front((id, request));
                        break;
                    }
                    _ => send
                        .send_request(request, false)
                        .map_err(|error| refused(&error)),
                }
            };
            match outcome {
                Ok(pair) => asked.push(Stream::asked(id, name, pair, woken)),
                Err(error) => {
                    p.from_app.forget(id);
                    if let Some(mut pipe) = p.to_app.write(id) {
                        pipe.abort(error.at(Place::Layer(p.index)));
                    }
                }
            }
        }
        asked
    }

    /// Lets h2 read and write. Adds the requests of a client to `to_app`, and their streams to
    /// `arrived`.
    pub(crate) fn poll(
        &mut self,
        to_app: &mut Streams,
        arrived: &mut Vec<Stream>,
        woken: &Woken,
        cx: &mut Context<'_>,
    ) -> Polled {
        match self {
            Self::ClientHandshake(handshake) => match handshake.as_mut().poll(cx) {
                Poll::Pending => Polled::Idle,
                Poll::Ready(Err(error)) => Polled::Over(Some(error)),
                Poll::Ready(Ok((send, connection))) => {
                    *self = Self::Client(Some(send), connection.into());
                    Polled::Moved
                }
            },
            Self::ServerHandshake(handshake) => match handshake.as_mut().poll(cx) {
                Poll::Pending => Polled::Idle,
                Poll::Ready(Err(error)) => Polled::Over(Some(error)),
                Poll::Ready(Ok(connection)) => {
                    *self = Self::Server(connection.into());
                    Polled::Moved
                }
            },
            Self::Client(_, connection) => match Pin::new(connection).poll(cx) {
                Poll::Pending => Polled::Idle,
                Poll::Ready(result) => Polled::Over(result.err()),
            },
            Self::Server(connection) => {
                let mut polled = Polled::Idle;
                while to_app.room() > 0 {
                    match connection.poll_accept(cx) {
                        Poll::Pending => return polled,
                        Poll::Ready(None) => return Polled::Over(None),
                        Poll::Ready(Some(Err(error))) => return Polled::Over(Some(error)),
                        Poll::Ready(Some(Ok((request, respond)))) => {
                            let (mut head, recv) = request.into_parts();
                            mark_secrets(&mut head.headers);
                            let request = Request::from_parts(head, ());
                            let asked = Asked::by(&request);
                            let id = to_app.push(Head::Request(request));
                            arrived.push(Stream::offered(id, respond, recv, asked, woken));
                            polled = Polled::Moved;
                        }
                    }
                }
                // The application has enough requests to answer. The open streams go on.
                match connection.poll_closed(cx) {
                    Poll::Pending => polled,
                    Poll::Ready(result) => Polled::Over(result.err()),
                }
            }
            Self::Over => Polled::Idle,
        }
    }
}

/// Returns the error of a stream that this connection cannot open.
fn refused(error: &h2::Error) -> Error {
    unsent(typed(error).unwrap_or_else(|| local(Http2Error::Closed)))
}
