//! Connections on tokio: dropped futures, spawned tasks, ends and buffers.

use crate::support::{TIMEOUT, TLS, pair, socks_server};
use futures_util::{FutureExt, SinkExt, StreamExt};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex};
use wirestack::runtime::TokioTransport;
use wirestack::websocket::{Client, CloseCode, Message, Server, WebSocketConfig};
use wirestack::{
    Connection, ConnectionClosed, Engine, Error, Flow, Identity, Nest, OpeningTimedOut, Seed,
    relay, socks, tls,
};

fn client<S>(io: S) -> Connection<Client>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let client = Client::established(WebSocketConfig::default(), Seed::new([7; 32]));
    Connection::from_transport(TokioTransport::new(io), Engine::new(client)).unwrap()
}

fn server<S>(io: S) -> Connection<Server>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    Connection::from_transport(
        TokioTransport::new(io),
        Engine::new(Server::established(WebSocketConfig::default())),
    )
    .unwrap()
}

/// Two ends of a WebSocket over a transport in memory that holds `size` bytes.
fn sockets(size: usize) -> (Connection<Client>, Connection<Server>) {
    let (a, b) = duplex(size);
    (client(a), server(b))
}

#[tokio::test]
async fn dialed_and_accepted_sockets_send_small_writes_at_once() {
    let (client, server) = pair().await;
    for io in [client, server] {
        let connection = Connection::from_transport(io, Engine::new(Identity)).unwrap();
        let Some(io) = connection.transport::<tokio::net::TcpStream>() else {
            panic!("it is TCP");
        };
        assert!(io.nodelay().unwrap());
    }
}

#[tokio::test]
async fn a_dropped_receive_loses_nothing() {
    let (mut client, mut server) = sockets(64);
    let message = Message::binary(vec![1; 1000]);
    let sending = async {
        client.send(message.clone()).await.unwrap();
        client.send(Message::text("second")).await.unwrap();
    };
    let receiving = async {
        let mut got = Vec::new();
        while got.len() < 2 {
            // Each future is polled once and dropped.
            match server.next().now_or_never() {
                Some(message) => got.push(message.unwrap().unwrap()),
                None => tokio::task::yield_now().await,
            }
        }
        got
    };
    let ((), got) = tokio::join!(sending, receiving);
    assert_eq!(got, [message, Message::text("second")]);
}

#[tokio::test]
async fn a_dropped_send_was_accepted_wholly_or_not_at_all() {
    let (mut client, mut server) = sockets(64);
    let large = |n: u8| Message::binary(vec![n; 300 * 1024]);
    // The first is being sent, the second is queued, and there is no room for the third.
    for n in 1..=3 {
        assert!(client.send(large(n)).now_or_never().is_none());
    }
    let receiving = async { [server.next().await, server.next().await] };
    let (flushed, got) = tokio::join!(client.flushed(), receiving);
    flushed.unwrap();
    assert_eq!(
        got.map(|message| message.unwrap().unwrap()),
        [large(1), large(2)]
    );
    let (sent, got) = tokio::join!(client.send(large(4)), server.next());
    sent.unwrap();
    assert_eq!(got.unwrap().unwrap(), large(4));
}

#[tokio::test]
async fn a_spawned_connection_answers_pings_while_nobody_reads() {
    let (client, mut server) = sockets(64);
    let handle = client.spawn();
    server.ping("anyone there").await.unwrap();
    assert!(server.ping("x".repeat(126)).await.is_err());
    drop(handle);
    // The task ends with the last handle, and the transport with the task.
    let error = server.next().await.unwrap().unwrap_err();
    assert!(error.to_string().starts_with("websocket[0]: "), "{error}");
}

#[tokio::test]
async fn a_spawned_connection_is_split_and_closed() {
    let (client, server) = sockets(1000);
    let (mut writer, mut reader) = client.spawn().split();
    let echo = async {
        let (mut sink, mut stream) = server.spawn().split();
        while let Some(Ok(message)) = stream.next().await {
            sink.send(message).await.unwrap();
        }
    };
    let talk = async {
        for n in 0..100_u8 {
            writer.feed(Message::binary(vec![n; 999])).await.unwrap();
            if n % 10 == 9 {
                writer.flushed().await.unwrap();
            }
        }
        for n in 0..100_u8 {
            let message = reader.next().await.unwrap().unwrap();
            assert_eq!(message, Message::binary(vec![n; 999]));
        }
        SinkExt::<Message>::close(&mut writer).await.unwrap();
        assert!(reader.next().await.is_none());
    };
    tokio::join!(echo, talk);
}

/// Another task may close between `poll_ready` and `start_send`.
#[tokio::test]
async fn a_message_behind_the_close_of_the_other_half_is_refused() {
    let (client, _server) = sockets(1000);
    let (mut writer, reader) = client.split();
    poll_fn(|cx| SinkExt::<Message>::poll_ready_unpin(&mut writer, cx))
        .await
        .unwrap();
    reader.with(|engine| engine.from_app().finish());
    let late = SinkExt::start_send_unpin(&mut writer, Message::text("late"));
    assert!(late.unwrap_err().cause::<ConnectionClosed>().is_some());
}

#[tokio::test]
async fn a_connection_is_a_stream_and_a_sink() {
    let (client, server) = sockets(1 << 16);
    let (mut sink, stream) = StreamExt::split(client);
    let (out, back) = StreamExt::split(server);
    let echo = back.forward(out);
    let talk = async {
        let messages: Vec<_> = (0..50).map(|n| Message::text(format!("{n}"))).collect();
        for message in &messages {
            sink.feed(message.clone()).await.unwrap();
        }
        sink.flush().await.unwrap();
        let got: Vec<_> = stream.take(50).map(Result::unwrap).collect().await;
        assert_eq!(got, messages);
        sink.close().await.unwrap();
    };
    let (echoed, ()) = tokio::join!(echo, talk);
    echoed.unwrap();
}

#[tokio::test]
async fn a_close_is_answered_before_its_reader_learns_of_it() {
    let (mut client, mut server) = sockets(1 << 16);
    let serving = async {
        let error = server.next().await.unwrap().unwrap_err();
        assert!(error.to_string().contains("4001"), "{error}");
        assert!(server.next().await.is_none(), "the error comes once");
        drop(server);
    };
    let (closed, ()) = tokio::join!(client.close(CloseCode::new(4001), "bye"), serving);
    closed.unwrap();
    assert_eq!(client.closed().unwrap().code, CloseCode::new(4001));
}

#[tokio::test]
async fn a_transport_that_ends_is_not_a_clean_end_of_a_websocket() {
    let (a, b) = pair().await;
    let (mut client, mut server) = (client(a), server(b));
    client.send(Message::text("before")).await.unwrap();
    drop(client);
    assert_eq!(
        server.next().await.unwrap().unwrap(),
        Message::text("before")
    );
    assert!(server.next().await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_nothing_times_out() {
    let (_silent, io) = duplex(64);
    let mut connection =
        Connection::from_transport(TokioTransport::new(io), Engine::new(socks_server())).unwrap();
    connection.set_open_timeout(Duration::from_secs(10));
    let error = connection.open().await.unwrap_err();
    let late = error.cause::<OpeningTimedOut>().unwrap();
    assert_eq!(late.allowed, Duration::from_secs(10));
    assert_eq!(
        error.to_string(),
        "engine: not open after 10s: opening, waiting for the greeting"
    );
}

#[tokio::test(start_paused = true)]
async fn a_close_that_is_not_answered_times_out() {
    let (mut client, _silent) = sockets(1 << 16);
    let error = client.close(CloseCode::NORMAL, "").await.unwrap_err();
    assert!(error.to_string().starts_with("websocket[0]: "), "{error}");
}

#[tokio::test]
async fn an_abort_resets_although_the_stream_may_be_dropped_at_once() {
    for is_dropped in [false, true] {
        let (a, mut b) = pair().await;
        let mut stream = Connection::from_transport(a, Engine::new(Identity)).unwrap();
        stream.write_all(b"so far").await.unwrap();
        let mut heard = [0; 6];
        b.read_exact(&mut heard).await.unwrap();
        stream.abort(Error::local("test", "had enough"));
        if is_dropped {
            drop(stream);
        } else {
            stream.flush().await.ok();
        }
        let error = b.read(&mut heard).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
}

/// Bytes that the socket has not taken would have to leave before the end.
#[tokio::test]
async fn an_abort_behind_bytes_that_wait_is_no_clean_end_when_the_stream_is_dropped() {
    let (a, mut b) = pair().await;
    let mut stream = Connection::from_transport(a, Engine::new(Identity)).unwrap();
    poll_fn(|cx| {
        while let Poll::Ready(written) = Pin::new(&mut stream).poll_write(cx, &[7; 60_000]) {
            written.unwrap();
        }
        Poll::Ready(())
    })
    .await;
    stream.abort(Error::local("test", "had enough"));
    drop(stream);
    let error = b.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_refusal_is_read_although_the_server_ends() {
    let (a, b) = pair().await;
    let address = socks::Address::new("localhost", 1).unwrap();
    let client = socks::Client::new(address)
        .with_password("me", "wrong")
        .unwrap();
    let mut client = Connection::from_transport(a, Engine::new(client)).unwrap();
    let mut server = Connection::from_transport(b, Engine::new(socks_server())).unwrap();
    let serving = async {
        let error = server.open().await.unwrap_err();
        let _ = server.finish(TIMEOUT).await;
        error.to_string()
    };
    let (refused, wrong) = tokio::join!(client.open(), serving);
    let cause = refused.unwrap_err();
    assert!(
        matches!(cause.cause(), Some(socks::SocksError::PasswordRefused(_))),
        "{cause}"
    );
    assert!(wrong.contains("wrong user name or password"), "{wrong}");
}

#[tokio::test]
async fn a_relay_carries_both_ends_as_they_were() {
    let ((client, a), (b, server)) = (pair().await, pair().await);
    let plain =
        |io: tokio::net::TcpStream| Connection::from_transport(io, Engine::new(Identity)).unwrap();
    let relayed = tokio::spawn(relay(plain(a), plain(b)));
    let (mut client, mut server) = (plain(client), plain(server));
    client.write_all(&vec![1; 1 << 20]).now_or_never();
    client.write_all(b"x").now_or_never();
    let (ended, heard) = tokio::join!(client.shutdown(), async {
        let mut heard = Vec::new();
        server.read_to_end(&mut heard).await.unwrap();
        heard.len()
    });
    ended.unwrap();
    server.write_all(b"half open").await.unwrap();
    server.shutdown().await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "half open");
    let relayed = relayed.await.unwrap().unwrap();
    assert_eq!((relayed.sent, relayed.received), (heard as u64, 9));
}

#[tokio::test]
async fn tls_truncation_reaches_the_reader_as_an_error_behind_the_data() {
    let (a, b) = pair().await;
    let name = tls::server_name("localhost").unwrap();
    let client = tls::Client::new(TLS.client.clone(), name).unwrap();
    let server = tls::Server::new(TLS.server.clone()).unwrap();
    let mut client = Connection::from_transport(a, Engine::new(client)).unwrap();
    let mut server = Connection::from_transport(b, Engine::new(server)).unwrap();
    let serving = async {
        server.write_all(b"so far").await.unwrap();
        server.flush().await.unwrap();
        drop(server); // no close_notify
    };
    let reading = async {
        let mut heard = Vec::new();
        let error = client.read_to_end(&mut heard).await.unwrap_err();
        (heard, error.to_string())
    };
    let ((), (heard, error)) = tokio::join!(serving, reading);
    assert_eq!(heard, b"so far");
    assert!(error.starts_with("tls[0]: "), "{error}");
}

#[tokio::test]
async fn an_idle_connection_holds_no_buffers() {
    let (mut client, mut server) = sockets(1 << 20);
    let message = Message::binary(vec![5; 300_000]);
    client.send(message.clone()).await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), message);
    assert!(server.next().now_or_never().is_none());
    let engine = server.engine();
    assert_eq!(
        engine.from_wire().capacity() + engine.to_wire().capacity(),
        0
    );
    assert!(engine.to_app().is_empty());
}

#[tokio::test]
async fn a_flush_empties_the_flows_between_the_layers_too() {
    let (a, b) = pair().await;
    let name = tls::server_name("localhost").unwrap();
    let below = tls::Client::new(TLS.client.clone(), name).unwrap();
    let above = Client::established(WebSocketConfig::default(), Seed::new([2; 32]));
    let mut client = Connection::from_transport(a, Engine::new(above.over(below))).unwrap();
    let below = tls::Server::new(TLS.server.clone()).unwrap();
    let above = Server::established(WebSocketConfig::default());
    let mut server = Connection::from_transport(b, Engine::new(above.over(below))).unwrap();
    let message = Message::binary(vec![6; 3 << 20]);
    let (sent, got) = tokio::join!(client.send(message.clone()), server.next());
    sent.unwrap();
    assert_eq!(got.unwrap().unwrap(), message);
    assert!(client.engine().to_wire().is_empty());
    let (sent, ()) = tokio::join!(server.send(message.clone()), async {
        while client.engine().to_app().is_empty() {
            client
                .wait_for(|engine| (!engine.to_app().is_empty()).then_some(()))
                .await
                .unwrap();
        }
    });
    sent.unwrap();
    drop(server); // the flushed message has left already
    assert_eq!(client.next().await.unwrap().unwrap(), message);
}

#[tokio::test]
async fn the_layer_above_tls_may_be_chosen_by_alpn() {
    let (a, b) = pair().await;
    let mut config = tls::rustls::ClientConfig::clone(&TLS.client);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut at_server = tls::rustls::ServerConfig::clone(&TLS.server);
    at_server.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = tls::server_name("localhost").unwrap();
    let client = tls::Client::new(config.into(), name).unwrap();
    let stack = client.then(|tls| match tls.alpn() {
        Some(b"http/1.1") => Ok(Client::established(
            WebSocketConfig::default(),
            Seed::new([1; 32]),
        )),
        other => Err(Error::local("test", format!("no use for {other:?}"))),
    });
    let tls_server = tls::Server::new(at_server.into()).unwrap();
    let mut client = Connection::from_transport(a, Engine::new(stack)).unwrap();
    let socket = Server::established(WebSocketConfig::default());
    let mut server = Connection::from_transport(b, Engine::new(socket.over(tls_server))).unwrap();
    let (sent, got) = tokio::join!(client.send(Message::text("chosen")), server.next());
    sent.unwrap();
    assert_eq!(got.unwrap().unwrap(), Message::text("chosen"));
}

#[tokio::test]
async fn bytes_between_the_layers_arrive_although_the_wire_is_quiet() {
    let (a, b) = duplex(1 << 20);
    let (a, b) = (TokioTransport::new(a), TokioTransport::new(b));
    let name = tls::server_name("localhost").unwrap();
    let client = tls::Client::new(TLS.client.clone(), name).unwrap();
    let server = tls::Server::new(TLS.server.clone()).unwrap();
    let mut client = Connection::from_transport(a, Engine::new(client)).unwrap();
    let mut server = Connection::from_transport(b, Engine::new(server)).unwrap();
    let (opened, accepted) = tokio::join!(client.open(), server.open());
    opened.and(accepted).unwrap();
    let sent: Vec<u8> = (0..400_000_u32).map(|i| (i % 251) as u8).collect();
    server.write_all(&sent).await.unwrap();
    server.flush().await.unwrap();
    let mut heard = vec![0; sent.len()];
    // Everything has arrived, so one poll must read it all.
    let read = client.read_exact(&mut heard).now_or_never();
    read.expect("bytes lie between the layers").unwrap();
    assert_eq!(heard, sent);
}

/// A claimed length takes no memory: buffers grow with the bytes that have come.
#[tokio::test]
async fn memory_grows_with_the_received_bytes_and_not_with_a_claimed_length() {
    let (a, mut b) = pair().await;
    let server = Server::established(WebSocketConfig::default());
    let mut server = Connection::from_transport(a, Engine::new(server)).unwrap();
    let mut claim = vec![0x82, 0xff];
    claim.extend((16_u64 << 20).to_be_bytes());
    claim.extend([0; 4]);
    b.write_all(&claim).await.unwrap();
    let (mut sent, mut most) = (0, 0);
    while sent < 1 << 20 {
        b.write_all(&[7; 20_000]).await.unwrap();
        sent += 20_000;
        while server.engine().from_wire().len() < sent {
            assert!(server.next().now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        let capacity = server.engine().from_wire().capacity();
        assert!(
            capacity <= 5 * sent + 64 * 1024,
            "{capacity} bytes for {sent}"
        );
        most = most.max(capacity);
    }
    assert!(most < 8 << 20, "{most} bytes for 1 MiB");
}
