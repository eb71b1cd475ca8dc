//! Many streams on one connection.

use super::{server, start, start_tls};
use crate::support::{TLS, listen};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use wirestack::http2::{self, ConnectRequest, Http2Config};
use wirestack::runtime::TokioTransport;
use wirestack::websocket::{CloseCode, Message};
use wirestack::{Connection, Engine, Http2, ServerSocket, connect_http2};

#[tokio::test]
async fn many_websockets_share_a_connection() {
    let url = start_tls().await;
    for driven in [true, false] {
        let http2 = connect_http2(&url)
            .direct()
            .tls(TLS.client.clone())
            .await
            .unwrap();
        if driven {
            http2.spawn();
        }
        let mut a = http2.websocket("/a").await.unwrap();
        let mut b = http2.websocket("/b?x=1").await.unwrap();
        a.send(Message::text("to a")).await.unwrap();
        b.send(Message::text("to b")).await.unwrap();
        assert_eq!(b.next().await.unwrap().unwrap(), Message::text("to b"));
        assert_eq!(a.next().await.unwrap().unwrap(), Message::text("to a"));
        a.close(CloseCode::from(1000), "").await.unwrap();
        drop(a);
        let refused = http2.websocket("/no").await.err().unwrap();
        let Some(http2::Http2Error::Refused(refusal)) = refused.cause() else {
            panic!("{refused}")
        };
        assert_eq!(
            (refusal.status.as_u16(), &refusal.body[..]),
            (403, &b"not here"[..])
        );
        let message = Message::binary(vec![9; 3 << 20]);
        let (sent, got) = {
            let mut c = http2.websocket("/c").await.unwrap();
            let sent = c.send(message.clone()).await;
            (sent, c.next().await.unwrap().unwrap())
        };
        sent.unwrap();
        assert_eq!(got, message);
        b.send(Message::text("still")).await.unwrap();
        assert_eq!(b.next().await.unwrap().unwrap(), Message::text("still"));
        b.close(CloseCode::from(1000), "").await.unwrap();
        drop(b);
        http2.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_refused_protocol_leaves_the_other_streams_alone() {
    let url = format!("http://{}", start(server()).await);
    let http2 = connect_http2(&url).direct().await.unwrap();
    let mut socket = http2.websocket("/").await.unwrap();
    let other = ConnectRequest::extended("connect-udp", {
        let mut head = http::Request::new(());
        *head.uri_mut() = format!("{url}/udp").parse().unwrap();
        head
    });
    let refused = http2.open(other.unwrap()).await.err().unwrap();
    let Some(http2::Http2Error::Refused(refusal)) = refused.cause() else {
        panic!("{refused}")
    };
    assert_eq!(refusal.status, 501);
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(
        socket.next().await.unwrap().unwrap(),
        Message::text("hello")
    );
}

#[tokio::test]
async fn a_dropped_stream_is_reset_and_the_others_go_on() {
    let (listener, address) = listen().await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        let each = move |mut socket: ServerSocket, _| {
            let tell = tell.clone();
            async move {
                while let Some(message) = socket.next().await {
                    let Ok(message) = message else {
                        let _ = tell.send(message.unwrap_err());
                        return;
                    };
                    let _ = socket.send(message).await;
                }
            }
        };
        let _ = server().serve_connection(io, each).await;
    });
    let http2 = connect_http2(format!("ws://{address}"))
        .direct()
        .await
        .unwrap();
    http2.spawn();
    let [mut a, mut b] = [
        http2.websocket("/a").await.unwrap(),
        http2.websocket("/b").await.unwrap(),
    ];
    a.send(Message::text("a")).await.unwrap();
    assert_eq!(a.next().await.unwrap().unwrap(), Message::text("a"));
    drop(a);
    let error = told.recv().await.unwrap();
    let reset = matches!(
        error.cause(),
        Some(http2::Http2Error::Reset(http2::Reason::CANCEL))
    );
    assert!(reset, "{error}");
    b.send(Message::text("b")).await.unwrap();
    assert_eq!(b.next().await.unwrap().unwrap(), Message::text("b"));
}

#[tokio::test]
async fn an_unread_stream_does_not_stop_the_others() {
    let url = format!("http://{}", start(server()).await);
    let http2 = connect_http2(&url).direct().await.unwrap();
    http2.spawn();
    let mut stalled = http2.websocket("/stalled").await.unwrap();
    let flood = tokio::spawn(async move {
        let message = Message::binary(vec![1; 100]);
        while stalled.feed(message.clone()).await.is_ok() && stalled.flushed().await.is_ok() {}
    });
    let mut sockets = Vec::new();
    for n in 0..99 {
        sockets.push(http2.websocket(format!("/{n}")).await.unwrap());
    }
    for round in 0..20 {
        for socket in &mut sockets {
            let message = Message::text(format!("round {round}"));
            socket.send(message.clone()).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap(), message);
        }
    }
    flood.abort();
}

/// A driver that is merely woken again runs before the future of `block_on`, many times.
#[tokio::test]
async fn a_driver_does_not_read_on_before_the_future_of_block_on_has_read() {
    let (near, far) = duplex(8 << 20);
    let over = |io, layer| {
        let engine = Engine::new(layer);
        let connection = Connection::from_transport(TokioTransport::new(io), engine).unwrap();
        let http2 = Http2::new(connection);
        http2.spawn();
        http2
    };
    let server = over(far, http2::Connection::server(Http2Config::server()));
    tokio::spawn(async move {
        let incoming = server.accept().await.unwrap().unwrap();
        let mut stream = incoming.accept(http::HeaderMap::new()).unwrap();
        stream.write_all(&vec![7; 4 << 20]).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let client = over(near, http2::Connection::client(Http2Config::default()));
    let tunnel = ConnectRequest::tunnel("example.org", 1).unwrap();
    let (_, mut stream) = client.open(tunnel).await.unwrap();
    let (mut all, mut most_ahead) = (0, 0);
    let mut piece = vec![0; 1 << 20];
    while let n @ 1.. = stream.read(&mut piece).await.unwrap() {
        all += n;
        let arrived = client.with(|connection| connection.engine().from_wire().total());
        most_ahead = most_ahead.max(arrived - all as u64);
    }
    assert_eq!(all, 4 << 20);
    assert!(
        most_ahead <= 256 << 10,
        "{most_ahead} bytes were read ahead"
    );
}
