//! Where there is no runtime: an error that says so, and no panic.
#![cfg(not(feature = "smol"))]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // sockets are the subject

use futures_util::FutureExt;
use std::net::{TcpListener, TcpStream};
use wirestack::runtime::{Listener, current, spawn};
use wirestack::websocket::Accept;
use wirestack::{Connection, Engine, Identity, ReconnectEvent, WebSocketServer};

fn says_so(error: impl ToString) {
    let text = error.to_string();
    assert!(text.contains("no runtime here"), "{text}");
}

#[test]
fn nothing_works_and_everything_says_so() {
    says_so(current().err().unwrap());
    says_so(spawn(async {}).err().unwrap());
    says_so(Listener::bind("127.0.0.1:0").err().unwrap());
    let url = "ws://127.0.0.1:1/";
    let now =
        |it: Option<Result<(), wirestack::dial::DialError>>| says_so(it.unwrap().unwrap_err());
    now(wirestack::connect(url)
        .into_future()
        .map(|it| it.map(drop))
        .now_or_never());
    now(wirestack::connect_http2(url)
        .into_future()
        .map(|it| it.map(drop))
        .now_or_never());
    let stream = wirestack::connect_stream("tcp://127.0.0.1:1");
    now(stream.into_future().map(|it| it.map(drop)).now_or_never());
    let association = wirestack::associate("socks5://127.0.0.1:1").into_future();
    now(association.map(|it| it.map(drop)).now_or_never());

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = || TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    says_so(
        Connection::from_transport(socket(), Engine::new(Identity))
            .err()
            .unwrap(),
    );
    let server = WebSocketServer::new(|_| Ok(Accept::new()));
    let served = server.serve(socket(), |_| async {}).now_or_never();
    says_so(served.unwrap().unwrap_err());
}

#[test]
fn reconnecting_gives_up_at_once() {
    let connect = wirestack::connect("ws://127.0.0.1:1/");
    let mut feed = connect.reconnecting(wirestack::dial::Backoff::default());
    let Some(Some(ReconnectEvent::Failed(error))) = feed.next().now_or_never() else {
        panic!("it fails");
    };
    says_so(error);
    assert!(feed.next().now_or_never().unwrap().is_none());
}
