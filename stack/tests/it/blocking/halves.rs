//! Halves of a connection in two threads.

use super::{client, large, pair, server};
use crate::support::{TIMEOUT, TLS, echo};
use std::io::{Read, Write};
use std::thread;
use wirestack::blocking::Connection;
use wirestack::websocket::{CloseCode, Message, WebSocketConfig};
use wirestack::{Engine, Identity, connect};

#[test]
fn halves_talk_in_two_threads() {
    let (a, b) = pair();
    let other = thread::spawn(move || {
        let (mut writer, mut reader) = server(b).split().unwrap();
        while let Some(Ok(message)) = reader.next() {
            writer.send(message).unwrap();
        }
        writer.flushed().unwrap();
    });
    let (mut writer, mut reader) = client(a, WebSocketConfig::default()).split().unwrap();
    let reading = thread::spawn(move || {
        for n in 0..10 {
            assert_eq!(reader.next().unwrap().unwrap(), large(n));
        }
        assert!(reader.next().is_none());
        reader
    });
    for n in 0..10 {
        writer.send(large(n)).unwrap();
    }
    assert!(writer.ping("there?").unwrap() < TIMEOUT);
    writer.with(|engine| wirestack::Flow::finish(engine.from_app()));
    let reader = reading.join().unwrap();
    drop((reader, writer));
    other.join().unwrap();
}

#[test]
fn halves_of_a_dialed_websocket_over_tls_talk_in_two_threads() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let target = runtime.block_on(echo(true));
    let socket = connect(format!("wss://localhost:{}/", target.port()))
        .direct()
        .tls(TLS.client.clone())
        .blocking()
        .unwrap();
    let (mut writer, mut reader) = socket.split().unwrap();
    let writing = thread::spawn(move || {
        for n in 0..20 {
            writer.send(Message::binary(vec![n; 300_000])).unwrap();
        }
        writer
    });
    for n in 0..20 {
        let message = reader.next().unwrap().unwrap();
        assert_eq!(message, Message::binary(vec![n; 300_000]));
    }
    let mut writer = writing.join().unwrap();
    let hearing = thread::spawn(move || reader.next());
    writer.close(CloseCode::NORMAL, "done").unwrap();
    assert!(hearing.join().unwrap().is_none());
}

#[test]
fn halves_of_a_stream_carry_bytes_and_half_close() {
    let (a, b) = pair();
    let other = thread::spawn(move || {
        let mut server = Connection::from_transport(b, Engine::new(Identity)).unwrap();
        let mut all = Vec::new();
        server.read_to_end(&mut all).unwrap();
        server.write_all(&all).unwrap();
        server.finish(TIMEOUT).unwrap();
    });
    let sent: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
    let (mut writer, mut reader) = Connection::from_transport(a, Engine::new(Identity))
        .unwrap()
        .split()
        .unwrap();
    let reading = thread::spawn(move || {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        all
    });
    writer.write_all(&sent).unwrap();
    writer.shutdown().unwrap();
    assert!(reading.join().unwrap() == sent);
    other.join().unwrap();
}

#[test]
fn each_half_closes_with_a_code_and_a_reason() {
    for reader_closes in [true, false] {
        let (a, b) = pair();
        let (mut writer, mut reader) = client(a, WebSocketConfig::default()).split().unwrap();
        let closing = thread::spawn(move || {
            let code = CloseCode::new(4000);
            if reader_closes {
                reader.close(code, "enough").unwrap();
            } else {
                writer.close(code, "enough").unwrap();
            }
        });
        let mut server = server(b);
        let error = server.next().unwrap().unwrap_err();
        assert!(error.to_string().contains("4000"), "{error}");
        assert_eq!(server.closed().unwrap().reason, "enough");
        closing.join().unwrap();
    }
}
