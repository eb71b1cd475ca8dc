//! Connections on smol, with the traits of `futures-io`.

use crate::support::{TIMEOUT, TLS, connect_server, echo, proxy, socks_server};
use futures_util::StreamExt;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};
use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};
use wirestack::runtime::{Runtime, Smol};
use wirestack::websocket::{Client, CloseCode, Keepalive, Message, Server, WebSocketConfig};
use wirestack::{AccessPolicy, Engine, Error, Identity, ProxyServer, Seed};
use wirestack::{Connection, connect, connect_stream, relay};

/// Two ends of a TCP connection.
async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = TcpStream::connect(address).await.unwrap();
    (client, listener.accept().await.unwrap().0)
}

fn client(io: TcpStream, settings: WebSocketConfig) -> Connection<Client> {
    let client = Client::established(settings, Seed::new([7; 32]));
    Connection::from_transport(io, Engine::new(client)).unwrap()
}

#[test]
fn a_websocket_opens_through_two_proxies_and_tls() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (gate, inner, target) = runtime.block_on(async {
        let (gate, _) = proxy(ProxyServer::socks(AccessPolicy::loopback()), socks_server).await;
        let (inner, _) = proxy(
            ProxyServer::connect(AccessPolicy::loopback()),
            connect_server,
        )
        .await;
        (gate, inner, echo(true).await)
    });
    smol::block_on(async {
        let mut socket = connect(format!("wss://localhost:{}/", target.port()))
            .via(format!("socks5h://me:secret@{gate}"))
            .via(format!("http://{inner}"))
            .tls(TLS.client.clone())
            .await
            .unwrap();
        let large = Message::binary(vec![7; 3 << 20]);
        socket.send(large.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), large);
        assert!(socket.ping("there?").await.unwrap() < TIMEOUT);
        socket.close(CloseCode::NORMAL, "done").await.unwrap();
    });
}

#[test]
fn halves_are_a_stream_and_a_sink_and_a_driver_runs_in_any_task() {
    smol::block_on(async {
        let (a, b) = pair().await;
        let echoing = smol::spawn(async move {
            let server = Server::established(WebSocketConfig::default());
            let server = Connection::from_transport(b, Engine::new(server)).unwrap();
            let (writer, reader) = server.split();
            reader.forward(writer).await.unwrap();
        });
        let (handle, driver) = client(a, WebSocketConfig::default()).driven();
        let driving = smol::spawn(driver);
        let (mut writer, mut reader) = handle.split();
        for n in 0..100 {
            writer.feed(Message::binary(vec![n; 999])).await.unwrap();
        }
        writer.flushed().await.unwrap();
        for n in 0..100 {
            let message = reader.next().await.unwrap().unwrap();
            assert_eq!(message, Message::binary(vec![n; 999]));
        }
        writer.ping("there?").await.unwrap();
        futures_util::SinkExt::<Message>::close(&mut writer)
            .await
            .unwrap();
        assert!(reader.next().await.is_none());
        drop((reader, writer));
        echoing.await;
        driving.await;
    });
}

#[test]
fn bytes_and_ends_pass_a_relay() {
    smol::block_on(async {
        let ((a, b), (c, d)) = (pair().await, pair().await);
        let plain = |io: TcpStream| Connection::from_transport(io, Engine::new(Identity)).unwrap();
        let relaying = smol::spawn(relay(plain(b), plain(c)));
        let (mut near, mut far) = (plain(a), plain(d));
        let sent: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        let sending = async {
            near.write_all(&sent).await.unwrap();
            AsyncWriteExt::close(&mut near).await.unwrap(); // ends one direction only
            let mut answer = Vec::new();
            near.read_to_end(&mut answer).await.unwrap();
            answer
        };
        let answering = async {
            let mut heard = Vec::new();
            far.read_to_end(&mut heard).await.unwrap();
            far.write_all(b"all of it").await.unwrap();
            AsyncWriteExt::close(&mut far).await.unwrap();
            heard
        };
        let (answer, heard) = smol::future::zip(sending, answering).await;
        assert!(heard == sent);
        assert_eq!(answer, b"all of it");
        let relayed = relaying.await.unwrap();
        assert_eq!((relayed.sent, relayed.received), (3_000_000, 9));
    });
}

#[test]
fn timers_run_and_finish_times_out() {
    smol::block_on(async {
        let soon = Duration::from_millis(20);
        let mut settings = WebSocketConfig::default();
        settings.keepalive = Some(Keepalive {
            interval: soon,
            timeout: soon,
        });
        let (a, _b) = pair().await;
        let error = client(a, settings).next().await.unwrap().unwrap_err();
        assert!(error.to_string().contains("sent nothing within"), "{error}");

        let (a, _b) = pair().await;
        let started = Instant::now();
        let late = client(a, WebSocketConfig::default())
            .finish(soon)
            .await
            .unwrap_err();
        assert!(
            late.to_string().contains("not finished after 20ms"),
            "{late}"
        );
        assert!(started.elapsed() < TIMEOUT);
    });
}

#[test]
fn an_aborted_dialed_stream_is_reset() {
    smol::block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut stream = connect_stream(format!("tcp://{address}"))
            .direct()
            .await
            .unwrap();
        let (mut other, _) = listener.accept().await.unwrap();
        stream.abort(Error::local("test", std::io::Error::other("enough")));
        stream.flush().await.unwrap();
        drop(stream);
        let error = other.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_task_to_which_datagrams_come_without_a_pause_lets_others_run() {
    let bind = || std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let (sender, receiver) = (bind(), bind());
    let to = receiver.local_addr().unwrap();
    for _ in 0..200 {
        sender.send_to(b"x", to).unwrap(); // the buffer of the receiver holds them all
    }
    smol::block_on(async {
        let socket = Smol.wrap_udp(receiver).unwrap();
        for wanted in [128, 72] {
            let mut received = 0;
            poll_fn(|cx| {
                while let Poll::Ready(datagram) = socket.poll_recv_from(cx, &mut [0; 9]) {
                    datagram.unwrap();
                    received += 1;
                }
                Poll::Ready(())
            })
            .await;
            assert_eq!(received, wanted);
        }
    });
}
