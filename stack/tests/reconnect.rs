//! A WebSocket that is connected again when it is lost, over loopback.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // sockets are the subject

mod support;

use std::net::SocketAddr;
use std::time::Duration;
use support::{PATIENCE, listen};
use wirestack::dial::Backoff;
use wirestack::websocket::{Accept, CloseCode, Message};
use wirestack::{
    NotConnected, ReconnectEvent, Reconnecting, ServerSocket, WebSocketServer, connect,
};

/// What a server does with one client.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    /// Says its number and is gone.
    Breaks,
    Closes(u16),
    Refuses(u16),
}

/// Does one after the other, and then refuses connections.
async fn server(does: &[Does]) -> SocketAddr {
    let does = does.to_vec();
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        for (n, this) in (1..).zip(does) {
            let (io, _) = listener.accept().await.unwrap();
            let server = WebSocketServer::new(move |_| match this {
                Does::Refuses(status) => {
                    let response = http::Response::builder().status(status);
                    Err(Box::new(response.body("no".into()).unwrap()))
                }
                _ => Ok(Accept::new()),
            });
            let each = move |socket| talk(socket, this, n);
            let _ = server.serve(io, each).await;
        }
    });
    address
}

async fn talk(mut socket: ServerSocket, does: Does, n: u32) {
    socket.send(Message::text(n.to_string())).await.unwrap();
    let heard = socket.next().await.unwrap().unwrap();
    assert_eq!(heard, Message::text("thanks"));
    if let Does::Closes(code) = does {
        let _ = socket.close(CloseCode::new(code), "").await;
        let _ = socket.finish(PATIENCE).await;
    }
}

fn client(address: SocketAddr, failures: Option<u32>) -> Reconnecting {
    let mut backoff = Backoff::default();
    (backoff.first, backoff.most) = (Duration::from_millis(2), Duration::from_millis(5));
    backoff.failures = failures;
    connect(&format!("ws://{address}/"))
        .direct()
        .reconnecting(backoff)
}

/// What happens, in a word each.
async fn story(mut client: Reconnecting) -> Vec<String> {
    let mut story = Vec::new();
    while let Some(news) = client.next().await {
        story.push(match news {
            ReconnectEvent::Connected(_) => "connected".to_owned(),
            ReconnectEvent::Message(message) => {
                client.send(Message::text("thanks")).await.unwrap();
                format!("{message:?}")
                    .chars()
                    .filter(char::is_ascii_digit)
                    .collect()
            }
            ReconnectEvent::Failed(_) => "failed".to_owned(),
            ReconnectEvent::Broke(_) => "broke".to_owned(),
            ReconnectEvent::Closed(_) => "closed".to_owned(),
            ReconnectEvent::Waiting(_) => {
                let error = client.send(Message::text("?")).await.unwrap_err();
                assert!(error.cause::<NotConnected>().is_some());
                "waiting".to_owned()
            }
            ReconnectEvent::GaveUp => "gave up".to_owned(),
            other => panic!("{other}"),
        });
    }
    story
}

#[tokio::test]
async fn it_goes_on_until_a_normal_close() {
    let does = [
        Does::Breaks,
        Does::Closes(1012),
        Does::Refuses(503),
        Does::Closes(1000),
    ];
    let client = client(server(&does).await, None);
    let wanted =
        "connected 1 broke waiting connected 2 closed waiting failed waiting connected 4 closed";
    assert_eq!(story(client).await.join(" "), wanted);
}

#[tokio::test]
async fn it_gives_up_where_that_is_no_use() {
    for (does, wanted) in [
        (Does::Refuses(403), "failed gave up"),
        (Does::Closes(1008), "connected 1 closed gave up"),
    ] {
        let client = client(server(&[does]).await, None);
        assert_eq!(story(client).await.join(" "), wanted);
    }
}

#[tokio::test]
async fn it_gives_up_after_so_many_failures() {
    let client = client(server(&[Does::Breaks]).await, Some(3));
    let wanted = "connected 1 broke waiting failed waiting failed gave up";
    assert_eq!(story(client).await.join(" "), wanted);
}
