//! Transports that buffer what they are given.

use crate::support::TIMEOUT;
use futures_util::FutureExt;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufStream, DuplexStream, duplex};
use tokio::time::timeout;
use wirestack::runtime::TokioTransport;
use wirestack::websocket::{Client, Message, Server, WebSocketConfig};
use wirestack::{Connection, Engine, Identity, Layer, Seed, relay};

/// Runs a layer on a stream with a buffer of 8 KiB, over one that holds `size` bytes.
fn buffered<L>(layer: L, size: usize) -> (Connection<L>, DuplexStream)
where
    L: Layer<In: Default, Out: Default>,
{
    let (near, far) = duplex(size);
    let io = TokioTransport::new(BufStream::new(near));
    let connection = Connection::from_transport(io, Engine::new(layer)).unwrap();
    (connection, far)
}

#[tokio::test]
async fn a_flush_waits_until_the_buffer_of_the_transport_is_empty() {
    let (mut connection, mut far) = buffered(Identity, 10);
    connection.write_all(&[7; 1000]).await.unwrap();
    assert!(
        connection.flush().now_or_never().is_none(),
        "990 bytes wait"
    );
    let mut got = vec![0; 1000];
    let both = async { tokio::join!(connection.flush(), far.read_exact(&mut got)) };
    let (flushed, read) = timeout(TIMEOUT, both).await.unwrap();
    flushed.unwrap();
    read.unwrap();
    assert!(got.iter().all(|byte| *byte == 7));
}

#[tokio::test]
async fn a_reader_sends_what_waits_in_the_buffer_of_the_transport() {
    let (mut connection, mut far) = buffered(Identity, 10);
    connection.write_all(&[7; 1000]).await.unwrap();
    let answering = async {
        far.read_exact(&mut vec![0; 1000]).await.unwrap();
        far.write_all(b"all").await.unwrap();
    };
    let mut answer = [0; 3];
    let both = async { tokio::join!(connection.read_exact(&mut answer), answering) };
    timeout(TIMEOUT, both).await.unwrap().0.unwrap();
    assert_eq!(&answer, b"all");
}

#[tokio::test]
async fn a_message_leaves_the_buffer_of_the_transport_for_a_half_and_a_background_task() {
    for is_spawned in [true, false] {
        let config = WebSocketConfig::default;
        let (client, far) = buffered(Client::established(config(), Seed::new([7; 32])), 10);
        let server = Engine::new(Server::established(config()));
        let mut server = Connection::from_transport(TokioTransport::new(far), server).unwrap();
        let sent = Message::binary(vec![1; 1000]);
        let (mut writer, _reader) = if is_spawned {
            client.spawn().split()
        } else {
            client.split()
        };
        let both = async { tokio::join!(writer.send(sent.clone()), server.next()) };
        let (left, got) = timeout(TIMEOUT, both).await.unwrap();
        left.unwrap();
        assert_eq!(got.unwrap().unwrap(), sent);
    }
}

#[tokio::test]
async fn a_relay_empties_the_buffers_of_its_transports() {
    let (first, mut client) = buffered(Identity, 5000);
    let (second, mut server) = buffered(Identity, 10);
    let relaying = tokio::spawn(relay(first, second));
    for size in [1000, 30, 2000] {
        let mut got = vec![0; size];
        let sent = vec![7; size];
        let both = async { tokio::join!(client.write_all(&sent), server.read_exact(&mut got)) };
        let (wrote, read) = timeout(TIMEOUT, both).await.unwrap();
        wrote.unwrap();
        read.unwrap();
        assert!(got == sent);
    }
    drop((client, server));
    let _ = timeout(Duration::from_secs(9), relaying).await.unwrap();
}
