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
    let opening = tokio_tungstenite::WebSocketStream::from_raw_socket(io, role, None);
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
        Messages(tokio_websockets::ClientBuilder::new().take_over(io))
    }

    fn server<S: Io>(io: S, _: usize) -> impl Conn {
        Messages(tokio_websockets::ServerBuilder::new().serve(io))
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
        Messages(sockudo_ws::WebSocketStream::client(io, Default::default()))
    }

    fn server<S: Io>(io: S, _: usize) -> impl Conn {
        Messages(sockudo_ws::WebSocketStream::server(io, Default::default()))
    }
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
        FastWebSocket(fastwebsockets::WebSocket::after_handshake(
            io,
            fastwebsockets::Role::Client,
        ))
    }

    fn server<S: Io>(io: S, _: usize) -> impl Conn {
        FastWebSocket(fastwebsockets::WebSocket::after_handshake(
            io,
            fastwebsockets::Role::Server,
        ))
    }
}

struct FastWebSocket<S>(fastwebsockets::WebSocket<S>);

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
    // By default a message must be smaller than 1 MiB.
    let options = yawc::Options::default().with_limits(16 << 20, 32 << 20);
    YawcConn(yawc::WebSocket::from_stream(io, role, options).expect("valid options"))
}

struct YawcConn<S>(yawc::WebSocket<S>);

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
