//! The errors of runtimes that are not entered, or that lack a kind of socket.

use super::{On, engine, pair};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use wirestack::Instant;
use wirestack::runtime::{
    AsyncTimer, BoxFuture, Listener, Runtime, TcpOptions, Threads, Transport,
};
use wirestack::websocket::Client;
use wirestack::{Connection, blocking, connect, connect_stream};

#[test]
fn dialing_on_threads_outside_of_block_on_is_an_error() {
    let (_listener, address) = blocking::block_on(async { On::default().listen() });
    let url = format!("ws://{address}/");
    let connect = || connect(&url).direct().runtime(Arc::new(Threads));
    names_block_on(tokio().block_on(connect().into_future()).unwrap_err());
    names_block_on(smol::block_on(connect().into_future()).unwrap_err());
}

#[test]
fn a_connection_on_threads_outside_of_block_on_is_an_error() {
    let (mut client, _peer) = connection();
    names_block_on(tokio().block_on(client.next()).unwrap().unwrap_err());
    let (mut client, _peer) = connection();
    names_block_on(smol::block_on(client.next()).unwrap().unwrap_err());
    // This one has no bytes to wait for, only its time-out.
    let (client, _peer) = connection();
    let finish = client.finish(Duration::from_secs(10));
    names_block_on(tokio().block_on(finish).unwrap_err());
}

#[test]
fn a_connection_on_threads_is_an_error_on_tokio_inside_of_block_on() {
    let (mut client, _peer) = connection();
    let limit = Duration::from_secs(10);
    let inside = async { tokio::time::timeout(limit, client.next()).await };
    let inside = blocking::block_on(async { tokio().block_on(inside) });
    names_block_on(inside.unwrap().unwrap().unwrap_err());
}

#[test]
fn a_listener_on_threads_outside_of_block_on_is_an_error() {
    let (mut listener, _) = blocking::block_on(async { On::default().listen() });
    names_block_on(tokio().block_on(listener.accept()).err().unwrap());
}

fn tokio() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

/// A WebSocket on threads, and its peer.
fn connection() -> (Connection<Client>, TcpStream) {
    let (a, b) = pair();
    let connection = Connection::from_transport_on(Arc::new(Threads), a, engine());
    (connection.unwrap(), b)
}

fn names_block_on(error: impl ToString) {
    let text = error.to_string();
    assert!(text.contains("`wirestack::blocking::block_on`"), "{text}");
}

#[test]
fn the_error_of_a_runtime_without_a_kind_of_socket_names_both() {
    #[derive(Debug)]
    struct Little;

    impl Runtime for Little {
        fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
            Box::pin(smol::Timer::at(at.into_std()))
        }

        fn spawn(&self, task: BoxFuture<()>) {
            smol::spawn(task).detach();
        }

        fn connect_tcp(&self, _: SocketAddr) -> BoxFuture<io::Result<Box<dyn Transport>>> {
            Box::pin(async { Err(io::ErrorKind::NetworkUnreachable.into()) })
        }
    }

    let (a, _b) = pair();
    let error = Connection::from_transport_on(Arc::new(Little), a, engine()).err();
    let error = error.unwrap().to_string();
    assert!(
        error.contains("Little does not support TCP sockets"),
        "{error}"
    );
    let error = Listener::bind_on(Arc::new(Little), (Ipv4Addr::LOCALHOST, 0));
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("Little does not support listeners"),
        "{error}"
    );
    let mut options = TcpOptions::default();
    options.nodelay = false;
    let connect = connect_stream("tcp://127.0.0.1:1").direct();
    let connect = connect.tcp_options(options).runtime(Arc::new(Little));
    let error = smol::block_on(connect.into_future()).err().unwrap();
    let error = error.to_string();
    assert!(
        error.contains("Little does not support options of TCP connections"),
        "{error}"
    );
    let unix = connect_stream("tcp://localhost:1")
        .direct()
        .unix_socket("/nowhere")
        .runtime(Arc::new(Little));
    let error = smol::block_on(unix.into_future())
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("Little does not support Unix sockets"),
        "{error}"
    );
}
