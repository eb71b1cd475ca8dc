//! Rows of WebSockets over HTTP/2 (RFC 8441): both ends in one thread, on streams of one connection.

use crate::counted::counted;
use crate::end::{answer, ask, drink, pour};
use crate::memory::{client, payload, server};
use crate::sockets::{Way, connected, runtime};
use wirestack::http::Request;
use wirestack::http2::{ConnectRequest, Connection as Layer, Http2Config};
use wirestack::websocket::{Client, Server};
use wirestack::{Connection, Engine, Http2, Http2Stream};

/// Echoes messages on one stream.
pub(crate) fn echo(messages: usize, size: usize, driver: Driver) {
    let runtime = runtime();
    let _entered = runtime.enter();
    let ends = runtime.block_on(Ends::open(driver));
    let (mut client, server) = runtime.block_on(ends.websocket());
    let message = payload(size);
    runtime.spawn(answer(server));
    runtime.block_on(ask(&mut client, &message, WARM));
    counted(&mut || runtime.block_on(ask(&mut client, &message, messages)));
}

/// Sends messages one way on one stream, to the server or to the client.
pub(crate) fn stream(messages: usize, size: usize, way: Way, driver: Driver) {
    let runtime = runtime();
    let _entered = runtime.enter();
    let ends = runtime.block_on(Ends::open(driver));
    let (mut client, mut server) = runtime.block_on(ends.websocket());
    let message = payload(size);
    let sent = message.clone();
    runtime.spawn(async move {
        for times in [WARM, messages] {
            match way {
                Way::Up => drink(&mut server, size, times).await,
                Way::Down => pour(&mut server, &sent, times).await,
            }
        }
    });
    let mut round = |times| {
        runtime.block_on(async {
            match way {
                Way::Up => pour(&mut client, &message, times).await,
                Way::Down => drink(&mut client, size, times).await,
            }
        });
    };
    round(WARM);
    counted(&mut || round(messages));
}

/// Echoes a message on each of so many streams in turn; no task drives the connection.
pub(crate) fn in_turn(messages: usize, size: usize, streams: usize) {
    let runtime = runtime();
    let _entered = runtime.enter();
    let ends = runtime.block_on(Ends::open(Driver::None));
    let mut clients = Vec::with_capacity(streams);
    for _ in 0..streams {
        let (client, server) = runtime.block_on(ends.websocket());
        runtime.spawn(answer(server));
        clients.push(client);
    }
    let message = payload(size);
    let mut round = |messages| {
        runtime.block_on(async {
            for n in 0..messages {
                ask(&mut clients[n % streams], &message, 1).await;
            }
        });
    };
    round(WARM.max(streams));
    counted(&mut || round(messages));
}

/// Opens streams, and keeps them open.
pub(crate) fn open_streams(streams: usize) {
    let runtime = runtime();
    let _entered = runtime.enter();
    let ends = runtime.block_on(Ends::open(Driver::Task));
    let mut open = Vec::with_capacity(WARM + streams);
    let mut round = |streams| {
        runtime.block_on(async {
            for _ in 0..streams {
                open.push(ends.stream().await);
            }
        });
    };
    round(WARM);
    counted(&mut || round(streams));
}

/// Who drives a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    /// A task at each end.
    Task,
    /// The calls that wait.
    None,
}

/// Both ends of a connection.
struct Ends {
    client: Http2,
    server: Http2,
}

impl Ends {
    async fn open(driver: Driver) -> Self {
        let [opened, accepted] = connected().await;
        let settings = Http2Config::default().streams(MOST_STREAMS);
        let layer = Layer::client(settings);
        let client = Connection::from_transport(opened, Engine::new(layer)).expect("tokio");
        let settings = Http2Config::server().streams(MOST_STREAMS);
        let layer = Layer::server(settings);
        let server = Connection::from_transport(accepted, Engine::new(layer)).expect("tokio");
        let ends = Self {
            client: Http2::new(client),
            server: Http2::new(server),
        };
        if driver == Driver::Task {
            ends.client.spawn();
            ends.server.spawn();
        }
        ends
    }

    /// Opens a stream: the client's end and the server's.
    async fn stream(&self) -> (Http2Stream, Http2Stream) {
        let mut head = Request::new(());
        *head.uri_mut() = "http://example.org/".parse().expect("a URI");
        let request = ConnectRequest::extended("websocket", head).expect("a request");
        let accepted = async {
            let request = self.server.accept().await.expect("no end");
            let accepted = request.expect("a request").accept(Default::default());
            accepted.expect("a tunnel")
        };
        let (asked, accepted) =
            futures_util::future::join(self.client.open(request), accepted).await;
        (asked.expect("a stream").1, accepted)
    }

    /// Opens a stream with a WebSocket at each end.
    async fn websocket(&self) -> (Connection<Client>, Connection<Server>) {
        let (asked, accepted) = self.stream().await;
        let client = Connection::from_transport(asked, Engine::new(client()));
        let server = Connection::from_transport(accepted, Engine::new(server()));
        (client.expect("tokio"), server.expect("tokio"))
    }
}

/// The messages and streams before those that count.
const WARM: usize = 60;

/// The number of streams on a connection, at most.
const MOST_STREAMS: u32 = 2000;
