//! Tunnels: what a message of wirestack's WebSocket costs above proxies that have done their part,
//! SOCKS5 and HTTP CONNECT in turn, as a dialer stacks them.

use crate::contestant::Kind;
use crate::contestants::{Messages, open_client, open_server};
use crate::echo::{Asker, Echoer};
use crate::loopback::{Job, connected, runtime};
use crate::payload::{bytes, payload};
use crate::row::Row;
use wirestack::Instant;
use wirestack::websocket::Message;
use wirestack::{BoxSocket, BoxTunnel, Connection, Engine, Nest, http1, socks};

/// Returns the rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let memory = |size| {
        let row = Row::new("tunnels", format!("{}, in memory", bytes(size)));
        COUNTS.into_iter().fold(row, |row, (name, tunnels)| {
            row.case(name, kind(tunnels), move |n| in_memory(tunnels, size, n))
        })
    };
    let row = Row::new("tunnels", "echo of 16 B, TCP");
    let tcp = COUNTS.into_iter().fold(row, |row, (name, tunnels)| {
        row.case(name, kind(tunnels), move |n| over_loopback(tunnels, n))
    });
    vec![memory(125), memory(16 * 1024), tcp]
}

/// Returns the rows of the plot.
pub(crate) fn growth() -> Vec<Row> {
    [0, 1, 2, 4, 6, 8]
        .map(|tunnels| {
            Row::new("growth-tunnels", tunnels.to_string())
                .case("125 B in memory", Kind::Ours, move |n| {
                    in_memory(tunnels, 125, n)
                })
                .case("echo of 16 B, TCP", Kind::Ours, move |n| {
                    over_loopback(tunnels, n)
                })
        })
        .into()
}

fn kind(tunnels: usize) -> Kind {
    if tunnels == 0 {
        Kind::Baseline
    } else {
        Kind::Ours
    }
}

/// Sends so many messages, without any socket.
fn in_memory(tunnels: usize, size: usize, messages: usize) {
    let mut pair = Pair::open(tunnels);
    let message = payload(size);
    for _ in 0..messages {
        pair.client
            .from_app()
            .push(Message::Binary(message.clone()));
        pair.turn();
        let received = pair.server.to_app().pop();
        assert!(matches!(received, Some(Message::Binary(m)) if m.len() == size));
    }
}

/// Echoes so many messages over loopback.
fn over_loopback(tunnels: usize, messages: usize) {
    let Pair { client, server, .. } = Pair::open(tunnels);
    runtime().block_on(async {
        let [opened, accepted] = connected().await;
        let server = Messages(Connection::from_transport(accepted, server).expect("tokio"));
        let server = tokio::spawn(Echoer.run(server));
        let client = Messages(Connection::from_transport(opened, client).expect("tokio"));
        let size = ECHO_SIZE;
        Asker { size, messages }.run(client).await;
        server.await.expect("a server that ended well");
    });
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

/// The numbers of tunnels in the table.
const COUNTS: [(&str, usize); 4] = [
    ("0 tunnels", 0),
    ("1 tunnel", 1),
    ("2 tunnels", 2),
    ("4 tunnels", 4),
];

/// The size of the messages over loopback, in bytes.
const ECHO_SIZE: usize = 16;
