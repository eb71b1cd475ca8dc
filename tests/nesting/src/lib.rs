//! Layers to nest, for the tests of whole stacks.

use std::sync::{Arc, LazyLock};
use wirestack::tls::rustls::client::Resumption;
use wirestack::tls::rustls::{ClientConfig, ServerConfig};
use wirestack::tls::{self, ClientSettings, ServerSettings, TlsVersions};
use wirestack::{BoxTunnel, Nest, Seed, Stack, http1, http2, proxy_header, socks, websocket};

/// A tunnel that can lie between two others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SOCKS5 without authentication.
    Socks,
    /// SOCKS4a.
    Socks4,
    /// BIND of SOCKS5.
    Bind,
    /// The PROXY header, version 2.
    ProxyHeader,
    /// HTTP CONNECT.
    Connect,
    /// CONNECT over HTTP/2.
    Http2,
    /// TLS 1.3.
    Tls,
    /// TLS 1.2.
    Tls12,
    /// A WebSocket that carries bytes.
    WebSocket,
}

/// A side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The side that connects.
    Client,
    /// The side that accepts.
    Server,
}

/// A way to put layers together.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// True for `c.over(b).over(a)`, false for `c.over(b.over(a))`.
    pub right: bool,
    /// True if transparent layers are taken out of the path.
    pub bypass: bool,
    /// The limit of each direction of a joint, in bytes.
    pub limit: usize,
}

/// Every way to put layers together.
pub const SHAPES: &[Shape] = &[
    shape(true, true, 1000),
    shape(false, true, 1000),
    shape(true, false, 1000),
    shape(false, false, 100),
    shape(true, true, 1),
];

const fn shape(right: bool, bypass: bool, limit: usize) -> Shape {
    Shape {
        right,
        bypass,
        limit,
    }
}

impl Kind {
    /// Makes one such layer.
    ///
    /// # Panics
    ///
    /// If the settings of these tests are wrong.
    pub fn layer(self, role: Role) -> BoxTunnel {
        match (self, role) {
            (Self::Socks, Role::Client) => {
                let address = socks::Address::new("example.org", 443).unwrap();
                socks::Client::new(address).boxed()
            }
            (Self::Socks, Role::Server) => socks::Server::new().boxed(),
            (Self::Socks4, Role::Client) => {
                let address = socks::Address::new("example.org", 443).unwrap();
                socks::Client::new(address).socks4("me").unwrap().boxed()
            }
            (Self::Socks4, Role::Server) => socks::Server::new().with_socks4(|_| true).boxed(),
            (Self::Bind, Role::Client) => {
                let address = socks::Address::new("192.0.2.7", 0).unwrap();
                socks::Client::bind(address).boxed()
            }
            (Self::Bind, Role::Server) => {
                let server = socks::Server::new();
                server.serving(socks::Command::Bind).boxed()
            }
            (Self::ProxyHeader, Role::Client) => {
                let (source, destination) = ("192.0.2.1:4711", "192.0.2.7:443");
                let header = proxy_header::Header::tcp(
                    source.parse().unwrap(),
                    destination.parse().unwrap(),
                );
                proxy_header::Client::v2(header).with_checksum().boxed()
            }
            (Self::ProxyHeader, Role::Server) => proxy_header::Server::default().boxed(),
            (Self::Connect, Role::Client) => {
                let client = http1::connect::Client::new("example.org", 443);
                client.unwrap().boxed()
            }
            (Self::Connect, Role::Server) => http1::connect::Server::new().boxed(),
            (Self::Http2, Role::Client) => {
                let request = http2::ConnectRequest::tunnel("example.org", 443).unwrap();
                http2::Client::new(request, http2_config()).boxed()
            }
            (Self::Http2, Role::Server) => http2::Server::new(http2_config()).boxed(),
            (Self::Tls, Role::Client) => TLS13.client().boxed(),
            (Self::Tls, Role::Server) => TLS13.server().boxed(),
            (Self::Tls12, Role::Client) => TLS12.client().boxed(),
            (Self::Tls12, Role::Server) => TLS12.server().boxed(),
            (Self::WebSocket, Role::Client) => {
                let settings = websocket::WebSocketConfig::default();
                websocket::Client::established(settings, Seed::new([7; 32]))
                    .tunnel()
                    .boxed()
            }
            (Self::WebSocket, Role::Server) => {
                let settings = websocket::WebSocketConfig::default();
                websocket::Server::established(settings).tunnel().boxed()
            }
        }
    }
}

/// Windows and buffers that the largest messages of these tests do not fit into.
pub fn http2_config() -> http2::Http2Config {
    let mut settings = http2::Http2Config::default();
    settings.stream_window = 20_000;
    settings.send_buffer = 10_000;
    settings
}

/// Nests layers, given from the wire up.
///
/// # Panics
///
/// If there are none.
pub fn nest(kinds: &[Kind], role: Role, shape: Shape) -> BoxTunnel {
    let joined = |below, above| {
        let joint = Stack::new(below, above).with_limit(shape.limit);
        joint.with_bypass(shape.bypass).boxed()
    };
    let layers = kinds.iter().map(|kind| kind.layer(role));
    let nested = if shape.right {
        layers.rev().reduce(|above, below| joined(below, above))
    } else {
        layers.reduce(joined)
    };
    nested.expect("at least one layer")
}

/// A certificate for `example.org`, and a client that trusts it.
#[derive(Debug)]
pub struct Tls {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

/// TLS 1.3 only.
pub static TLS13: LazyLock<Tls> = LazyLock::new(|| Tls::new(TlsVersions::Tls13));
/// TLS 1.2 only.
pub static TLS12: LazyLock<Tls> = LazyLock::new(|| Tls::new(TlsVersions::Tls12));

impl Tls {
    fn new(versions: TlsVersions) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["example.org".to_owned()]).unwrap();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let trust = ClientSettings::new().without_system_roots();
        let client = trust.ca_certificates(chain.clone()).versions(versions);
        let server = ServerSettings::new(chain, key).versions(versions);
        let mut client = Arc::unwrap_or_clone(client.build().unwrap());
        // What it remembers of one connection would change the next one.
        client.resumption = Resumption::disabled();
        Self {
            client: Arc::new(client),
            server: server.build().unwrap(),
        }
    }

    /// Makes a client.
    ///
    /// # Panics
    ///
    /// If the settings of these tests are wrong.
    pub fn client(&self) -> tls::Client {
        let name = tls::server_name("example.org").unwrap();
        tls::Client::new(self.client.clone(), name).unwrap()
    }

    /// Makes a server.
    ///
    /// # Panics
    ///
    /// If the settings of these tests are wrong.
    pub fn server(&self) -> tls::Server {
        tls::Server::new(self.server.clone()).unwrap()
    }
}
