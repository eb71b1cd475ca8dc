//! The other libraries, each with its own idea of a message and with its default settings.

use crate::contestant::{Conn, Peer};
use crate::tls::Io;
use bytes::Bytes;
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use std::fmt::Debug;

/// tokio-tungstenite.
pub(crate) struct Tungstenite;

impl Peer for Tungstenite {
    const NAME: &'static str = "tungstenite";
    fn client<S: Io>(io: S, _: usize) -> impl Conn {
        tungstenite(io, tokio_tungstenite::tungstenite::protocol::Role::Client)
    }

    fn server<S: Io>(io: S, _: usize) -> impl Conn {
        tungstenite(io, tokio_tungstenite::tungstenite::protocol::Role::Server)
    }
}

fn tungstenite<S: Io>(io: S, role: tokio_tungstenite::tungstenite::protocol::Role) -> impl Conn {
    let config = tokio_tungstenite::tungstenite::protocol::WebSocketConfig::default()
        .max_message_size(Some(MOST))
        .max_frame_size(Some(MOST));
    let opening = tokio_tungstenite::WebSocketStream::from_raw_socket(io, role, Some(config));
    Messages(opening.now_or_never().expect("it never waits"))
}

impl Message for tokio_tungstenite::tungstenite::Message {
    fn binary(payload: Bytes) -> Self {
        Self::Binary(payload)
    }

    fn payload(&self) -> Option<&[u8]> {
        match self {
            Self::Binary(payload) => Some(payload),
            _ => None,
        }
    }
}

/// tokio-websockets.
pub(crate) struct TokioWebSockets;

impl Peer for TokioWebSockets {
    const NAME: &'static str = "tokio-websockets";
    fn client<S: Io>(io: S, _: usize) -> impl Conn {
        let limits = tokio_websockets::Limits::default().max_payload_len(Some(MOST));
        Messages(
            tokio_websockets::ClientBuilder::new()
                .limits(limits)
                .take_over(io),
        )
    }

    fn server<S: Io>(io: S, _: usize) -> impl Conn {
        let limits = tokio_websockets::Limits::default().max_payload_len(Some(MOST));
        Messages(
            tokio_websockets::ServerBuilder::new()
                .limits(limits)
                .serve(io),
        )
    }
}

impl Message for tokio_websockets::Message {
    fn binary(payload: Bytes) -> Self {
        Self::binary(payload)
    }

    fn payload(&self) -> Option<&[u8]> {
        self.is_binary().then(|| &self.as_payload()[..])
    }
}

/// sockudo-ws.
pub(crate) struct SockudoWs;

impl Peer for SockudoWs {
    const NAME: &'static str = "sockudo-ws";
    fn client<S: Io>(io: S, _: usize) -> impl Conn {
        Messages(sockudo_ws::WebSocketStream::client(io, sockudo()))
    }

    fn server<S: Io>(io: S, _: usize) -> impl Conn {
        Messages(sockudo_ws::WebSocketStream::server(io, sockudo()))
    }
}

fn sockudo() -> sockudo_ws::Config {
    let config = sockudo_ws::Config::builder();
    config.max_message_size(MOST).max_frame_size(MOST).build()
}

impl Message for sockudo_ws::Message {
    fn binary(payload: Bytes) -> Self {
        Self::Binary(payload)
    }

    fn payload(&self) -> Option<&[u8]> {
        match self {
            Self::Binary(payload) => Some(payload),
            _ => None,
        }
    }
}

/// A connection that is a stream and a sink of messages.
pub(crate) struct Messages<W>(pub(crate) W);

impl<W, M, E> Conn for Messages<W>
where
    W: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin + Send + 'static,
    M: Message,
    E: Debug + Send,
{
    async fn feed(&mut self, message: Bytes) {
        self.0.feed(M::binary(message)).await.expect("fed");
    }

    async fn flush(&mut self) {
        self.0.flush().await.expect("flushed");
    }

    async fn receive(&mut self) -> usize {
        let message = self.0.next().await.expect("no end").expect("a message");
        message.payload().expect("a binary message").len()
    }

    async fn echo(&mut self) -> bool {
        match self.0.next().await {
            Some(Ok(message)) if message.payload().is_some() => self.0.send(message).await.is_ok(),
            _ => false,
        }
    }
}

/// The operations of a message that the measurements need.
pub(super) trait Message: Send {
    /// Makes a binary message.
    fn binary(payload: Bytes) -> Self;
    /// Returns the payload of a binary message.
    fn payload(&self) -> Option<&[u8]>;
}

/// fastwebsockets.
pub(crate) struct FastWebSockets;

impl Peer for FastWebSockets {
    const NAME: &'static str = "fastwebsockets";
    fn client<S: Io>(io: S, _: usize) -> impl Conn {
        FastWebSocket::new(io, fastwebsockets::Role::Client)
    }

    fn server<S: Io>(io: S, _: usize) -> impl Conn {
        FastWebSocket::new(io, fastwebsockets::Role::Server)
    }
}

struct FastWebSocket<S>(fastwebsockets::WebSocket<S>);

impl<S: Io> FastWebSocket<S> {
    fn new(io: S, role: fastwebsockets::Role) -> Self {
        let mut opened = fastwebsockets::WebSocket::after_handshake(io, role);
        opened.set_max_message_size(MOST);
        Self(opened)
    }
}

impl<S: Io> Conn for FastWebSocket<S> {
    async fn feed(&mut self, message: Bytes) {
        let frame = fastwebsockets::Frame::binary((&message[..]).into());
        self.0.write_frame(frame).await.expect("fed");
    }

    async fn flush(&mut self) {
        self.0.flush().await.expect("flushed");
    }

    async fn receive(&mut self) -> usize {
        let frame = self.0.read_frame().await.expect("a message");
        assert!(frame.opcode == fastwebsockets::OpCode::Binary);
        frame.payload.len()
    }

    async fn echo(&mut self) -> bool {
        match self.0.read_frame().await {
            Ok(frame) if frame.opcode == fastwebsockets::OpCode::Binary => {
                // A received frame keeps its mask, so the answer is a new one.
                let frame = fastwebsockets::Frame::binary(frame.payload);
                self.0.write_frame(frame).await.is_ok() && self.0.flush().await.is_ok()
            }
            _ => false,
        }
    }
}

/// yawc.
pub(crate) struct Yawc;

impl Peer for Yawc {
    const NAME: &'static str = "yawc";
    fn client<S: Io>(io: S, _: usize) -> impl Conn {
        yawc(io, yawc::Role::Client)
    }

    fn server<S: Io>(io: S, _: usize) -> impl Conn {
        yawc(io, yawc::Role::Server)
    }
}

fn yawc<S: Io>(io: S, role: yawc::Role) -> impl Conn {
    let options = yawc::Options::default().with_limits(MOST, 2 * MOST);
    YawcConn(yawc::WebSocket::from_stream(io, role, options).expect("valid options"))
}

/// A connection of yawc.
pub(crate) struct YawcConn<S>(pub(crate) yawc::WebSocket<S>);

impl<S: Io> Conn for YawcConn<S> {
    async fn feed(&mut self, message: Bytes) {
        self.0
            .feed(yawc::Frame::binary(message))
            .await
            .expect("fed");
    }

    async fn flush(&mut self) {
        SinkExt::flush(&mut self.0).await.expect("flushed");
    }

    async fn receive(&mut self) -> usize {
        let frame = self.0.next_frame().await.expect("a message");
        assert!(frame.opcode() == yawc::OpCode::Binary);
        frame.payload().len()
    }

    async fn echo(&mut self) -> bool {
        match self.0.next_frame().await {
            Ok(frame) if frame.opcode() == yawc::OpCode::Binary => {
                let frame = yawc::Frame::binary(frame.into_payload());
                self.0.send(frame).await.is_ok()
            }
            _ => false,
        }
    }
}

/// The longest message of a row and a little more, in bytes: the limits of the libraries differ.
const MOST: usize = 65 << 20;
