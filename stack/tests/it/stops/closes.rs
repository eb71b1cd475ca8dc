//! Close frames of the peer.

use super::until_it_fails;
use crate::support::pair;
use futures_util::SinkExt;
use tokio::net::TcpStream;
use wirestack::websocket::{Client, CloseCode, Message, Server, WebSocketConfig, WebSocketError};
use wirestack::{Connection, Engine, Error, Seed};

async fn sockets() -> (Connection<Client>, Connection<Server>) {
    let (a, b) = pair().await;
    let client = Client::established(WebSocketConfig::default(), Seed::new([7; 32]));
    let server = Server::established(WebSocketConfig::default());
    (
        Connection::from_transport(a, Engine::new(client)).unwrap(),
        Connection::from_transport(b, Engine::new(server)).unwrap(),
    )
}

/// A clean Close is an end for a reader, an error for a writer, and success for `close()`.
#[tokio::test]
async fn a_writer_learns_of_the_peers_close_without_reading() {
    fn is_the_close(error: &Error) {
        let Some(WebSocketError::Closed { code, reason }) = error.cause() else {
            panic!("{error}");
        };
        assert_eq!((*code, &**reason), (CloseCode::GOING_AWAY, "bye"));
        assert!(error.to_string().contains("1001"), "{error}");
    }
    let tick = || Message::text("tick");
    let closing = |mut a: Connection<Client>| {
        tokio::spawn(async move { a.close(CloseCode::GOING_AWAY, "bye").await })
    };

    let (a, mut b) = sockets().await;
    let closing_a = closing(a);
    is_the_close(&until_it_fails(async || b.send(tick()).await).await);
    closing_a.await.unwrap().unwrap();
    is_the_close(&b.feed(tick()).await.unwrap_err());
    is_the_close(&b.ping("").await.unwrap_err());
    assert!(b.next().await.is_none());
    b.flushed().await.unwrap();
    b.close(CloseCode::NORMAL, "").await.unwrap();

    // The same for a half, a handle and a sink.
    let (a, b) = sockets().await;
    let (mut writer, _reader) = b.split();
    let closing_a = closing(a);
    is_the_close(&until_it_fails(async || writer.send(tick()).await).await);
    closing_a.await.unwrap().unwrap();
    let (a, b) = sockets().await;
    let mut handle = b.spawn();
    let closing_a = closing(a);
    is_the_close(&until_it_fails(async || handle.send(tick()).await).await);
    closing_a.await.unwrap().unwrap();
    let (a, mut b) = sockets().await;
    let closing_a = closing(a);
    is_the_close(&until_it_fails(async || SinkExt::send(&mut b, tick()).await).await);
    closing_a.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_next_send_reports_a_close_that_has_arrived() {
    let (mut a, mut b) = sockets().await;
    b.send(Message::text("tick")).await.unwrap();
    let closing = tokio::spawn(async move { a.close(CloseCode::GOING_AWAY, "bye").await });
    // The socket is readable when the Close has arrived.
    let Some(io) = b.transport::<TcpStream>() else {
        panic!("it is TCP");
    };
    io.readable().await.unwrap();
    let _ = b.send(Message::text("it is read behind this one")).await;
    assert!(b.send(Message::text("and this one fails")).await.is_err());
    closing.await.unwrap().unwrap();
}

#[cfg(feature = "blocking")]
#[test]
fn a_writer_in_a_thread_learns_of_the_peers_close() {
    use wirestack::blocking::Connection;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let a = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let b = listener.accept().unwrap().0;
    let client = Client::established(WebSocketConfig::default(), Seed::new([7; 32]));
    let server = Server::established(WebSocketConfig::default());
    let mut a = Connection::from_transport(a, Engine::new(client)).unwrap();
    let b = Connection::from_transport(b, Engine::new(server)).unwrap();
    let closing = std::thread::spawn(move || a.close(CloseCode::GOING_AWAY, "bye"));
    let (mut writer, _reader) = b.split().unwrap();
    let error = loop {
        match writer.send(Message::text("tick")) {
            Ok(()) => std::thread::yield_now(),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("1001"), "{error}");
    closing.join().unwrap().unwrap();
}
