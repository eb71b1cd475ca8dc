//! A peer that takes nothing is given up, and one that takes a little is waited for: on every
//! transport, under every stack, in both roles.

use super::{assert_passed, http2_client, on, seconds, wire};
use crate::support::{TIMEOUT, TLS, pair};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{Instant, sleep, timeout};
use wirestack::http2::{self, ConnectRequest, Http2Config, Http2Error};
use wirestack::websocket::{Client, Keepalive, Message, Server, WebSocketConfig};
use wirestack::{Connection, Engine, Error, Http2, Identity, Nest, Seed, WriteTimedOut, tls};

fn is_given_up(error: &Error) -> bool {
    error.cause::<WriteTimedOut>().is_some()
}

fn io_cause(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    inner.is_some_and(is_given_up)
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_is_given_up() {
    let (near, _far) = wire();
    let mut stream = on(near, Identity);
    let start = Instant::now();
    let error = stream.write_all(&[7; 1_000_000]).await.unwrap_err();
    assert_passed(start, seconds(61));
    assert!(io_cause(&error), "{error}");
    assert!(stream.read(&mut [0]).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_a_byte_now_and_then_is_waited_for() {
    let (near, mut far) = duplex(16);
    let mut stream = on(near, Identity);
    let start = Instant::now();
    let reading = async {
        let mut heard = Vec::new();
        while heard.len() < 40 {
            sleep(seconds(59)).await; // on the paused clock
            heard.push(far.read_u8().await.unwrap());
        }
        heard
    };
    let (sent, heard) = tokio::join!(
        async {
            stream.write_all(&[7; 40]).await?;
            stream.flush().await
        },
        reading
    );
    sent.unwrap();
    assert_eq!(heard, [7; 40]);
    assert_passed(start, seconds(59 * 40));
}

/// It sends pings, and reads none of the answers. So it is not silent, and keepalive is content.
#[tokio::test(start_paused = true)]
async fn a_websocket_peer_that_sends_and_never_reads_is_given_up() {
    let ping = [0x89, 0x84, 0, 0, 0, 0, b'p', b'i', b'n', b'g'];
    let mut config = WebSocketConfig::default();
    config.keepalive = Some(Keepalive {
        interval: seconds(5),
        timeout: seconds(5),
    });
    let (near, mut far) = duplex(64);
    let mut socket = on(near, Server::established(config));
    let start = Instant::now();
    let error = tokio::select! {
        next = socket.next() => next.unwrap().unwrap_err(),
        () = async {
            while far.write_all(&ping).await.is_ok() {
                sleep(seconds(1)).await; // on the paused clock
            }
            std::future::pending().await
        } => unreachable!(),
    };
    assert!(is_given_up(&error), "{error}");
    assert!(start.elapsed() < seconds(90), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn both_roles_give_up_under_tls_too() {
    for is_server in [false, true] {
        let (a, b) = wire();
        let name = tls::server_name("localhost").unwrap();
        let client = tls::Client::new(TLS.client.clone(), name).unwrap();
        let server = tls::Server::new(TLS.server.clone()).unwrap();
        let seed = Seed::new([7; 32]);
        let config = WebSocketConfig::default;
        let mut client = on(a, Client::established(config(), seed).over(client));
        let mut server = on(b, Server::established(config()).over(server));
        let (opened, accepted) = tokio::join!(client.open(), server.open());
        opened.and(accepted).unwrap();
        let large = || Message::binary(vec![7; 1_000_000]);
        let start = Instant::now();
        let error = if is_server {
            server.send(large()).await.unwrap_err()
        } else {
            client.send(large()).await.unwrap_err()
        };
        assert_passed(start, seconds(61));
        assert!(is_given_up(&error), "{error}");
    }
}

/// The wire of the connection is free: only the window of the stream is closed.
#[tokio::test(start_paused = true)]
async fn a_stream_that_is_never_read_is_given_up_and_its_neighbour_goes_on() {
    let (near, far) = wire();
    let client = http2_client(near);
    let server = Http2::new(on(far, http2::Connection::server(Http2Config::server())));
    server.spawn();
    let open = async || {
        let opening = client.open(ConnectRequest::tunnel("example.org", 1).unwrap());
        let accepting = async {
            let incoming = server.accept().await.unwrap().unwrap();
            incoming.accept(http::HeaderMap::new()).unwrap()
        };
        let (opened, stream) = tokio::join!(opening, accepting);
        (opened.unwrap().1, stream)
    };
    let (stuck, _unread) = open().await;
    let (raw, _unread_too) = open().await;
    let (mut lively, mut far) = open().await;
    let mut stuck = Connection::from_transport(stuck, Engine::new(Identity)).unwrap();
    let start = Instant::now();
    let error = stuck.write_all(&vec![7; 10_000_000]).await.unwrap_err();
    assert_passed(start, seconds(61));
    // The engine of the stack and the layer of the stream have the same patience.
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>());
    let inner = inner.expect("an error of ours");
    assert!(
        is_given_up(inner) || matches!(inner.cause(), Some(Http2Error::WriteTimedOut(_))),
        "{error}"
    );
    // Without a stack of its own, the stream has the patience of its layer.
    let mut raw = raw;
    let start = Instant::now();
    let error = raw.write_all(&vec![7; 10_000_000]).await.unwrap_err();
    assert_passed(start, seconds(61));
    assert!(error.to_string().contains("within 60s"), "{error}");
    lively.write_all(b"hello").await.unwrap();
    let mut heard = [0; 5];
    far.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"hello");
}

#[tokio::test]
async fn a_tcp_peer_that_never_reads_is_given_up_and_reset() {
    let (a, mut b) = pair().await;
    let mut stream = Connection::from_transport(a, Engine::new(Identity)).unwrap();
    stream.set_write_timeout(SOON);
    let writing = stream.write_all(&[7; 20_000_000]);
    let error = timeout(TIMEOUT, writing).await.unwrap().unwrap_err();
    assert!(io_cause(&error), "{error}");
    let error = timeout(TIMEOUT, b.read_to_end(&mut Vec::new()))
        .await
        .unwrap();
    assert_eq!(
        error.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionReset
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_peer_that_never_reads_is_given_up_in_each_half_and_task() {
    use std::os::unix::net::UnixStream;
    let full = || {
        let (a, b) = UnixStream::pair().unwrap();
        let client = Client::established(WebSocketConfig::default(), Seed::new([7; 32]));
        let mut socket = Connection::from_transport(a, Engine::new(client)).unwrap();
        socket.set_write_timeout(SOON);
        (socket, b)
    };
    let large = || Message::binary(vec![7; 5_000_000]);
    let (socket, _unread) = full();
    let (mut writer, _reader) = socket.split();
    let error = timeout(TIMEOUT, writer.send(large())).await.unwrap();
    assert!(is_given_up(&error.unwrap_err()));
    let (socket, _unread) = full();
    let mut handle = socket.spawn();
    let error = timeout(TIMEOUT, handle.send(large())).await.unwrap();
    assert!(is_given_up(&error.unwrap_err()));
}

#[cfg(feature = "blocking")]
#[test]
fn a_blocking_call_gives_up_too() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let near = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (_far, _) = listener.accept().unwrap();
    let error = wirestack::blocking::block_on(async {
        let client = Client::established(WebSocketConfig::default(), Seed::new([7; 32]));
        let mut socket = Connection::from_transport(near, Engine::new(client)).unwrap();
        socket.set_write_timeout(SOON);
        socket.send(Message::binary(vec![7; 20_000_000])).await
    });
    assert!(is_given_up(&error.unwrap_err()));
}

#[cfg(feature = "smol")]
#[test]
fn smol_gives_up_too() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let near = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (_far, _) = listener.accept().unwrap();
    let error = smol::block_on(async {
        let client = Client::established(WebSocketConfig::default(), Seed::new([7; 32]));
        let mut socket = Connection::from_transport(near, Engine::new(client)).unwrap();
        socket.set_write_timeout(SOON);
        socket.send(Message::binary(vec![7; 20_000_000])).await
    });
    assert!(is_given_up(&error.unwrap_err()));
}

const SOON: Duration = Duration::from_millis(50);
