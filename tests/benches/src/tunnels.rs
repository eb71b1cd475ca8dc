//! Tunnels: what a message of wirestack's WebSocket costs above proxies that have done their part,
//! SOCKS5 and HTTP CONNECT in turn, as a dialer stacks them.

use crate::contestants::{Messages, open_client, open_server};
use crate::echo::{Asker, Echoer};
use crate::loopback::{Job, connected, runtime};
use crate::measure::{Meter, payload};
use wirestack::Instant;
use wirestack::websocket::Message;
use wirestack::{BoxSocket, BoxTunnel, Connection, Engine, Nest, http1, socks};

/// How many tunnels there are.
pub(crate) const COUNTS: [usize; 4] = [0, 1, 2, 4];

/// The sizes of the messages in memory, in bytes.
pub(crate) const SIZES: [usize; 2] = [125, 16 * 1024];

/// The size of the messages over loopback, in bytes.
pub(crate) const ECHO_SIZE: usize = 16;

/// Returns the CPU microseconds that a message costs both ends together, without any socket.
pub(crate) fn in_memory(tunnels: usize, size: usize) -> f64 {
    let mut pair = Pair::open(tunnels);
    let message = payload(size);
    let mut send = |messages| {
        for _ in 0..messages {
            pair.client
                .from_app()
                .push(Message::Binary(message.clone()));
            pair.turn();
            let received = pair.server.to_app().pop();
            assert!(matches!(received, Some(Message::Binary(m)) if m.len() == size));
        }
    };
    let messages = (BYTES / size).min(MOST);
    send(messages / 10);
    let meter = Meter::start();
    send(messages);
    meter.per_message(messages)
}

/// Returns the CPU microseconds that a message and its echo cost both ends together, over loopback.
pub(crate) fn over_loopback(tunnels: usize) -> f64 {
    let Pair { client, server, .. } = Pair::open(tunnels);
    runtime().block_on(async {
        let [opened, accepted] = connected().await;
        let server = Messages(Connection::from_transport(accepted, server).expect("tokio"));
        let server = tokio::spawn(Echoer.run(server));
        let client = Messages(Connection::from_transport(opened, client).expect("tokio"));
        let out = Asker(ECHO_SIZE).run(client).await;
        server.await.expect("a server that ended well");
        out
    })
}

/// A client and a server whose tunnels and WebSocket are open.
struct Pair {
    client: Engine<BoxSocket>,
    server: Engine<BoxSocket>,
    now: Instant,
}

impl Pair {
    fn open(tunnels: usize) -> Self {
        let (mut client, mut server) = (open_client().boxed(), open_server().boxed());
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

const HOST: &str = "example.org";
const PORT: u16 = 80;

/// The most that one measurement in memory sends, in bytes and in messages.
const BYTES: usize = 64 << 20;
const MOST: usize = 100_000;
