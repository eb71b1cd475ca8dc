//! Ends of TLS 1.2 sessions. A `close_notify` of TLS 1.2 ends both directions.

use super::{plain, until_it_fails};
use crate::support::{TIMEOUT, pair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wirestack::{Connection, Engine, Nest, relay, tls};

/// A peer that ends TLS 1.2 takes no more. That is no error, and its earlier bytes arrive.
#[tokio::test]
async fn a_relay_of_tls_1_2_ends_without_an_error() {
    for answers in [false, true] {
        let ((c, a), (b, mut target)) = (pair().await, pair().await);
        let [mut client, a] = tls12(c, a);
        let relayed = tokio::spawn(relay(a, plain(b)));
        let sending = async {
            client.write_all(&vec![1; 300_000]).await.unwrap();
            client.shutdown().await.unwrap();
            let mut nothing = Vec::new();
            client.read_to_end(&mut nothing).await.unwrap();
        };
        let receiving = async {
            let mut heard = Vec::new();
            target.read_to_end(&mut heard).await.unwrap();
            heard.len()
        };
        let both = async { tokio::join!(sending, receiving) };
        let ((), heard) = timeout(TIMEOUT, both).await.unwrap();
        assert_eq!(heard, 300_000);
        if answers {
            let _ = target.write_all(b"too late").await;
        } else {
            drop(target);
        }
        let relayed = timeout(TIMEOUT, relayed).await.unwrap().unwrap();
        assert!(relayed.is_ok(), "{relayed:?}");
    }
}

#[tokio::test]
async fn a_write_after_the_end_of_tls_1_2_fails() {
    let (a, b) = pair().await;
    let [mut client, mut server] = tls12(a, b);
    let (opened, accepted) = tokio::join!(client.open(), server.open());
    opened.and(accepted).unwrap();
    server.shutdown().await.unwrap();
    let error = until_it_fails(async || {
        client.write_all(b"data").await?;
        client.flush().await
    });
    let error = error.await;
    assert!(error.to_string().contains("close_notify"), "{error}");
    assert_eq!(client.read(&mut [0; 9]).await.unwrap(), 0);
}

fn tls12(client: TcpStream, server: TcpStream) -> [Connection<wirestack::BoxTunnel>; 2] {
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (chain, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let trust = tls::ClientSettings::new().without_system_roots();
    let trust = trust
        .versions(tls::TlsVersions::Tls12)
        .ca_certificates(chain.clone());
    let server_config = tls::ServerSettings::new(chain, key).build().unwrap();
    let name = tls::server_name("localhost").unwrap();
    let upper = tls::Client::new(trust.build().unwrap(), name)
        .unwrap()
        .boxed();
    let lower = tls::Server::new(server_config).unwrap().boxed();
    [(client, upper), (server, lower)]
        .map(|(io, layer)| Connection::from_transport(io, Engine::new(layer)).unwrap())
}
