//! WebSockets over the streams of one HTTP/2 connection: wirestack's, sockudo-ws, and the library
//! `h2` alone.

use crate::contestant::Conn;
use crate::contestants::{Messages, open_client, open_server};
use crate::loopback::connected;
use crate::payload::payload;
use bytes::Bytes;
use futures_util::future::poll_fn;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request};
use sockudo_ws::http2::Http2Stream as SockudoStream;
use tokio::net::TcpStream;
use wirestack::http2::{ConnectRequest, Connection as Http2Layer, Http2Config};
use wirestack::{Connection, Engine, Http2, Http2Stream};

/// Streams with both ends, and what keeps their connection.
pub(crate) struct Pairs<C, S> {
    /// The client's end and the server's, of each stream.
    pub(crate) ends: Vec<(C, S)>,
    /// The client's end of the connection. Dropped, it ends the connection.
    pub(crate) client: Option<Http2>,
    server: Option<Http2>,
}

impl Pairs<Messages<WebSocket<Client>>, Messages<WebSocket<Server>>> {
    /// Opens one stream more.
    pub(crate) async fn open(&self) -> (Messages<WebSocket<Client>>, Messages<WebSocket<Server>>) {
        let (client, server) = (&self.client, &self.server);
        let client = client.as_ref().expect("a connection of wirestack's");
        let server = server.as_ref().expect("a connection of wirestack's");
        let (asked, accepted) = tokio::join!(asked(client), accepted(server));
        let over_client = Connection::from_transport(asked, Engine::new(open_client()));
        let over_server = Connection::from_transport(accepted, Engine::new(open_server()));
        (
            Messages(over_client.expect("tokio")),
            Messages(over_server.expect("tokio")),
        )
    }
}

/// Opens so many streams of wirestack's; tasks drive the connection, or those who wait for it do.
pub(crate) async fn wirestack(
    streams: usize,
    driven: bool,
) -> Pairs<Messages<WebSocket<Client>>, Messages<WebSocket<Server>>> {
    let [client, server] = connections(no_delay(connected().await));
    if driven {
        client.spawn();
        server.spawn();
    }
    let ends = Vec::with_capacity(streams);
    let (client, server) = (Some(client), Some(server));
    let mut pairs = Pairs {
        ends,
        client,
        server,
    };
    for _ in 0..streams {
        let pair = pairs.open().await;
        pairs.ends.push(pair);
    }
    pairs
}

/// Opens so many WebSockets of sockudo-ws.
pub(crate) async fn sockudo(streams: usize) -> Pairs<impl Conn, impl Conn> {
    let client = |send, receive| {
        let stream = SockudoStream::new(send, receive);
        Messages(sockudo_ws::WebSocketStream::client(
            stream,
            Default::default(),
        ))
    };
    let server = |send, receive| {
        let stream = SockudoStream::new(send, receive);
        Messages(sockudo_ws::WebSocketStream::server(
            stream,
            Default::default(),
        ))
    };
    over_h2(streams, client, server).await
}

/// Opens so many streams of `h2`, for messages of one length.
pub(crate) async fn raw(streams: usize, size: usize) -> Pairs<impl Conn, impl Conn> {
    let end = move |send, receive| RawHttp2 {
        send,
        receive,
        size,
        received: 0,
        answer: payload(size),
    };
    over_h2(streams, end, end).await
}

async fn over_h2<C, S>(
    streams: usize,
    client_end: impl Fn(SendStream<Bytes>, RecvStream) -> C,
    server_end: impl Fn(SendStream<Bytes>, RecvStream) -> S,
) -> Pairs<C, S> {
    let [opened, accepted] = no_delay(connected().await);
    let server = h2::server::Builder::new()
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .enable_connect_protocol()
        .handshake(accepted);
    let client = h2::client::Builder::new()
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .handshake::<_, Bytes>(opened);
    let (server, client) = tokio::join!(server, client);
    let mut server = server.expect("an HTTP/2 server");
    let (mut client, connection) = client.expect("an HTTP/2 client");
    tokio::spawn(connection);
    let (accepting, mut requests) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        while let Some(Ok((request, mut respond))) = server.accept().await {
            let send = respond.send_response(http::Response::new(()), false);
            let stream = (send.expect("a stream"), request.into_body());
            if accepting.send(stream).await.is_err() {
                // Nobody wants a stream more: only those that are open go on.
                while server.accept().await.is_some() {}
            }
        }
    });
    while !client.is_extended_connect_protocol_enabled() {
        tokio::task::yield_now().await;
    }
    let mut ends = Vec::with_capacity(streams);
    for _ in 0..streams {
        let mut request = request();
        *request.method_mut() = http::Method::CONNECT;
        let protocol = h2::ext::Protocol::from_static("websocket");
        request.extensions_mut().insert(protocol);
        let (response, send) = client.send_request(request, false).expect("a request");
        let response = response.await.expect("a response");
        let (server_send, server_receive) = requests.recv().await.expect("a request");
        ends.push((
            client_end(send, response.into_body()),
            server_end(server_send, server_receive),
        ));
    }
    let (client, server) = (None, None);
    Pairs {
        ends,
        client,
        server,
    }
}

fn connections(ends: [TcpStream; 2]) -> [Http2; 2] {
    let [opened, accepted] = ends;
    let over = |io, layer| {
        let connection = Connection::from_transport(io, Engine::new(layer));
        Http2::new(connection.expect("tokio"))
    };
    let mut settings = Http2Config::server();
    settings.streams = MOST_STREAMS;
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

fn request() -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = "http://example.org/".parse().expect("a URI");
    request
}

fn no_delay(ends: [TcpStream; 2]) -> [TcpStream; 2] {
    for end in &ends {
        end.set_nodelay(true).expect("no delay");
    }
    ends
}

/// A stream of `h2` that carries messages of one length.
struct RawHttp2 {
    send: SendStream<Bytes>,
    receive: RecvStream,
    size: usize,
    received: usize,
    answer: Bytes,
}

impl RawHttp2 {
    async fn fill(&mut self) -> bool {
        while self.received < self.size {
            let Some(Ok(data)) = self.receive.data().await else {
                return false;
            };
            let _ = self.receive.flow_control().release_capacity(data.len());
            self.received += data.len();
        }
        self.received -= self.size;
        true
    }
}

impl Conn for RawHttp2 {
    async fn feed(&mut self, mut message: Bytes) {
        while !message.is_empty() {
            self.send.reserve_capacity(message.len());
            let capacity = match self.send.capacity() {
                0 => poll_fn(|cx| self.send.poll_capacity(cx))
                    .await
                    .expect("open")
                    .expect("open"),
                capacity => capacity,
            };
            let part = message.split_to(capacity.min(message.len()));
            self.send.send_data(part, false).expect("sent");
        }
    }

    async fn flush(&mut self) {}

    async fn receive(&mut self) -> usize {
        assert!(self.fill().await, "a message");
        self.size
    }

    async fn echo(&mut self) -> bool {
        if !self.fill().await {
            return false;
        }
        self.feed(self.answer.clone()).await;
        true
    }
}

type WebSocket<L> = Connection<L>;
type Client = wirestack::websocket::Client;
type Server = wirestack::websocket::Server;

/// The number of streams on a connection, at most.
const MOST_STREAMS: u32 = 2000;

/// The windows of `h2`, in bytes.
const WINDOW: u32 = 4 << 20;
