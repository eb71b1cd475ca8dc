//! How is a chat server written? Rooms, a login, and a graceful end, in one file.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};
use wirestack::http::{Request, StatusCode};
use wirestack::runtime::Listener;
use wirestack::websocket::{Accept, Keepalive, Message, Offer, WebSocketConfig};
use wirestack::{Decision, ServerSocket, UserList, WebSocketServer, refusal};

const HELP: &str = "\
usage: chat [ADDRESS:PORT] [NAME:PASSWORD]...
  serves ws://NAME:PASSWORD@ADDRESS:PORT/ROOM, at 127.0.0.1:8080 if no address is given;
  the users are ada:secret and bob:hidden if none are given. It ends at ctrl-c.";

/// The user who has logged in.
#[derive(Clone)]
struct User(String);

/// The rooms by their path, while somebody is in them.
#[derive(Clone, Default)]
struct Rooms(Arc<Mutex<HashMap<String, broadcast::Sender<Message>>>>);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments
        .iter()
        .any(|word| word == "--help" || word == "-h")
    {
        println!("{HELP}");
        return Ok(());
    }
    if arguments.len() < 2 {
        arguments.resize(1, "127.0.0.1:8080".to_owned());
        arguments.extend(["ada:secret", "bob:hidden"].map(str::to_owned));
    }
    let logins = arguments[1..].iter().map(|login| login.split_once(':'));
    let users: UserList = logins.collect::<Option<_>>().ok_or(HELP)?;
    let mut config = WebSocketConfig::default();
    config.keepalive = Some(Keepalive {
        interval: Duration::from_secs(30),
        timeout: Duration::from_secs(10),
    });
    config.max_message = 16 * 1024;

    let rooms = Rooms::default();
    let listener = Listener::bind(arguments[0].as_str())?;
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
        _ => Err(refusal(
            StatusCode::UNAUTHORIZED,
            "log in by Basic authentication",
        )),
    }
}

async fn chat(rooms: Rooms, socket: ServerSocket, request: Request<()>) {
    let Some(User(name)) = request.extensions().get().cloned() else {
        return; // never: `log_in` has put it there
    };
    let (room, mut said) = rooms.enter(request.uri().path());
    let (mut writer, mut reader) = socket.split();
    let _ = room.send(Message::text(format!("{name} has come")));
    loop {
        tokio::select! {
            received = reader.next() => match received {
                Some(Ok(Message::Text(text))) => {
                    let _ = room.send(Message::text(format!("{name}: {text}")));
                }
                Some(Ok(_)) => {}
                _ => break, // it has left, or the server ends
            },
            message = said.recv() => match message {
                Ok(message) => {
                    if writer.send(message).await.is_err() {
                        break;
                    }
                }
                Err(RecvError::Lagged(_)) => {} // it is too slow, and misses some
                _ => break,
            },
        }
    }
    let _ = room.send(Message::text(format!("{name} has gone")));
    drop(said);
    rooms.leave(request.uri().path());
}

impl Rooms {
    fn enter(&self, path: &str) -> (broadcast::Sender<Message>, broadcast::Receiver<Message>) {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = rooms.entry(path.to_owned());
        let room = room.or_insert_with(|| broadcast::channel(64).0);
        (room.clone(), room.subscribe())
    }

    /// Removes the room if nobody is left in it.
    fn leave(&self, path: &str) {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms
            .get(path)
            .is_some_and(|room| room.receiver_count() == 0)
        {
            rooms.remove(path);
        }
    }
}
