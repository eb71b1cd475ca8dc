//! How is one message sent to many clients? Each line of the standard input goes to all of them.
//!
//!     broadcast [ADDRESS:PORT]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::sync::broadcast::{self, error::RecvError};
use wirestack::http::Request;
use wirestack::runtime::Listener;
use wirestack::websocket::{CloseCode, Message};
use wirestack::{ServerSocket, WebSocketServer};

const HELP: &str = "\
usage: broadcast [ADDRESS:PORT]
  sends each line of the standard input to all clients of ws://ADDRESS:PORT/, which is
  127.0.0.1:8080 if it is left out. The end of the input is the end of the server.";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1);
    let address = address.unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    if address.starts_with('-') {
        println!("{HELP}");
        return Ok(());
    }
    let (news, _) = broadcast::channel::<Message>(16);
    let listener = Listener::bind(address.as_str())?;
    println!("listening on {}", listener.local_addr()?);

    let (all, clients) = (news.clone(), Arc::new(AtomicUsize::new(0)));
    let count = clients.clone();
    let each = move |socket: ServerSocket, _: Request<()>| {
        let (news, count) = (all.subscribe(), count.clone());
        async move {
            count.fetch_add(1, Ordering::Relaxed);
            hear(socket, news).await;
            count.fetch_sub(1, Ordering::Relaxed);
        }
    };
    let input = async move {
        let mut lines = BufReader::new(stdin()).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let message = Message::text(line); // all clients share its bytes
            let _ = news.send(message);
            eprintln!("sent to {} clients", clients.load(Ordering::Relaxed));
        }
    };
    WebSocketServer::default()
        .serve(listener, each)
        .graceful_shutdown(input)
        .await?;
    Ok(())
}

/// Sends a client all news, until it leaves or the server ends.
async fn hear(socket: ServerSocket, mut news: broadcast::Receiver<Message>) {
    let (mut writer, mut reader) = socket.split();
    loop {
        tokio::select! {
            message = news.recv() => match message {
                Ok(message) => {
                    if writer.send(message).await.is_err() {
                        return;
                    }
                }
                Err(RecvError::Lagged(_)) => {
                    // A client that takes nothing must not make the others wait.
                    let _ = writer.close(CloseCode::POLICY_VIOLATION, "too slow").await;
                    return;
                }
                _ => return,
            },
            received = reader.next() => match received {
                Some(Ok(_)) => {} // it has nothing to say here
                _ => return,
            },
        }
    }
}
