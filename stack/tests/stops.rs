//! Who writes learns that nobody reads: resets, Closes and ends of sessions, by every form and half.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // sockets are the subject

mod support;

use std::time::Duration;
use support::{PATIENCE, pair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirestack::websocket::{Client, CloseCode, Message, Server, Settings};
use wirestack::{Connection, Engine, Plain, Seed, relay, tls};

async fn sockets() -> (Connection<Client>, Connection<Server>) {
    let (a, b) = pair().await;
    let client = Client::established(Settings::default(), Seed::new([7; 32]));
    let server = Server::established(Settings::default());
    (
        Connection::from_transport(a, Engine::new(client)).unwrap(),
        Connection::from_transport(b, Engine::new(server)).unwrap(),
    )
}

/// A reset comes behind the end that was read: every way of writing learns of it.
#[tokio::test]
async fn a_reset_behind_the_last_bytes_is_told_to_the_writer() {
    let (a, mut b) = pair().await;
    let mut stream = Connection::from_transport(a, Engine::new(Plain)).unwrap();
    b.write_all(b"hello").await.unwrap();
    let mut heard = [0; 5];
    stream.read_exact(&mut heard).await.unwrap();
    let _ = b.set_zero_linger();
    drop(b);
    tokio::time::sleep(Duration::from_millis(50)).await;
    for _ in 0..2 {
        let error = stream.write_all(b"data").await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        assert!(stream.flush().await.is_err());
    }
    let error = stream.read(&mut heard).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(stream.shutdown().await.is_err());
}

#[tokio::test]
async fn a_relay_lets_go_when_one_side_takes_no_more() {
    let ((mut client, a), (b, mut server)) = (pair().await, pair().await);
    let plain = |io| Connection::from_transport(io, Engine::new(Plain)).unwrap();
    let relayed = tokio::spawn(relay(plain(a), plain(b)));
    client.write_all(b"all").await.unwrap();
    client.shutdown().await.unwrap();
    let mut heard = Vec::new();
    server.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"all");
    let _ = client.set_zero_linger();
    drop(client);
    let sending = async {
        while server.write_all(&[7; 10_000]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, sending).await.unwrap();
    assert!(relayed.await.unwrap().is_err());
}

/// For a reader a clean Close is an end; for a writer it is why nothing more goes, and close() is fine.
#[tokio::test]
async fn a_writer_learns_of_the_peers_close_without_reading() {
    let (mut a, mut b) = sockets().await;
    let closing = tokio::spawn(async move { a.close(CloseCode::GOING_AWAY, "bye").await });
    let sending = async {
        loop {
            match b.send(Message::text("tick")).await {
                Ok(()) => tokio::time::sleep(Duration::from_millis(5)).await,
                Err(error) => return error,
            }
        }
    };
    let error = tokio::time::timeout(PATIENCE, sending).await.unwrap();
    assert!(
        error
            .to_string()
            .contains("closed by the peer with code 1001"),
        "{error}"
    );
    closing.await.unwrap().unwrap();
    assert!(b.ping("").await.is_err());
    b.close(CloseCode::NORMAL, "").await.unwrap();
    assert!(b.next().await.is_none());
}

/// A peer that ends TLS 1.2 wants no more: no fault, and what it said before arrives.
#[tokio::test]
async fn a_relay_of_tls_1_2_ends_well_with_the_session() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let trust = tls::ClientSettings::new().without_system_roots();
    let trust = trust
        .versions(tls::Versions::Tls12)
        .ca_certificates(chain.clone());
    let own = tls::ServerSettings::new(chain, key);
    let (trust, own) = (trust.build().unwrap(), own.build().unwrap());
    for answers in [false, true] {
        let ((c, a), (b, mut target)) = (pair().await, pair().await);
        let name = tls::server_name("localhost").unwrap();
        let engine = Engine::new(tls::Client::new(trust.clone(), name).unwrap());
        let mut client = Connection::from_transport(c, engine).unwrap();
        let engine = Engine::new(tls::Server::new(own.clone()).unwrap());
        let a = Connection::from_transport(a, engine).unwrap();
        let relayed = tokio::spawn(relay(
            a,
            Connection::from_transport(b, Engine::new(Plain)).unwrap(),
        ));
        let saying = async {
            client.write_all(&vec![1; 300_000]).await.unwrap();
            client.shutdown().await.unwrap();
            let mut nothing = Vec::new();
            client.read_to_end(&mut nothing).await.unwrap();
        };
        let hearing = async {
            let mut heard = Vec::new();
            target.read_to_end(&mut heard).await.unwrap();
            heard.len()
        };
        let both = async { tokio::join!(saying, hearing) };
        let ((), heard) = tokio::time::timeout(PATIENCE, both).await.unwrap();
        assert_eq!(heard, 300_000);
        if answers {
            let _ = target.write_all(b"too late").await;
        } else {
            drop(target);
        }
        let relayed = tokio::time::timeout(PATIENCE, relayed)
            .await
            .unwrap()
            .unwrap();
        assert!(relayed.is_ok(), "{relayed:?}");
    }
}
