//! The other runtimes: smol, and threads whose calls wait.

use crate::contestant::Kind;
use crate::contestants::{open_client, open_server};
use crate::payload::payload;
use crate::row::Row;
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use wirestack::runtime::Smol;
use wirestack::websocket::Message;
use wirestack::{Connection, Engine, blocking};

/// Returns the rows.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new("runtimes", "echo of 16 B, smol")
            .case("raw", Kind::Baseline, raw_smol)
            .case("wirestack", Kind::Ours, on_smol),
        Row::new("runtimes", "echo of 16 B, two threads")
            .case("raw", Kind::Baseline, raw_threads)
            .case("wirestack", Kind::Ours, on_threads),
    ]
}

fn raw_smol(messages: usize) {
    let message = payload(SIZE);
    smol::block_on(async {
        let [client, server] = connected().map(smol::Async::<TcpStream>::try_from);
        let (mut client, mut server) = (client.expect("a socket"), server.expect("a socket"));
        let asks = async move {
            let mut buffer = [0; SIZE];
            for _ in 0..messages {
                client.write_all(&message).await.expect("sent");
                client.read_exact(&mut buffer).await.expect("an answer");
            }
        };
        let answers = async move {
            let mut buffer = [0; SIZE];
            while server.read_exact(&mut buffer).await.is_ok() {
                server.write_all(&buffer).await.expect("sent");
            }
        };
        smol::future::zip(asks, answers).await;
    });
}

fn on_smol(messages: usize) {
    let message = payload(SIZE);
    smol::block_on(async {
        let [client, server] = connected();
        let smol = || Arc::new(Smol);
        let client = Connection::from_transport_on(smol(), client, Engine::new(open_client()));
        let server = Connection::from_transport_on(smol(), server, Engine::new(open_server()));
        let (mut client, mut server) = (client.expect("a socket"), server.expect("a socket"));
        let asks = async move {
            for _ in 0..messages {
                client
                    .send(Message::Binary(message.clone()))
                    .await
                    .expect("sent");
                let answer = client.next().await.expect("no end").expect("an answer");
                assert_eq!(answer.len(), SIZE);
            }
        };
        let answers = async move {
            while let Some(Ok(message)) = server.next().await {
                server.send(message).await.expect("sent");
            }
        };
        smol::future::zip(asks, answers).await;
    });
}

fn raw_threads(messages: usize) {
    let message = payload(SIZE);
    let [mut client, mut server] = connected();
    let serving = thread::spawn(move || {
        let mut buffer = [0; SIZE];
        while server.read_exact(&mut buffer).is_ok() {
            server.write_all(&buffer).expect("sent");
        }
    });
    let mut buffer = [0; SIZE];
    for _ in 0..messages {
        client.write_all(&message).expect("sent");
        client.read_exact(&mut buffer).expect("an answer");
    }
    drop(client);
    serving.join().expect("a server that ended well");
}

fn on_threads(messages: usize) {
    let message = payload(SIZE);
    let [client, server] = connected();
    let client = blocking::Connection::from_transport(client, Engine::new(open_client()));
    let server = blocking::Connection::from_transport(server, Engine::new(open_server()));
    let (mut client, mut server) = (client.expect("a socket"), server.expect("a socket"));
    let serving = thread::spawn(move || {
        while let Some(Ok(message)) = server.next() {
            server.send(message).expect("sent");
        }
    });
    for _ in 0..messages {
        client.send(Message::Binary(message.clone())).expect("sent");
        let answer = client.next().expect("no end").expect("an answer");
        assert_eq!(answer.len(), SIZE);
    }
    drop(client);
    serving.join().expect("a server that ended well");
}

/// Opens a TCP connection: the client's end and the server's.
fn connected() -> [TcpStream; 2] {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let opened = TcpStream::connect(listener.local_addr().expect("an address"));
    let (accepted, _) = listener.accept().expect("accepted");
    let ends = [opened.expect("connected"), accepted];
    for end in &ends {
        end.set_nodelay(true).expect("no delay");
    }
    ends
}

/// The size of a message, in bytes.
const SIZE: usize = 16;
