//! Rows in memory, and the stacks of all rows.

use crate::counted::counted;
use bytes::Bytes;
use wirestack::websocket::{Client, ClientRequest, Message, Server, WebSocketConfig};
use wirestack::{BoxSocket, BoxTunnel, Engine, Instant, Nest, Seed, http1, socks};

/// Sends messages above so many finished tunnels.
pub(crate) fn in_tunnels(messages: usize, size: usize, tunnels: usize) {
    let mut pair = Pair::open(tunnels);
    let message = payload(size);
    let mut send = |messages| {
        for _ in 0..messages {
            let message = Message::Binary(message.clone());
            pair.client.from_app().push(message);
            pair.turn();
            let received = pair.server.to_app().pop();
            assert_eq!(received.expect("a message").len(), size);
        }
    };
    send(WARM);
    counted(&mut || send(messages));
}

/// Parses masked frames of 16 bytes.
pub(crate) fn parse(messages: usize) {
    let mut engine = Engine::new(server());
    let now = Instant::now();
    let frame = *b"\x82\x90\x01\x02\x03\x04abcdefghijklmnop";
    let mut receive = |messages| {
        for _ in 0..messages {
            engine.from_wire().write(&frame);
            engine.process(now);
            let received = engine.to_app().pop();
            assert_eq!(received.expect("a message").len(), 16);
        }
    };
    receive(WARM);
    counted(&mut || receive(messages));
}

/// Receives a message that arrives in pieces of 4 KiB, each of which counts. The pieces are copied
/// into the flow, or queued as chunks, as a layer below does.
pub(crate) fn in_pieces(pieces: usize, chunks: bool) {
    let size = pieces * PIECE;
    let mut engine = Engine::new(server());
    let now = Instant::now();
    let mut header = vec![0x82, 0xff];
    header.extend((size as u64).to_be_bytes());
    header.extend([1, 2, 3, 4]);
    let piece = vec![7; PIECE];
    counted(&mut || {
        engine.from_wire().write(&header);
        for _ in 0..pieces {
            engine.process(now);
            if chunks {
                engine.from_wire().push(Bytes::copy_from_slice(&piece));
            } else {
                engine.from_wire().write(&piece);
            }
        }
        engine.process(now);
        assert_eq!(engine.to_app().pop().expect("a message").len(), size);
    });
}

/// A client and a server whose tunnels and WebSocket are open.
pub(crate) struct Pair {
    pub(crate) client: Engine<BoxSocket>,
    pub(crate) server: Engine<BoxSocket>,
    now: Instant,
}

impl Pair {
    /// Opens both ends above so many tunnels, SOCKS5 and HTTP CONNECT in turn, as a dialer stacks
    /// them.
    pub(crate) fn open(tunnels: usize) -> Self {
        let (mut client, mut server) = (client().boxed(), server().boxed());
        for n in 0..tunnels {
            let [below_client, below_server] = tunnel(n);
            client = client.over(below_client).boxed();
            server = server.over(below_server).boxed();
        }
        let mut pair = Self {
            client: Engine::new(client),
            server: Engine::new(server),
            now: Instant::now(),
        };
        while !(pair.client.is_open() && pair.server.is_open()) {
            pair.turn();
            pair.accept(tunnels);
        }
        pair.turn();
        pair
    }

    /// Lets both ends do what they can, once.
    fn turn(&mut self) {
        self.client.process(self.now);
        self.client.to_wire().transfer_to(self.server.from_wire());
        self.server.process(self.now);
        self.server.to_wire().transfer_to(self.client.from_wire());
    }

    /// Accepts every request.
    fn accept(&mut self, tunnels: usize) {
        for n in 0..tunnels {
            if let Some(server) = self.server.nth_part_mut::<socks::Server>(n)
                && let Some(target) = server.request().map(|it| it.target().clone())
            {
                server.accept(target);
            }
            if let Some(server) = self.server.nth_part_mut::<http1::connect::Server>(n)
                && server.request().is_some()
            {
                server.accept(Default::default());
            }
        }
    }
}

/// Makes the `n`th tunnel: the client's end and the server's.
fn tunnel(n: usize) -> [BoxTunnel; 2] {
    if n.is_multiple_of(2) {
        let target = socks::Address::new(HOST, PORT).expect("an address");
        [
            socks::Client::new(target).boxed(),
            socks::Server::new().boxed(),
        ]
    } else {
        let client = http1::connect::Client::new(HOST, PORT).expect("a target");
        [client.boxed(), http1::connect::Server::new().boxed()]
    }
}

/// Makes a client that is open.
pub(crate) fn client() -> Client {
    Client::established(WebSocketConfig::default(), Seed::new([7; 32]))
}

/// Makes a client that asks for an upgrade.
pub(crate) fn client_that_asks(config: WebSocketConfig) -> Client {
    let request = ClientRequest::new("ws://localhost/").expect("a request");
    Client::new(request, config, Seed::new([7; 32])).expect("a client")
}

/// Makes a server that is open.
pub(crate) fn server() -> Server {
    Server::established(WebSocketConfig::default())
}

/// Makes a message that is not all the same byte.
pub(crate) fn payload(size: usize) -> Bytes {
    (0..size).map(|i| (i * 31 + (i >> 8)) as u8).collect()
}

/// Makes records as programs exchange them: text that can be compressed well, but not too well.
pub(crate) fn records(size: usize) -> Bytes {
    let mut random = 7_u64;
    let mut number = move |below: u64| {
        random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (random >> 33) % below
    };
    let mut text = String::with_capacity(size + 128);
    while text.len() < size {
        let (symbol, price, part) = (number(900), number(99_999), number(10_000));
        let (side, time) = (if number(2) == 0 { "buy" } else { "sell" }, number(1 << 31));
        text += &format!(
            "{{\"symbol\":\"S{symbol}USDT\",\"price\":\"{price}.{part:04}\",\"side\":\"{side}\",\
             \"time\":17{time:011}}},"
        );
    }
    text.truncate(size);
    text.into()
}

const HOST: &str = "example.org";
const PORT: u16 = 80;
const PIECE: usize = 4096;

/// The messages before those that count.
const WARM: usize = 60;
