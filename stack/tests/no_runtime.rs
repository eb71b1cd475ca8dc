//! A program of its own, because it must be compiled without `smol`, which is a runtime everywhere.
//! Where there is no runtime, there is an error that says so, and no panic.
#![cfg(not(feature = "smol"))]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // sockets are the subject

use futures_util::FutureExt;
use std::net::{TcpListener, TcpStream};
use wirestack::dial::{Backoff, DialError};
use wirestack::runtime::{Listener, current, spawn};
use wirestack::websocket::Accept;
use wirestack::{Connection, Engine, Identity, ReconnectEvent, WebSocketServer};
use wirestack::{associate, connect, connect_http2, connect_stream};

#[test]
fn every_call_fails_at_once_with_an_error_that_says_why() {
    names_the_cause(current().err().unwrap());
    names_the_cause(spawn(async {}).err().unwrap());
    names_the_cause(Listener::bind("127.0.0.1:0").err().unwrap());

    dialing_fails(connect("ws://127.0.0.1:1/"));
    dialing_fails(connect_http2("ws://127.0.0.1:1/"));
    dialing_fails(connect_stream("tcp://127.0.0.1:1"));
    dialing_fails(associate("socks5://127.0.0.1:1"));

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = || TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let connection = Connection::from_transport(socket(), Engine::new(Identity));
    names_the_cause(connection.err().unwrap());
    let server = WebSocketServer::new(|_| Ok(Accept::new()));
    let served = server
        .serve_connection(socket(), |_, _| async {})
        .now_or_never();
    names_the_cause(served.unwrap().unwrap_err());
}

#[test]
fn reconnecting_gives_up_at_once() {
    let connect = connect("ws://127.0.0.1:1/");
    let mut feed = connect.reconnecting(Backoff::default());
    let Some(Some(ReconnectEvent::Failed(error))) = feed.next().now_or_never() else {
        panic!("it fails");
    };
    names_the_cause(error);
    assert!(feed.next().now_or_never().unwrap().is_none());
}

/// Not with a runtime, but here because the other tests are compiled with `idna`.
#[cfg(not(feature = "idna"))]
#[test]
fn a_name_in_unicode_is_refused_with_the_way_out() {
    for url in ["wss://b\u{fc}cher.test/", "wss://b%C3%BCcher.test/"] {
        let error = url.parse::<wirestack::dial::Target>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the host in the URL has the character '\u{fc}': write the name as its A-label \
             (xn--...), or turn the feature `idna` of wirestack on"
        );
        let hop = url.replace("wss", "http").parse::<wirestack::dial::Hop>();
        assert_eq!(hop.unwrap_err(), error);
    }
}

fn dialing_fails<T>(dialing: impl IntoFuture<Output = Result<T, DialError>>) {
    let failed = dialing.into_future().now_or_never();
    names_the_cause(failed.unwrap().map(drop).unwrap_err());
}

fn names_the_cause(error: impl ToString) {
    let text = error.to_string();
    assert!(text.contains("no runtime here"), "{text}");
}
