//! Ends that take too long: shutdowns and closes have a time-out.

use super::plain;
use crate::support::{TIMEOUT, TLS, pair};
use futures_util::{FutureExt, SinkExt};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::yield_now;
use tokio::time::timeout;
use wirestack::http2::{self, ConnectRequest};
use wirestack::websocket::{Client, CloseCode, Message, WebSocketConfig, WebSocketError};
use wirestack::{Connection, Engine, Error, Http2, Seed, tls};

#[tokio::test]
async fn shutting_down_a_stream_times_out() {
    let late = |error: io::Error| {
        let text = error.to_string();
        assert!(text.contains("within 50ms"), "{text}");
    };
    let (a, _b) = pair().await;
    let mut stream = plain(a);
    stream.set_close_timeout(SOON);
    fill(&mut stream).await;
    late(
        timeout(TIMEOUT, stream.shutdown())
            .await
            .unwrap()
            .unwrap_err(),
    );
    assert!(stream.read(&mut [0]).await.is_err(), "it is aborted");

    let (a, b) = pair().await;
    let name = tls::server_name("localhost").unwrap();
    let client = tls::Client::new(TLS.client.clone(), name).unwrap();
    let mut stream = Connection::from_transport(a, Engine::new(client)).unwrap();
    let server = tls::Server::new(TLS.server.clone()).unwrap();
    let mut peer = Connection::from_transport(b, Engine::new(server)).unwrap();
    let (opened, accepted) = tokio::join!(stream.open(), peer.open());
    opened.and(accepted).unwrap();
    stream.set_close_timeout(SOON);
    let (mut writer, _reader) = stream.split();
    fill(&mut writer).await;
    late(
        timeout(TIMEOUT, writer.shutdown())
            .await
            .unwrap()
            .unwrap_err(),
    );
}

#[tokio::test]
async fn shutting_down_waits_for_a_peer_that_reads() {
    let (a, mut b) = pair().await;
    let mut stream = plain(a);
    fill(&mut stream).await;
    let reading = async {
        let mut heard = Vec::new();
        b.read_to_end(&mut heard).await.unwrap();
    };
    let (ended, ()) = tokio::join!(stream.shutdown(), reading);
    ended.unwrap();
}

/// Writes until the buffers are full, as the peer does not read.
async fn fill<S: AsyncWrite + Unpin>(stream: &mut S) {
    while stream.write_all(&[7; 100_000]).now_or_never().is_some() {
        yield_now().await;
    }
}

#[tokio::test]
async fn closing_a_websocket_times_out_in_every_form_and_half() {
    let full = async || {
        let (a, b) = pair().await;
        let engine = Engine::new(Client::established(soon(), Seed::new([7; 32])));
        let mut socket = Connection::from_transport(a, engine).unwrap();
        let large = || Message::binary(vec![7; 100_000]);
        while socket.send(large()).now_or_never().is_some() {
            yield_now().await;
        }
        (socket, b) // `b` is not read
    };
    let late = |closed: Result<Result<(), Error>, tokio::time::error::Elapsed>| {
        let error = closed.expect("it ends").unwrap_err();
        assert!(
            matches!(error.cause(), Some(WebSocketError::CloseTimedOut(SOON))),
            "{error}"
        );
    };
    let (mut socket, _peer) = full().await;
    late(timeout(TIMEOUT, socket.close(CloseCode::NORMAL, "")).await);
    let (mut socket, _peer) = full().await;
    late(timeout(TIMEOUT, SinkExt::close(&mut socket)).await);
    let (socket, _peer) = full().await;
    let mut handle = socket.spawn();
    late(timeout(TIMEOUT, handle.close(CloseCode::NORMAL, "")).await);
    let (socket, _peer) = full().await;
    let (_writer, mut reader) = socket.split();
    late(timeout(TIMEOUT, reader.close(CloseCode::NORMAL, "")).await);
    let (socket, _peer) = full().await;
    let (mut writer, _reader) = socket.split();
    late(timeout(TIMEOUT, writer.close(CloseCode::NORMAL, "")).await);
}

/// The peer does not read, so the window of the stream never opens.
#[tokio::test]
async fn closing_a_websocket_over_http2_times_out() {
    let (a, b) = pair().await;
    let connection = |io, layer| {
        let connection = Connection::from_transport(io, Engine::new(layer)).unwrap();
        Http2::new(connection)
    };
    let client = connection(a, http2::Connection::client(http2::Http2Config::default()));
    let server = connection(b, http2::Connection::server(http2::Http2Config::server()));
    client.spawn();
    server.spawn();
    let opening = client.open(ConnectRequest::tunnel("example.org", 1).unwrap());
    let accepting = async {
        let incoming = server.accept().await.unwrap().unwrap();
        incoming.accept(http::HeaderMap::new()).unwrap()
    };
    let (opened, _stream) = tokio::join!(opening, accepting);
    let (_, stream) = opened.unwrap();
    let engine = Engine::new(Client::established(soon(), Seed::new([7; 32])));
    let mut socket = Connection::from_transport(stream, engine).unwrap();
    let large = || Message::binary(vec![7; 1_000_000]);
    while socket.send(large()).now_or_never().is_some() {
        yield_now().await;
    }
    let closing = socket.close(CloseCode::NORMAL, "");
    let error = timeout(TIMEOUT, closing).await.unwrap().unwrap_err();
    assert!(
        matches!(error.cause(), Some(WebSocketError::CloseTimedOut(SOON))),
        "{error}"
    );
}

fn soon() -> WebSocketConfig {
    let mut settings = WebSocketConfig::default();
    settings.close_timeout = SOON;
    settings
}

const SOON: Duration = Duration::from_millis(50);
