//! How is a chat server written? Rooms, a login, and a graceful end, in one file.
//!
//!     chat [ADDRESS:PORT] [NAME:PASSWORD]...

use clap::Parser;
use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::{self, Receiver, Sender, error::RecvError};
use wirestack::http::{Request, StatusCode};
use wirestack::runtime::Listener;
use wirestack::websocket::{Accept, Keepalive, Message, Offer, WebSocketConfig};
use wirestack::{Decision, ServerSocket, UserList, WebSocketServer, refusal};

/// Serves ws://NAME:PASSWORD@ADDRESS:PORT/ROOM until ctrl-c.
#[derive(Parser)]
struct Arguments {
    #[arg(default_value = "127.0.0.1:8080")]
    address: String,
    /// The users, as NAME:PASSWORD
    #[arg(default_values = ["ada:secret", "bob:hidden"])]
    users: Vec<String>,
}

/// The user who has logged in.
#[derive(Clone)]
struct User(String);

/// The rooms by their path.
type Rooms = Arc<Mutex<HashMap<String, Sender<Message>>>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let logins = arguments.users.iter().map(|login| login.split_once(':'));
    let users: UserList = logins.collect::<Option<_>>().ok_or("not NAME:PASSWORD")?;
    let keepalive = Keepalive::new(Duration::from_secs(30), Duration::from_secs(10));
    let config = WebSocketConfig::default()
        .keepalive(keepalive)
        .max_message(16 * 1024);

    let rooms = Rooms::default();
    let listener = Listener::bind(arguments.address)?;
    println!("listening on {}", listener.local_addr()?);
    WebSocketServer::new(move |offer| log_in(&users, offer))
        .config(config)
        .on_error(|peer, error| eprintln!("{peer:?}: {error}"))
        .serve(listener, move |socket, request| {
            chat(rooms.clone(), socket, request)
        })
        .graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) }) // 1001 to all
        .await?;
    Ok(())
}

fn log_in(users: &UserList, offer: &Offer<'_>) -> Decision {
    match offer.basic() {
        Some((name, password)) if users.contains(&name, &password) => {
            Ok(Accept::new().extension(User(name)))
        }
        _ => Err(refusal(StatusCode::UNAUTHORIZED, "log in by Basic")),
    }
}

async fn chat(rooms: Rooms, socket: ServerSocket, request: Request<()>) {
    let Some(User(name)) = request.extensions().get().cloned() else {
        return; // never: `log_in` has put it there
    };
    let (room, mut said) = enter(&rooms, request.uri().path());
    let (mut writer, mut reader) = socket.split();
    let say = |text: String| drop(room.send(Message::text(text)));
    say(format!("{name} has come"));
    loop {
        tokio::select! {
            received = reader.next() => match received {
                Some(Ok(Message::Text(text))) => say(format!("{name}: {text}")),
                Some(Ok(_)) => {}
                _ => break, // it has left, or the server ends
            },
            message = said.recv() => match message {
                Ok(message) => if writer.send(message).await.is_err() { break },
                Err(RecvError::Lagged(_)) => {} // it is too slow, and misses some
                Err(RecvError::Closed) => break,
            },
        }
    }
    say(format!("{name} has gone"));
}

/// Returns both ends of a room. A room in which nobody is left is removed here.
fn enter(rooms: &Rooms, path: &str) -> (Sender<Message>, Receiver<Message>) {
    let mut rooms = rooms.lock().unwrap_or_else(PoisonError::into_inner);
    rooms.retain(|_, room| room.receiver_count() > 0);
    let room = rooms.entry(path.to_owned());
    let room = room.or_insert_with(|| broadcast::channel(64).0);
    (room.clone(), room.subscribe())
}
