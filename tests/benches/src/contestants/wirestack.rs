//! wirestack's own WebSocket, on wirestack's TLS where there is TLS.

use super::peers::{Message, Messages};
use crate::contestant::{Conn, Kind, Peer};
use crate::tls as settings;
use crate::tls::Io;
use bytes::Bytes;
use tokio::net::TcpStream;
use wirestack::runtime::TokioTransport;
use wirestack::websocket::{self, Client, Server, WebSocketConfig};
use wirestack::{Connection, Engine, Layer, Nest, Seed, tls};

/// wirestack.
pub(crate) struct Wirestack;

impl Peer for Wirestack {
    const NAME: &'static str = "wirestack";
    const KIND: Kind = Kind::Ours;
    fn client<S: Io>(io: S, _: usize) -> impl Conn {
        Messages(over(io, client()))
    }

    fn server<S: Io>(io: S, _: usize) -> impl Conn {
        Messages(over(io, server()))
    }

    async fn tls_client(io: TcpStream, _: usize) -> impl Conn {
        let tls = tls::Client::new(settings::client_config(), settings::server_name());
        let stack = client().over(tls.expect("a TLS client"));
        let mut connection = Connection::from_transport(io, Engine::new(stack)).expect("tokio");
        connection.open().await.expect("a TLS connection");
        Messages(connection)
    }

    async fn tls_server(io: TcpStream, _: usize) -> impl Conn {
        let tls = tls::Server::new(settings::server_config());
        let stack = server().over(tls.expect("a TLS server"));
        let mut connection = Connection::from_transport(io, Engine::new(stack)).expect("tokio");
        connection.open().await.expect("a TLS connection");
        Messages(connection)
    }
}

fn over<S: Io, L: Layer<In: Default, Out: Default>>(io: S, stack: L) -> Connection<L> {
    Connection::from_transport(TokioTransport::new(io), Engine::new(stack)).expect("tokio")
}

/// Makes a client that is open.
pub(crate) fn client() -> Client {
    let mut seed = [0; 32];
    fastrand::fill(&mut seed);
    Client::established(config(), Seed::new(seed))
}

/// Makes a server that is open.
pub(crate) fn server() -> Server {
    Server::established(config())
}

fn config() -> WebSocketConfig {
    // The longest message of a row and a little more.
    let most = 65 << 20;
    WebSocketConfig::default().max_frame(most).max_message(most)
}

impl Message for websocket::Message {
    fn binary(payload: Bytes) -> Self {
        Self::Binary(payload)
    }

    fn payload(&self) -> Option<&[u8]> {
        match self {
            Self::Binary(payload) => Some(payload),
            _ => None,
        }
    }
}
