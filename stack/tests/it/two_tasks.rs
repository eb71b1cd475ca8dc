//! A connection in two tasks, without a `split` of its own: each half is polled by the waker of its
//! task.

use crate::support::TIMEOUT;
use futures_util::{FutureExt, SinkExt, StreamExt};
use std::pin::pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, copy, duplex, split};
use tokio::time::timeout;
use wirestack::runtime::TokioTransport;
use wirestack::websocket::{Client, Message, Server, WebSocketConfig};
use wirestack::{Connection, Engine, Identity, Layer, Seed};

fn over<L>(io: DuplexStream, layer: L) -> Connection<L>
where
    L: Layer<In: Default, Out: Default>,
{
    Connection::from_transport(TokioTransport::new(io), Engine::new(layer)).unwrap()
}

#[tokio::test]
async fn a_stream_that_tokio_splits_reads_and_writes_in_two_tasks() {
    let (near, far) = duplex(1000);
    let (mut reader, mut writer) = split(over(near, Identity));
    let echoing = tokio::spawn(async move {
        let (mut reader, mut writer) = split(far);
        copy(&mut reader, &mut writer).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let sent: Vec<u8> = (0..1_000_000_u32).map(|n| (n / 7) as u8).collect();
    let wanted = sent.clone();
    let writing = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let reading = tokio::spawn(async move {
        let mut heard = Vec::new();
        reader.read_to_end(&mut heard).await.unwrap();
        heard
    });
    let heard = timeout(TIMEOUT, reading).await.unwrap().unwrap();
    assert!(heard == wanted);
    writing.await.unwrap();
    echoing.await.unwrap();
}

#[tokio::test]
async fn a_websocket_that_is_split_as_a_stream_and_a_sink_works_in_two_tasks() {
    let (near, far) = duplex(1000);
    let client = Client::established(WebSocketConfig::default(), Seed::new([7; 32]));
    let (mut writer, mut reader) = StreamExt::split(over(near, client));
    let server = over(far, Server::established(WebSocketConfig::default()));
    let echoing = tokio::spawn(async move {
        let (writer, reader) = StreamExt::split(server);
        let _ = reader.forward(writer).await;
    });
    let writing = tokio::spawn(async move {
        for n in 0..100 {
            writer.send(Message::binary(vec![n; 30_000])).await.unwrap();
        }
        writer
    });
    let reading = tokio::spawn(async move {
        for n in 0..100 {
            let message = reader.next().await.unwrap().unwrap();
            assert_eq!(message, Message::binary(vec![n; 30_000]));
        }
        reader
    });
    let halves = timeout(TIMEOUT, async { tokio::join!(writing, reading) }).await;
    let (writer, reader) = halves.unwrap();
    drop((writer.unwrap(), reader.unwrap()));
    echoing.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_spawned_hears_its_peer_although_another_task_waited_before() {
    let (near, mut far) = duplex(1000);
    let client = Client::established(WebSocketConfig::default(), Seed::new([7; 32]));
    let mut socket = over(near, client);
    assert!(socket.next().now_or_never().is_none()); // by a waker that wakes nobody
    let mut handle = socket.spawn();
    for _ in 0..3 {
        handle.flushed().await.unwrap(); // it looks for news of the peer
        tokio::task::yield_now().await;
    }
    far.write_all(&[0x89, 0]).await.unwrap();
    let mut pong = [0; 6];
    let answered = timeout(TIMEOUT, far.read_exact(&mut pong)).await;
    answered.expect("the task was woken").unwrap();
    assert_eq!(pong[..2], [0x8a, 0x80]);
}

#[tokio::test]
async fn a_driver_ends_with_its_connection_although_a_reader_has_closed_it() {
    let (near, far) = duplex(1000);
    let (mut handle, driver) = over(near, Identity).driven();
    let mut driver = pin!(driver);
    assert!(driver.as_mut().now_or_never().is_none());
    handle.shutdown().await.unwrap();
    drop(far);
    assert_eq!(handle.read(&mut [0]).await.unwrap(), 0);
    let ended = timeout(TIMEOUT, driver).await;
    ended.expect("the connection is over");
    drop(handle);
}
