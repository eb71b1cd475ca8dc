//! The blocking driver: calls, halves, tasks in `block_on`, and transports.

mod block_on;
mod calls;
mod halves;
mod reads;
mod transports;

use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;
use wirestack::blocking::Connection;
use wirestack::websocket::{Client, Message, Server, WebSocketConfig};
use wirestack::{Engine, Seed};

/// Two ends of a TCP connection.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = TcpStream::connect(address).unwrap();
    (client, listener.accept().unwrap().0)
}

fn client(io: TcpStream, settings: WebSocketConfig) -> Connection<Client> {
    let client = Client::established(settings, Seed::new([7; 32]));
    Connection::from_transport(io, Engine::new(client)).unwrap()
}

fn server(io: TcpStream) -> Connection<Server> {
    Connection::from_transport(
        io,
        Engine::new(Server::established(WebSocketConfig::default())),
    )
    .unwrap()
}

fn large(n: u8) -> Message {
    Message::binary(vec![n; 3 << 20])
}

/// Runs `act`. Panics if it takes longer than `limit`.
fn within(limit: Duration, act: impl FnOnce() + Send + 'static) {
    let (done, over) = std::sync::mpsc::channel();
    let acting = thread::spawn(move || {
        act();
        let _ = done.send(());
    });
    match over.recv_timeout(limit) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => acting.join().unwrap(),
    }
}
