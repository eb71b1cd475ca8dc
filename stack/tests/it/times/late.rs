//! A program that does other things for long: what its peer did in time is not too late.

use super::{on, seconds, wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, advance};
use wirestack::websocket::{Client, Keepalive, Message, WebSocketConfig};
use wirestack::{Connection, Seed};

const PONG: [u8; 2] = [0x8a, 0];

fn watched(near: DuplexStream) -> Connection<Client> {
    let mut config = WebSocketConfig::default();
    config.keepalive = Some(Keepalive::new(seconds(5), seconds(5)));
    on(near, Client::established(config, Seed::new([1; 32])))
}

/// Reads what has come: the frames of a client, which nobody looks at.
async fn taken(far: &mut DuplexStream) {
    let mut bytes = [0; 4096];
    assert!(far.read(&mut bytes).await.unwrap() > 0);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answered_in_time_is_not_silent_to_a_program_that_only_sends_now_and_then() {
    let (near, mut far) = wire();
    let mut socket = watched(near);
    for _ in 0..5 {
        socket.send("hello").await.unwrap(); // with a ping before it, after the first time
        taken(&mut far).await;
        far.write_all(&PONG).await.unwrap();
        advance(seconds(600)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answered_in_time_is_not_silent_to_a_program_that_waited_and_went_away() {
    let (near, mut far) = wire();
    let mut socket = watched(near);
    let start = Instant::now();
    tokio::select! {
        biased;
        next = socket.next() => panic!("{next:?}"),
        () = taken(&mut far) => {} // the ping
    }
    assert_eq!(start.elapsed(), seconds(5));
    far.write_all(&[PONG.as_slice(), &[0x81, 2, b'h', b'i']].concat())
        .await
        .unwrap();
    advance(seconds(600)).await;
    let next = socket.next().await.unwrap();
    assert_eq!(next.unwrap(), Message::text("hi"));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_did_not_answer_is_silent_all_the_same() {
    let (near, mut far) = wire();
    let mut socket = watched(near);
    socket.send("hello").await.unwrap();
    advance(seconds(600)).await;
    socket.send("a ping goes before it").await.unwrap();
    taken(&mut far).await;
    advance(seconds(600)).await;
    assert!(socket.next().await.unwrap().is_err());
}
