//! Tasks that wait for a client to leave, beside those that use its stream.

use crate::support::TIMEOUT;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::yield_now;
use tokio::time::timeout;
use wirestack::http::{HeaderMap, Response};
use wirestack::http2::{self, ConnectRequest, Http2Config};
use wirestack::runtime::TokioTransport;
use wirestack::{Connection, Engine, Http2, Incoming};

fn over(io: DuplexStream, layer: http2::Connection) -> Http2 {
    let engine = Engine::new(layer);
    let connection = Connection::from_transport(TokioTransport::new(io), engine).unwrap();
    let http2 = Http2::new(connection);
    http2.spawn();
    http2
}

#[tokio::test]
async fn a_task_that_waits_for_the_client_to_leave_and_one_that_writes_are_both_woken() {
    for writes_first in [true, false] {
        let (near, far) = duplex(1 << 20);
        let server = over(far, http2::Connection::server(Http2Config::server()));
        let client = over(near, http2::Connection::client(Http2Config::default()));
        let accepting = async {
            let incoming = server.accept().await.unwrap().unwrap();
            let left = incoming.closed();
            (left, incoming.accept(HeaderMap::new()).unwrap())
        };
        let tunnel = ConnectRequest::tunnel("example.org", 1).unwrap();
        let (opened, (left, mut stream)) = tokio::join!(client.open(tunnel), accepting);
        let (_, mut tunnel) = opened.unwrap();
        let size = 32 << 20; // more than the window and all buffers hold
        let writing = async move {
            stream.write_all(&vec![7; size]).await.unwrap();
            stream.flush().await.unwrap();
            stream
        };
        let (writing, leaving) = if writes_first {
            let writing = tokio::spawn(writing);
            for _ in 0..10_000 {
                yield_now().await; // until it waits
            }
            (writing, tokio::spawn(left))
        } else {
            let leaving = tokio::spawn(left);
            yield_now().await;
            (tokio::spawn(writing), leaving)
        };
        for _ in 0..10_000 {
            yield_now().await;
        }
        assert!(!writing.is_finished());
        let mut read = vec![0; size];
        let read = timeout(TIMEOUT, tunnel.read_exact(&mut read)).await;
        read.expect("the writer was woken").unwrap();
        let stream = timeout(TIMEOUT, writing).await.unwrap().unwrap();
        assert!(!leaving.is_finished());
        drop(tunnel);
        let left = timeout(TIMEOUT, leaving).await;
        left.expect("the other task was woken").unwrap();
        drop(stream);
    }
}

#[tokio::test]
async fn a_task_that_waits_for_the_client_to_leave_ends_with_the_stream() {
    let answers: [fn(Incoming); 4] = [
        drop,
        |incoming| incoming.respond(Response::new("no".into())),
        |incoming| drop(incoming.accept(HeaderMap::new())),
        |incoming| drop(incoming.respond_streaming(Response::new(()))),
    ];
    let (near, far) = duplex(1 << 20);
    let server = over(far, http2::Connection::server(Http2Config::server()));
    let client = over(near, http2::Connection::client(Http2Config::default()));
    for (n, answer) in answers.into_iter().enumerate() {
        let accepting = async {
            let incoming = server.accept().await.unwrap().unwrap();
            let [early, late] = [incoming.closed(), incoming.closed()];
            let leaving = tokio::spawn(early);
            yield_now().await; // it waits
            assert!(!leaving.is_finished());
            answer(incoming);
            for left in [leaving, tokio::spawn(late)] {
                let left = timeout(TIMEOUT, left).await;
                left.unwrap_or_else(|_| panic!("answer {n}")).unwrap();
            }
        };
        let tunnel = ConnectRequest::tunnel("example.org", 1).unwrap();
        let (opened, ()) = tokio::join!(client.open(tunnel), accepting);
        drop(opened);
    }
}

#[tokio::test]
async fn all_tasks_that_wait_for_the_client_to_leave_are_woken() {
    let (near, far) = duplex(1 << 20);
    let server = over(far, http2::Connection::server(Http2Config::server()));
    let client = over(near, http2::Connection::client(Http2Config::default()));
    for client_leaves in [true, false] {
        let accepting = async {
            let incoming = server.accept().await.unwrap().unwrap();
            let leaving: Vec<_> = (0..3).map(|_| tokio::spawn(incoming.closed())).collect();
            yield_now().await; // they wait
            (leaving, incoming.accept(HeaderMap::new()).unwrap())
        };
        let tunnel = ConnectRequest::tunnel("example.org", 1).unwrap();
        let (opened, (leaving, stream)) = tokio::join!(client.open(tunnel), accepting);
        let (_, tunnel) = opened.unwrap();
        assert!(!leaving.iter().any(tokio::task::JoinHandle::is_finished));
        let _stays: Box<dyn Send> = if client_leaves {
            drop(tunnel);
            Box::new(stream)
        } else {
            drop(stream);
            Box::new(tunnel)
        };
        for task in leaving {
            let left = timeout(TIMEOUT, task).await;
            left.expect("it was woken").unwrap();
        }
    }
}
