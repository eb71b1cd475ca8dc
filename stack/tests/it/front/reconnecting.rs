//! The handle and the queue of a WebSocket that connects again.

use crate::support::listen;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use wirestack::dial::Backoff;
use wirestack::websocket::{Accept, CloseCode, WebSocketError};
use wirestack::{
    NotConnected, QueueFull, ReconnectEvent, ReconnectHandle, Reconnecting, ServerSocket,
    WebSocketServer, connect,
};

/// Starts a server that breaks the connection at the message `break`, and says what it hears: the
/// number of the connection and the message, or the code of the closing.
async fn server() -> (Reconnecting, UnboundedReceiver<String>) {
    let (listener, address) = listen().await;
    let (heard, hears) = unbounded_channel();
    tokio::spawn(async move {
        for n in 1.. {
            let (io, _) = listener.accept().await.unwrap();
            let heard = heard.clone();
            let each = move |mut socket: ServerSocket, _| {
                let heard = heard.clone();
                async move {
                    while let Some(Ok(message)) = socket.next().await {
                        let text = String::from_utf8_lossy(message.as_bytes()).into_owned();
                        let _ = heard.send(format!("{n} {text}"));
                        if text == "break" {
                            return;
                        }
                    }
                    if let Some(closed) = socket.closed() {
                        let _ = heard.send(format!("{n} closed {} {}", closed.code, closed.reason));
                    }
                }
            };
            let server = WebSocketServer::new(|_| Ok(Accept::new()));
            tokio::spawn(async move { server.serve_connection(io, each).await });
        }
    });
    let backoff = Backoff::default()
        .first(Duration::from_millis(2))
        .most(Duration::from_millis(5));
    let connect = connect(format!("ws://{address}")).direct();
    (connect.reconnecting(backoff), hears)
}

/// Reads until the end, and returns the events that tell of connections.
async fn read(mut feed: Reconnecting) -> String {
    let mut story = Vec::new();
    while let Some(event) = feed.next().await {
        story.push(word(&event));
    }
    story.join(" ")
}

fn word(event: &ReconnectEvent) -> &'static str {
    match event {
        ReconnectEvent::Connected(_) => "connected",
        ReconnectEvent::Message(_) => "message",
        ReconnectEvent::Broke(_) => "broke",
        ReconnectEvent::Closed(_) => "closed",
        ReconnectEvent::Waiting(_) => "waiting",
        other => panic!("{other}"),
    }
}

async fn until_connected(feed: &mut Reconnecting) {
    while word(&feed.next().await.unwrap()) != "connected" {}
}

#[tokio::test]
async fn other_tasks_send_and_close_by_the_handle() {
    let (mut feed, mut hears) = server().await;
    let handle = feed.handle();
    assert!(!handle.is_connected());
    until_connected(&mut feed).await;
    assert!(handle.is_connected());
    let reading = tokio::spawn(read(feed));
    let senders = ["a", "b", "c"].map(|name| {
        let handle = handle.clone();
        tokio::spawn(async move { handle.send(name).await })
    });
    let mut seen = Vec::new();
    for sender in senders {
        sender.await.unwrap().unwrap();
        seen.push(hears.recv().await.unwrap());
    }
    seen.sort();
    assert_eq!(seen, ["1 a", "1 b", "1 c"]);
    handle.send("last").await.unwrap();
    handle.close(4001, "enough").await.unwrap();
    assert_eq!(hears.recv().await.unwrap(), "1 last");
    assert_eq!(hears.recv().await.unwrap(), "1 closed 4001 enough");
    assert_eq!(reading.await.unwrap(), "closed");
    let error = handle.send("late").await.unwrap_err().to_string();
    assert_eq!(
        error,
        "reconnect: the WebSocket has ended and does not connect again"
    );
    handle.close(1000, "").await.unwrap(); // it is closed
}

#[tokio::test]
async fn without_a_queue_nothing_waits_for_a_connection() {
    let (mut feed, mut hears) = server().await;
    let handle = feed.handle();
    let refused = async |handle: &ReconnectHandle| {
        let error = handle.send("?").await.unwrap_err();
        assert!(error.cause::<NotConnected>().is_some(), "{error}");
    };
    refused(&handle).await;
    assert!(
        feed.send("?")
            .await
            .unwrap_err()
            .cause::<NotConnected>()
            .is_some()
    );
    until_connected(&mut feed).await;
    feed.send("break").await.unwrap();
    while word(&feed.next().await.unwrap()) != "broke" {}
    refused(&handle).await;
    until_connected(&mut feed).await;
    let reading = tokio::spawn(read(feed));
    handle.send("again").await.unwrap();
    assert_eq!(hears.recv().await.unwrap(), "1 break");
    assert_eq!(hears.recv().await.unwrap(), "2 again");
    reading.abort();
}

#[tokio::test]
async fn a_queue_keeps_messages_for_the_next_connection_in_their_order() {
    let (feed, mut hears) = server().await;
    let mut feed = feed.queue(2);
    let handle = feed.handle();
    handle.send("one").await.unwrap();
    feed.send("two").await.unwrap();
    assert!(
        feed.send("three")
            .await
            .unwrap_err()
            .cause::<QueueFull>()
            .is_some()
    );
    let waiting = tokio::spawn({
        let handle = handle.clone();
        async move { handle.send("three").await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    let reading = tokio::spawn(read(feed));
    waiting.await.unwrap().unwrap();
    for wanted in ["1 one", "1 two", "1 three"] {
        assert_eq!(hears.recv().await.unwrap(), wanted);
    }
    handle.send("break").await.unwrap();
    assert_eq!(hears.recv().await.unwrap(), "1 break");
    // The connection may be lost meanwhile: each is sent once, by the next one, or never.
    while handle.is_connected() {
        tokio::task::yield_now().await;
    }
    handle.send("four").await.unwrap();
    assert_eq!(hears.recv().await.unwrap(), "2 four");
    handle.close(CloseCode::NORMAL, "").await.unwrap();
    assert_eq!(
        reading.await.unwrap(),
        "connected broke waiting connected closed"
    );
}

#[tokio::test]
async fn a_message_does_not_overtake_those_that_waited_for_the_connection() {
    let (feed, mut hears) = server().await;
    let mut feed = feed.queue(10);
    feed.send("one").await.unwrap();
    feed.handle().send("two").await.unwrap();
    until_connected(&mut feed).await;
    feed.send("three").await.unwrap();
    for wanted in ["1 one", "1 two", "1 three"] {
        assert_eq!(hears.recv().await.unwrap(), wanted);
    }
}

#[tokio::test]
async fn messages_that_waited_leave_before_the_close() {
    let (feed, mut hears) = server().await;
    let mut feed = feed.queue(10);
    feed.send("one").await.unwrap();
    until_connected(&mut feed).await;
    feed.close(4001, "enough").await.unwrap();
    for wanted in ["1 one", "1 closed 4001 enough"] {
        assert_eq!(hears.recv().await.unwrap(), wanted);
    }
}

#[tokio::test]
async fn a_message_that_does_not_leave_is_an_error() {
    let (mut feed, mut hears) = server().await;
    let handle = feed.handle();
    until_connected(&mut feed).await;
    feed.send("break").await.unwrap();
    assert_eq!(hears.recv().await.unwrap(), "1 break");
    let reading = tokio::spawn(read(feed));
    // More than the buffers of both sides: it cannot leave before the connection is lost.
    let error = handle.send(vec![0; 64 << 20]).await.unwrap_err();
    assert!(error.cause::<NotConnected>().is_some(), "{error}");
    reading.abort();
}

#[tokio::test]
async fn a_message_that_leaves_while_another_task_closes_is_no_error() {
    let (mut feed, mut hears) = server().await;
    let handle = feed.handle();
    until_connected(&mut feed).await;
    let reading = tokio::spawn(read(feed));
    // More than the buffers of a socket: it is on its way when the closing begins.
    let long = vec![b'x'; 8 << 20];
    let sending = handle.send(long.clone());
    let (sent, closed) = futures_util::future::join(sending, handle.close(4001, "enough")).await;
    closed.unwrap();
    assert_eq!(hears.recv().await.unwrap().len(), "1 ".len() + long.len());
    assert_eq!(hears.recv().await.unwrap(), "1 closed 4001 enough");
    sent.unwrap();
    assert_eq!(reading.await.unwrap(), "closed");
}

#[tokio::test]
async fn the_handle_ends_what_is_not_connected() {
    // Nobody listens there any more.
    let (listener, address) = listen().await;
    drop(listener);
    let hour = Duration::from_secs(3600);
    let connect = connect(format!("ws://{address}")).direct();
    let mut feed = connect.reconnecting(Backoff::default().first(hour).most(hour));
    let handle = feed.handle();
    while !matches!(feed.next().await, Some(ReconnectEvent::Waiting(_))) {}
    let reading = tokio::spawn(async move { feed.next().await });
    let error = handle.close(1005, "").await.unwrap_err();
    let cause = error.cause::<WebSocketError>();
    assert!(
        matches!(cause, Some(WebSocketError::UnsendableCode(_))),
        "{error}"
    );
    handle.close(1000, "").await.unwrap();
    assert!(reading.await.unwrap().is_none());
}

#[tokio::test]
async fn a_handle_outlives_what_it_belongs_to() {
    let (mut feed, _hears) = server().await;
    let handle = feed.handle();
    until_connected(&mut feed).await;
    let sending = tokio::spawn({
        let handle = handle.clone();
        async move {
            handle.send("one").await?;
            handle.send("two").await
        }
    });
    tokio::task::yield_now().await;
    drop(feed);
    assert!(sending.await.unwrap().is_err());
    assert!(!handle.is_connected());
    handle.close(1000, "").await.unwrap();
}

#[tokio::test]
async fn who_closes_learns_of_accepted_messages_that_have_not_left() {
    for (accepted, closes) in [(0, false), (0, true), (2, false), (2, true)] {
        let (feed, _hears) = server().await;
        let feed = feed.queue(10);
        let handle = feed.handle();
        for _ in 0..accepted {
            handle.send("kept").await.unwrap();
        }
        let shown = |closed: Result<(), wirestack::Error>| closed.map_err(|e| e.to_string());
        let wanted = match accepted {
            0 => Ok(()),
            _ => Err(
                "reconnect: the WebSocket has ended, and 2 of the messages that it had accepted \
                 have not left"
                    .to_owned(),
            ),
        };
        if closes {
            assert_eq!(shown(feed.close(1000, "").await), wanted);
        } else {
            drop(feed);
        }
        assert_eq!(shown(handle.close(1000, "").await), wanted);
    }
}

#[tokio::test]
async fn a_handle_that_closes_learns_of_what_failed_in_the_reader() {
    let (mut feed, _hears) = server().await;
    until_connected(&mut feed).await;
    let handle = feed.handle();
    let failed = feed.close(1005, "").await.unwrap_err().to_string(); // no frame has this code
    assert!(failed.contains("1005"), "{failed}");
    let heard = handle.close(1000, "").await.unwrap_err().to_string();
    assert_eq!(heard, failed);
}

/// Talks by the handle while the caller reads.
#[cfg(all(feature = "smol", feature = "blocking"))]
async fn talk(handle: ReconnectHandle) -> Result<(), wirestack::Error> {
    handle.send("one").await?;
    handle
        .send(wirestack::websocket::Message::text("two"))
        .await?;
    handle.close(1000, "done").await
}

#[cfg(all(feature = "smol", feature = "blocking"))]
#[test]
fn a_handle_works_on_every_runtime() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let program = |feed: Reconnecting| async move {
        let feed = feed.queue(8); // talking begins, and ends, before the connection is open
        let handle = feed.handle();
        let (story, talked) = futures_util::future::join(read(feed), talk(handle)).await;
        talked.unwrap();
        assert_eq!(story, "connected closed");
    };
    for on in 0..2 {
        let (feed, mut hears) = tokio.block_on(server());
        match on {
            0 => smol::block_on(program(feed)),
            _ => wirestack::blocking::block_on(program(feed)),
        }
        for wanted in ["1 one", "1 two", "1 closed 1000 done"] {
            assert_eq!(tokio.block_on(hears.recv()).unwrap(), wanted);
        }
    }
}

#[cfg(feature = "blocking")]
#[test]
fn reconnecting_works_in_threads_with_calls_that_wait() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let (feed, mut hears) = tokio.block_on(server());
    let mut feed = feed.blocking();
    let mut handle = feed.handle();
    let mut story = Vec::new();
    let mut talking = None;
    while let Some(event) = feed.next().unwrap() {
        story.push(word(&event));
        if let ReconnectEvent::Connected(_) = event {
            if talking.is_none() {
                feed.send("break").unwrap();
                talking = Some(());
            } else {
                let mut handle = handle.clone();
                std::thread::spawn(move || {
                    handle.send("by a thread").unwrap();
                    handle.close(1000, "done").unwrap();
                });
            }
        }
    }
    assert_eq!(
        story,
        ["connected", "broke", "waiting", "connected", "closed"]
    );
    for wanted in ["1 break", "2 by a thread", "2 closed 1000 done"] {
        assert_eq!(tokio.block_on(hears.recv()).unwrap(), wanted);
    }
    assert!(handle.send("late").is_err());
    feed.set_timeout(Some(Duration::ZERO));
    assert!(feed.next().unwrap().is_none());
}
