//! Several drivers of one connection.

use crate::support::TIMEOUT;
use tokio::io::{DuplexStream, duplex};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;
use wirestack::http2::{self, Http2Config};
use wirestack::runtime::TokioTransport;
use wirestack::{Connection, Engine, Http2};

/// A connection that nobody drives, and the stream of its peer, who says nothing.
fn undriven() -> (Http2, DuplexStream) {
    let (near, far) = duplex(1 << 16);
    let engine = Engine::new(http2::Connection::client(Http2Config::default()));
    let connection = Connection::from_transport(TokioTransport::new(near), engine).unwrap();
    (Http2::new(connection), far)
}

/// Drives a connection in a task, which has been polled and waits.
async fn drive(http2: &Http2) -> JoinHandle<()> {
    let driving = tokio::spawn(http2.driver());
    for _ in 0..9 {
        yield_now().await;
    }
    driving
}

async fn ends(driving: JoinHandle<()>) {
    timeout(TIMEOUT, driving).await.unwrap().unwrap();
}

#[tokio::test]
async fn every_driver_ends_with_the_connection() {
    let (http2, far) = undriven();
    let (first, second) = (drive(&http2).await, drive(&http2).await);
    drop(far);
    ends(second).await;
    ends(first).await;
}

#[tokio::test]
async fn another_driver_goes_on_when_the_one_that_drives_is_dropped() {
    let (http2, far) = undriven();
    let (first, second) = (drive(&http2).await, drive(&http2).await);
    second.abort();
    assert!(second.await.is_err());
    drop(far);
    ends(first).await;
}

#[tokio::test]
async fn a_driver_that_was_never_polled_takes_nobodys_place() {
    let (http2, far) = undriven();
    let driving = drive(&http2).await;
    drop(http2.driver());
    drop(far);
    ends(driving).await;
}
