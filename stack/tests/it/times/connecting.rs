//! A proxy that waits for a target, and a client that waits for the end of an association.

use super::{assert_passed, seconds, wire};
use std::any::Any;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{Duration, Instant};
use wirestack::dial::serve::ProxyTimeouts;
use wirestack::dial::{Endpoint, Plan, Reason, Timeouts};
use wirestack::runtime::{AsyncTimer, BoxFuture, Runtime, TokioTransport, Transport, current};
use wirestack::{AccessPolicy, Connection, Engine, ProxyError, ProxyServer};
use wirestack::{DialContext, Dialer, Pipe, Seed, Tunnel};
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

#[cfg(feature = "hyper")]
#[tokio::test(start_paused = true)]
async fn the_time_to_connect_is_for_all_proxies_of_a_client_of_hyper_together() {
    use tower_service::Service;
    use wirestack::dial::{Hop, Routes};
    let hops = [
        "http://192.0.2.1:80",
        "http://192.0.2.2:80",
        "socks5://192.0.2.3",
    ];
    let routes = Routes::any_of(hops.map(|hop| vec![hop.parse::<Hop>().unwrap()]));
    let mut connector = wirestack::Connector::default()
        .runtime(Arc::new(Unreached(current().unwrap())))
        .routes(routes)
        .timeout(seconds(15)); // each address has 10 s
    let start = Instant::now();
    let uri = http::Uri::from_static("http://name.test/");
    let error = connector.call(uri).await.map(drop).unwrap_err();
    assert_passed(start, seconds(15));
    assert!(error.is_temporary(), "{error}");
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

#[tokio::test]
async fn a_peer_that_always_has_a_byte_does_not_stop_the_time_of_a_dialing() {
    let endpoint = Endpoint {
        host: "192.0.2.7".to_owned(),
        port: 7,
    };
    let plan = Plan::new(endpoint, vec!["target".to_owned()], |_, _| {
        Ok(Tunnel::new("endless", async |wire| {
            loop {
                let [_] = wire.read_array("the end").await?;
            }
        }))
    });
    let (seed, now) = (Seed::new([7; 32]), wirestack::Instant::ORIGIN);
    let dialer = Dialer::new(plan, Timeouts::default(), seed, now);
    let runtime = Flooded {
        inner: current().unwrap(),
        seconds: AtomicU64::new(0),
    };
    let context = DialContext::new().runtime(Arc::new(runtime));
    let error = context.dial(dialer).await.map(drop).unwrap_err();
    let Reason::TimedOut { after, seen, .. } = error.reason() else {
        panic!("{error}");
    };
    assert_eq!(*after, Timeouts::default().layer);
    assert!((1..200).contains(seen), "{seen} bytes");
}

/// A runtime whose peers always have a byte, and whose clock goes on by a second at each look.
struct Flooded {
    inner: Arc<dyn Runtime>,
    seconds: AtomicU64,
}

impl fmt::Debug for Flooded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flooded")
    }
}

impl Runtime for Flooded {
    fn now(&self) -> wirestack::Instant {
        let passed = seconds(self.seconds.fetch_add(1, Ordering::Relaxed));
        wirestack::Instant::ORIGIN.checked_add(passed).unwrap()
    }

    fn new_timer(&self, at: wirestack::Instant) -> Pin<Box<dyn AsyncTimer>> {
        self.inner.new_timer(at)
    }

    fn spawn(&self, task: BoxFuture<()>) {
        self.inner.spawn(task);
    }

    fn connect_tcp(&self, _: SocketAddr) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        Box::pin(async { Ok(Box::new(Flood { left: 100_000 }) as _) })
    }
}

/// A peer that sends byte by byte without a pause, and ends before a test would take long.
struct Flood {
    left: usize,
}

impl Transport for Flood {
    fn poll_read(
        &mut self,
        _: &mut Context<'_>,
        to: &mut Pipe,
        _: usize,
    ) -> Poll<io::Result<usize>> {
        let Some(left) = self.left.checked_sub(1) else {
            return Poll::Ready(Ok(0));
        };
        self.left = left;
        to.write(b"x");
        Poll::Ready(Ok(1))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, from: &mut Pipe) -> Poll<io::Result<usize>> {
        let n = from.len();
        from.consume(n);
        Poll::Ready(Ok(n))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
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
