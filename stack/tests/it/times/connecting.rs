//! A proxy that waits for a target, and a client that waits for the end of an association.

use super::{assert_passed, seconds, wire};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{Duration, Instant};
use wirestack::dial::serve::ProxyTimeouts;
use wirestack::runtime::{AsyncTimer, BoxFuture, Runtime, TokioTransport, Transport, current};
use wirestack::{AccessPolicy, Connection, Engine, ProxyError, ProxyServer};
use wirestack::{associate, serve_proxy, socks};

#[tokio::test(start_paused = true)]
async fn a_proxy_gives_up_a_target_that_never_answers_when_its_time_to_connect_is_over() {
    let default = ProxyTimeouts::default().connect.connect;
    for allowed in [default, seconds(7)] {
        let (mut client, far) = wire();
        let runtime = Arc::new(Unreached(current().unwrap()));
        let layer = Engine::new(socks::Server::new());
        let far = TokioTransport::new(far);
        let served = Connection::from_transport_on(runtime, far, layer).unwrap();
        let mut timeouts = ProxyTimeouts::default();
        timeouts.connect.connect = allowed;
        let server = ProxyServer::socks(AccessPolicy::everything()).with_timeouts(timeouts);
        let start = Instant::now();
        let serving = tokio::spawn(async move { serve_proxy(served, &server, seconds(60)).await });
        client
            .write_all(b"\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50")
            .await
            .unwrap();
        let mut answers = [0; 12];
        client.read_exact(&mut answers).await.unwrap();
        assert_passed(start, allowed);
        assert_eq!(answers[..4], [5, 0, 5, 4], "host unreachable (RFC 1928 §6)");
        drop(client);
        let error = serving.await.unwrap().unwrap_err();
        let Some(ProxyError::Unreachable(io::ErrorKind::TimedOut)) = error.cause() else {
            panic!("{error}");
        };
    }
}

#[tokio::test]
async fn an_association_whose_proxy_does_not_close_ends_after_a_second() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = tokio::spawn(async move {
        let (mut io, _) = listener.accept().await?;
        io.read_exact(&mut [0; 3]).await?;
        io.write_all(b"\x05\x00").await?;
        io.read_exact(&mut [0; 10]).await?;
        io.write_all(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x09")
            .await?;
        io::Result::Ok(io) // it is never closed
    });
    let association = associate(format!("socks5://{address}")).await.unwrap();
    let held = proxy.await.unwrap().unwrap();
    tokio::time::pause();
    let start = Instant::now();
    let error = association.close().await.unwrap_err();
    assert_passed_exactly(start, seconds(1));
    assert!(
        error.to_string().contains("not finished after 1s"),
        "{error}"
    );
    drop(held);
}

/// The clock of tokio counts milliseconds.
fn assert_passed_exactly(start: Instant, time: Duration) {
    let passed = start.elapsed();
    let late = Duration::from_millis(5);
    assert!((time..=time + late).contains(&passed), "{passed:?}");
}

/// A runtime on which no connection opens.
#[derive(Debug)]
struct Unreached(Arc<dyn Runtime>);

impl Runtime for Unreached {
    fn now(&self) -> wirestack::Instant {
        self.0.now()
    }

    fn new_timer(&self, at: wirestack::Instant) -> Pin<Box<dyn AsyncTimer>> {
        self.0.new_timer(at)
    }

    fn spawn(&self, task: BoxFuture<()>) {
        self.0.spawn(task);
    }

    fn connect_tcp(&self, _: SocketAddr) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        Box::pin(std::future::pending())
    }
}
