//! A WebSocket that is connected again when it is lost.

use crate::support::{TIMEOUT, listen};
use std::net::SocketAddr;
use std::time::Duration;
use wirestack::dial::Backoff;
use wirestack::websocket::{Accept, CloseCode, Message};
use wirestack::{
    NotConnected, ReconnectEvent, Reconnecting, ServerSocket, WebSocketServer, connect,
};

/// The behaviour of a server with one client.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Behaviour {
    /// It sends its number and breaks the connection.
    Breaks,
    Closes(u16),
    Refuses(u16),
}

/// Serves one client for each behaviour, and then refuses connections.
async fn server(behaviours: &[Behaviour]) -> SocketAddr {
    let behaviours = behaviours.to_vec();
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        for (n, behaviour) in (1..).zip(behaviours) {
            let (io, _) = listener.accept().await.unwrap();
            let server = WebSocketServer::new(move |_| match behaviour {
                Behaviour::Refuses(status) => {
                    let response = http::Response::builder().status(status);
                    Err(Box::new(response.body("no".into()).unwrap()))
                }
                _ => Ok(Accept::new()),
            });
            let each = move |socket| talk(socket, behaviour, n);
            let _ = server.serve(io, each).await;
        }
    });
    address
}

async fn talk(mut socket: ServerSocket, behaviour: Behaviour, n: u32) {
    socket.send(Message::text(n.to_string())).await.unwrap();
    let heard = socket.next().await.unwrap().unwrap();
    assert_eq!(heard, Message::text("thanks"));
    if let Behaviour::Closes(code) = behaviour {
        let _ = socket.close(CloseCode::new(code), "").await;
        let _ = socket.finish(TIMEOUT).await;
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

/// Returns the events, in a word each.
async fn story(mut client: Reconnecting) -> Vec<String> {
    let mut story = Vec::new();
    while let Some(event) = client.next().await {
        story.push(match event {
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
async fn reconnecting_goes_on_until_a_normal_close() {
    let behaviours = [
        Behaviour::Breaks,
        Behaviour::Closes(1012),
        Behaviour::Refuses(503),
        Behaviour::Closes(1000),
    ];
    let client = client(server(&behaviours).await, None);
    let wanted =
        "connected 1 broke waiting connected 2 closed waiting failed waiting connected 4 closed";
    assert_eq!(story(client).await.join(" "), wanted);
}

#[tokio::test]
async fn reconnecting_gives_up_after_a_final_refusal_or_close() {
    for (behaviour, wanted) in [
        (Behaviour::Refuses(403), "failed gave up"),
        (Behaviour::Closes(1008), "connected 1 closed gave up"),
    ] {
        let client = client(server(&[behaviour]).await, None);
        assert_eq!(story(client).await.join(" "), wanted);
    }
}

#[tokio::test]
async fn reconnecting_gives_up_after_the_allowed_failures() {
    let client = client(server(&[Behaviour::Breaks]).await, Some(3));
    let wanted = "connected 1 broke waiting failed waiting failed gave up";
    assert_eq!(story(client).await.join(" "), wanted);
}
