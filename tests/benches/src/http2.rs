//! WebSockets over one HTTP/2 connection (RFC 8441): wirestack with and without a task that drives
//! the connection, and sockudo-ws over `h2`.

use crate::contestant::Conn;
use crate::contestants::{Messages, open_client, open_server};
use crate::echo::{self, Echoer};
use crate::loopback::{Job, connected, runtime};
use crate::measure::{Meter, payload};
use crate::memory::resident;
use http::{HeaderMap, Request};
use sockudo_ws::http2::Http2Stream as SockudoStream;
use tokio::net::TcpStream;
use wirestack::http2::{ConnectRequest, Connection as Http2Layer, Http2Config};
use wirestack::{Connection, Engine, Http2, Http2Stream};

/// A library with its way to drive the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contestant {
    /// wirestack; a task drives each end.
    Driven,
    /// wirestack; the tasks that wait drive the connection.
    Undriven,
    /// sockudo-ws over `h2`, whose connections are driven by tasks.
    Sockudo,
}

impl Contestant {
    /// All of them. The first is the one that the others are compared with.
    pub(crate) const ALL: [Self; 3] = [Self::Sockudo, Self::Driven, Self::Undriven];

    /// Returns the name in the tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Driven => "wirestack",
            Self::Undriven => "wirestack-undriven",
            Self::Sockudo => "sockudo-ws",
        }
    }
}

/// The work of a measurement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// One message there and back again.
    Echo,
    /// Messages to the server.
    Up,
    /// Messages to the client.
    Down,
}

impl Work {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Echo, Self::Up, Self::Down];

    /// Returns the name in the tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// Returns the CPU microseconds that a message costs both ends together.
pub(crate) fn run(contestant: Contestant, work: Work, size: usize) -> f64 {
    match work {
        Work::Echo => both_ends(contestant, echo::Asker(size), Echoer),
        _ => fixed(contestant, work, size, (BYTES / size).clamp(80, 60_000)),
    }
}

/// Does a fixed number of messages, to be counted by another program:
/// `http2-count NAME echo|up|down SIZE MESSAGES`.
pub(crate) fn counted(arguments: &[&str]) -> Option<()> {
    let ["http2-count", name, work, size, messages] = arguments else {
        return None;
    };
    let contestant = Contestant::ALL.into_iter().find(|c| c.name() == *name)?;
    let work = Work::ALL.into_iter().find(|w| w.name() == *work)?;
    let (size, messages) = (size.parse().ok()?, messages.parse().ok()?);
    let time = fixed(contestant, work, size, messages);
    println!("{time:.3} µs");
    Some(())
}

fn fixed(contestant: Contestant, work: Work, size: usize, messages: usize) -> f64 {
    let end = |sends| End {
        size,
        messages,
        sends,
    };
    match work {
        Work::Echo => both_ends(contestant, Asker { size, messages }, Echoer),
        Work::Up => both_ends(contestant, end(true), end(false)),
        Work::Down => both_ends(contestant, end(false), end(true)),
    }
}

/// Returns the bytes that an idle WebSocket on a connection costs both ends together.
pub(crate) fn idle_streams(streams: usize) -> f64 {
    runtime().block_on(async {
        let [client, server] = connections(connected().await);
        let mut held = Vec::new();
        let mut open = async |streams| {
            for _ in 0..streams {
                let (asked, accepted) = tokio::join!(asked(&client), accepted(&server));
                let mut ends = (websocket(asked), websocket_server(accepted));
                ends.0.send(payload(125)).await;
                ends.1.receive().await;
                ends.1.send(payload(125)).await;
                ends.0.receive().await;
                held.push(ends);
            }
        };
        client.spawn();
        server.spawn();
        open(WARM_UP).await;
        let before = resident();
        open(streams).await;
        resident().saturating_sub(before) as f64 / streams as f64
    })
}

fn both_ends<C: Job, S: Job>(contestant: Contestant, c: C, s: S) -> C::Out {
    runtime().block_on(async {
        let ends = connected().await;
        for end in &ends {
            end.set_nodelay(true).expect("no delay");
        }
        if contestant == Contestant::Sockudo {
            return sockudo(ends, c, s).await;
        }
        let [client, server] = connections(ends);
        if contestant == Contestant::Driven {
            client.spawn();
            server.spawn();
        }
        let serving = tokio::spawn(async move {
            let stream = accepted(&server).await;
            s.run(websocket_server(stream)).await
        });
        let out = c.run(websocket(asked(&client).await)).await;
        drop(client);
        serving.await.expect("a server that ended well");
        out
    })
}

fn connections(ends: [TcpStream; 2]) -> [Http2; 2] {
    let [opened, accepted] = ends;
    let over = |io, layer| {
        let connection = Connection::from_transport(io, Engine::new(layer));
        Http2::new(connection.expect("tokio"))
    };
    let mut settings = Http2Config::server();
    settings.streams = (MOST_STREAMS + WARM_UP) as u32;
    let server = over(accepted, Http2Layer::server(settings.clone()));
    settings.idle_timeout = None;
    settings.stream_window = Http2Config::default().stream_window;
    settings.connection_window = Http2Config::default().connection_window;
    [over(opened, Http2Layer::client(settings)), server]
}

async fn asked(client: &Http2) -> Http2Stream {
    let request = ConnectRequest::extended("websocket", request()).expect("a request");
    client.open(request).await.expect("a stream").1
}

async fn accepted(server: &Http2) -> Http2Stream {
    let incoming = server.accept().await.expect("no end").expect("a request");
    incoming.accept(HeaderMap::new()).expect("a tunnel")
}

fn websocket(stream: Http2Stream) -> impl Conn {
    Messages(Connection::from_transport(stream, Engine::new(open_client())).expect("tokio"))
}

fn websocket_server(stream: Http2Stream) -> impl Conn {
    Messages(Connection::from_transport(stream, Engine::new(open_server())).expect("tokio"))
}

fn request() -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = "http://example.org/".parse().expect("a URI");
    request
}

async fn sockudo<C: Job, S: Job>(ends: [TcpStream; 2], c: C, s: S) -> C::Out {
    let [opened, accepted] = ends;
    let serving = tokio::spawn(async move {
        let mut server = h2::server::Builder::new()
            .initial_window_size(SOCKUDO_WINDOW)
            .initial_connection_window_size(SOCKUDO_WINDOW)
            .enable_connect_protocol()
            .handshake(accepted)
            .await
            .expect("an HTTP/2 server");
        let (request, mut respond) = server.accept().await.expect("no end").expect("a request");
        let send = respond
            .send_response(http::Response::new(()), false)
            .expect("a stream");
        tokio::spawn(async move { while server.accept().await.is_some() {} });
        let stream = SockudoStream::new(send, request.into_body());
        let websocket = sockudo_ws::WebSocketStream::server(stream, Default::default());
        s.run(Messages(websocket)).await
    });
    let (mut client, connection) = h2::client::Builder::new()
        .initial_window_size(SOCKUDO_WINDOW)
        .initial_connection_window_size(SOCKUDO_WINDOW)
        .handshake::<_, bytes::Bytes>(opened)
        .await
        .expect("an HTTP/2 client");
    tokio::spawn(connection);
    while !client.is_extended_connect_protocol_enabled() {
        tokio::task::yield_now().await;
    }
    let mut request = request();
    *request.method_mut() = http::Method::CONNECT;
    let protocol = h2::ext::Protocol::from_static("websocket");
    request.extensions_mut().insert(protocol);
    let (response, send) = client.send_request(request, false).expect("a request");
    let stream = SockudoStream::new(send, response.await.expect("a response").into_body());
    let websocket = sockudo_ws::WebSocketStream::client(stream, Default::default());
    let out = c.run(Messages(websocket)).await;
    serving.await.expect("a server that ended well");
    out
}

/// The end of an echo that sends first, for a fixed number of messages.
struct Asker {
    size: usize,
    messages: usize,
}

impl Job for Asker {
    type Out = f64;
    async fn run(self, mut conn: impl Conn) -> f64 {
        let message = payload(self.size);
        let meter = Meter::start();
        for _ in 0..self.messages {
            conn.send(message.clone()).await;
            assert_eq!(conn.receive().await, message.len());
        }
        meter.per_message(self.messages)
    }
}

/// An end of a stream of a fixed number of messages, which are answered once.
struct End {
    size: usize,
    messages: usize,
    sends: bool,
}

impl Job for End {
    type Out = f64;
    async fn run(self, mut conn: impl Conn) -> f64 {
        let message = payload(self.size);
        let meter = Meter::start();
        if self.sends {
            for _ in 0..self.messages {
                conn.feed(message.clone()).await;
            }
            conn.flush().await;
            conn.receive().await;
        } else {
            for _ in 0..self.messages {
                conn.receive().await;
            }
            conn.send(message.clone()).await;
        }
        let time = meter.per_message(self.messages);
        if !self.sends {
            conn.echo().await; // a reset could overtake the answer
        }
        time
    }
}

/// The sizes of the messages, in bytes.
pub(crate) const SIZES: [usize; 2] = [125, 16 * 1024];

/// The bytes that one measurement sends, unless that makes too few messages or too many.
const BYTES: usize = 64 << 20;

/// The number of streams on a connection, at most.
pub(crate) const MOST_STREAMS: usize = 2000;

/// The windows of sockudo-ws, in bytes.
const SOCKUDO_WINDOW: u32 = 4 << 20;

/// The number of streams that do not count.
const WARM_UP: usize = 50;
