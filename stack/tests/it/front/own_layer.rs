//! A layer of one's own over the ready-made ways.

use crate::support::{TIMEOUT, TLS, connect_server, listen, proxy};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirestack::dial::Timeouts;
use wirestack::{
    AccessPolicy, Connection, Engine, Flows, Instant, Layer, Pipe, Progress, ProxyServer,
    connect_stream, tls,
};

/// Waits for the line `hello`, and then passes bytes on.
#[derive(Debug)]
struct Greeted {
    is_open: bool,
}

impl Layer for Greeted {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        "greeted"
    }

    fn process(&mut self, mut p: Flows<'_>, _: Instant) {
        if !self.is_open {
            let seen = p.from_wire.unread();
            if seen.len() < 6 {
                return p.propagate_stop();
            }
            if !seen.starts_with(b"hello\n") {
                p.fail(wirestack::Error::peer("greeted", Rude));
                return;
            }
            p.from_wire.consume(6);
            self.is_open = true;
        }
        p.pass_through();
    }

    fn is_open(&self) -> bool {
        self.is_open
    }

    fn progress(&self) -> Progress {
        if self.is_open {
            Progress::Open
        } else {
            Progress::Opening("the greeting")
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the server did not say hello")]
struct Rude;

/// Starts a server over TLS that says this, and echoes.
async fn server(greeting: &'static [u8]) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let tls = tls::Server::new(TLS.server.clone()).unwrap();
                let mut io = Connection::from_transport(io, Engine::new(tls)).unwrap();
                io.write_all(greeting).await.unwrap();
                io.flush().await.unwrap();
                let mut bytes = [0; 4];
                if io.read_exact(&mut bytes).await.is_ok() {
                    io.write_all(&bytes).await.unwrap();
                }
                let _ = io.finish(TIMEOUT).await;
            });
        }
    });
    address
}

async fn through_a_proxy(greeting: &'static [u8]) -> wirestack::ConnectLayer<Greeted> {
    let port = server(greeting).await.port();
    let (proxy, _) = proxy(
        ProxyServer::connect(AccessPolicy::loopback()),
        connect_server,
    )
    .await;
    connect_stream(format!("tls://localhost:{port}"))
        .via(format!("http://{proxy}"))
        .tls(TLS.client.clone())
        .timeouts(Timeouts::default().layer(Duration::from_secs(2)))
        .then(|_| Ok(Greeted { is_open: false }))
}

#[tokio::test]
async fn a_layer_of_ones_own_opens_with_a_row_in_the_waterfall() {
    let connect = through_a_proxy(b"hello\n").await;
    let (mut connection, trace) = connect.traced().await.unwrap();
    connection.write_all(b"ping").await.unwrap();
    let mut bytes = [0; 4];
    connection.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"ping");
    let waterfall = trace.waterfall().to_string();
    let row = waterfall.lines().find(|line| line.contains("greeted"));
    assert!(
        row.unwrap().contains("target (tls://localhost"),
        "{waterfall}"
    );
    assert!(connection.part::<Greeted>().unwrap().is_open);
    assert_eq!(connection.route().unwrap().hops().len(), 1);
}

#[tokio::test]
async fn the_failure_of_a_layer_of_ones_own_names_the_target() {
    let error = through_a_proxy(b"go away\n").await.await.unwrap_err();
    let text = error.to_string();
    let wanted = "): greeted[2]: the server did not say hello";
    assert!(
        text.starts_with("target (tls://localhost:") && text.ends_with(wanted),
        "{text}"
    );
    assert!(error.layer_error().unwrap().cause::<Rude>().is_some());
}

#[tokio::test]
async fn a_layer_of_ones_own_has_the_time_out_of_a_layer() {
    let error = through_a_proxy(b"").await.await.unwrap_err().to_string();
    assert!(
        error.contains("timed out after 2 s") && error.contains("the greeting"),
        "{error}"
    );
}

#[cfg(feature = "blocking")]
#[test]
fn a_layer_of_ones_own_opens_in_a_thread() {
    use std::io::{Read, Write};
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let connect = tokio.block_on(through_a_proxy(b"hello\n"));
    let mut connection = connect.blocking().unwrap();
    connection.write_all(b"ping").unwrap();
    let mut bytes = [0; 4];
    connection.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"ping");
}
