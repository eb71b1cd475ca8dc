//! WebSockets, and every other byte stream, through the proxies of a company: SOCKS, HTTP CONNECT,
//! HTTP/2, TLS and WebSocket as layers that nest in any order.
//!
//! ```no_run
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut socket = wirestack::connect("wss://example.org/chat")
//!         .via("http://me:secret@proxy.corp.test:3128") // without it: the proxy of the environment
//!         .await?;
//!     socket.send("hello").await?;
//!     while let Some(message) = socket.next().await {
//!         println!("{:?}", message?);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! If it does not open, the error names the hop, the layer, what was seen, what was wanted and what
//! to do. Here a proxy answers that wants a login, and the program has none:
//!
//! ```
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tokio::net::TcpListener;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let proxy = TcpListener::bind("127.0.0.1:0").await?;
//!     let address = proxy.local_addr()?;
//!     tokio::spawn(async move {
//!         let (mut client, _) = proxy.accept().await?;
//!         client.read(&mut [0; 1000]).await?;
//!         let answer = "HTTP/1.1 407 Proxy Authentication Required\r\n\
//!             Proxy-Authenticate: Basic realm=\"corp\"\r\nContent-Length: 0\r\n\r\n";
//!         client.write_all(answer.as_bytes()).await
//!     });
//!     let connecting = wirestack::connect("ws://example.org/").via(format!("http://{address}"));
//!     let error = connecting.await.unwrap_err();
//!     assert_eq!(
//!         error.to_string(),
//!         format!(
//!             "hop 1 (http://{address}): connect[0]: refused CONNECT example.org:80: \
//!              407 Proxy Authentication Required: it offered Basic, and there is no user and no \
//!              password: give them, as in http://user:password@proxy"
//!         )
//!     );
//!     eprintln!("{}", error.trace().waterfall()); // each step, and how long it took
//!     Ok(())
//! }
//! ```
//!
//! | you want | see |
//! |---|---|
//! | a WebSocket, through any proxies | [`connect()`], [`Connect`] |
//! | bytes without a WebSocket; bytes in a WebSocket | [`connect_stream`]; [`Connect::tunnel`] |
//! | many WebSockets over one HTTP/2 connection | [`connect_http2`], [`Pool`] |
//! | a WebSocket that connects again | [`Connect::reconnecting`] |
//! | reading and writing in two tasks | [`Connection::split`], [`Connection::spawn`] |
//! | the certificates of a company | [`Connect::ca_file`], [`Connect::client_certificate`] |
//! | logins to proxies: Basic, Digest, NTLM, Kerberos | a URL with a user, [`dial::Hop`], [`auth`] |
//! | proxy auto-config, the proxy settings of the system | `pac` and `system_proxy` of the builders |
//! | UDP through SOCKS5 | [`associate`] |
//! | a WebSocket server; one in axum | [`WebSocketServer`]; the crate `wirestack-axum` |
//! | a proxy server, or a local chain of proxies | `ForwardProxy` (feature `proxy-server`) |
//! | clients of hyper through any chain | [`Connector`] (feature `hyper`) |
//! | no async | [`mod@blocking`] (feature `blocking`) |
//! | smol, threads, a runtime of your own | [`runtime`] |
//! | a layer of your own; a layer without a socket | [`Layer`], [`ConnectStream::then`]; [`Engine`] |
//!
//! # How it is made
//!
//! Every protocol is a sans-I/O [`Layer`]: it has bytes in and out on its wire side and on its
//! application side, and no socket, clock or thread of its own. So layers [nest](Nest) in any
//! order, one [driver](Connection) serves every stack, and a stack can be tested without a socket:
//!
//! ```
//! use wirestack::{Engine, Flow, Instant, Nest, http1, socks};
//!
//! // SSH through an HTTP proxy behind a SOCKS proxy, without a socket.
//! let socks = socks::Client::new(socks::Address::new("proxy.test", 3128)?);
//! let connect = http1::connect::Client::new("example.org", 22)?;
//! let mut engine = Engine::new(connect.over(socks));
//!
//! engine.process(Instant::ORIGIN);
//! assert_eq!(engine.to_wire().unread(), [5, 1, 0]); // SOCKS5: "no authentication"
//! engine.to_wire().discard();
//! engine.from_wire().write(&[5, 0]);
//! engine.process(Instant::ORIGIN);
//! engine.to_wire().discard(); // CONNECT to proxy.test:3128
//!
//! // The answers of both proxies and the first line of the server, all at once.
//! engine.from_wire().write(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 7]);
//! engine.from_wire().write(b"HTTP/1.1 200 OK\r\n\r\nSSH-2.0-x\r\n");
//! engine.process(Instant::ORIGIN);
//! assert!(engine.is_open());
//! assert_eq!(engine.to_app().unread(), b"SSH-2.0-x\r\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//!   Dialer:  decides where to connect to, in which order, for how long, and what to try next
//!      |
//!   Engine:  a stack with its four outer flows
//!      |
//!   Stack:   a layer over another layer, and itself a layer
//!      |
//!   driver:  sockets, clock and random numbers: carries out what the others decide
//! ```
//!
//! # Contents
//!
//! * [`connect()`], [`connect_stream`], [`connect_http2`]: the usual start, for clients. They work
//!   on tokio, on smol (feature `smol`), in threads (feature `blocking`: [`mod@blocking`]) and on
//!   your own [`runtime`].
//! * [`Connection`]: a stack on a transport. [`Handle`], [`Reader`], [`Writer`]: one connection for
//!   several tasks.
//! * [`Http2`], [`Http2Stream`], [`Pool`]: many streams over one connection.
//! * [`serve`], [`Accepted`], [`Shutdown`]: the loop of a server, and its end. [`WebSocketServer`],
//!   [`serve_proxy`], [`relay`]: servers for one client. [`associate`]: UDP through SOCKS5.
//! * [`Layer`], [`Flows`], [`Pipe`], [`Queue`], [`Error`]: the trait and its flows, from
//!   `wirestack-layer`.
//! * [`Nest`], [`Stack`], [`Identity`], [`BoxTunnel`]: nesting, from `wirestack-nest`.
//!   [`BoxSocket`], [`BoxHttp2`]: boxed stacks with a WebSocket or HTTP/2 at the top.
//! * [`Engine`]: driving a stack without a driver.
//! * [`dial`], [`Dialer`]: the decisions of connecting, without I/O. [`DialContext`]: carries them
//!   out. [`auth`]: authentication to proxies. `kerberos` (feature `kerberos`): tickets from a
//!   password.
//! * [`ConnectInfo`], [`TlsInfo`]: what a server of WebSockets knows of a client. [`Decision`],
//!   [`refusal`]: its answer to a request. The crate `wirestack-axum` has an extractor for axum.
//! * `ForwardProxy` (feature `proxy-server`): a proxy server for SOCKS and HTTP at one port.
//!   [`UserList`], [`AccessRecord`], [`ProxyProtocol`]: its users and its log. [`ForwardError`]:
//!   a request that it does not forward.
//! * [`ProxyServer`], [`AccessPolicy`], [`Network`], [`Ports`], [`ProxyError`], [`ProxyRequest`],
//!   [`ProxyTarget`], [`UdpRelay`]: the decisions of a proxy, without I/O.
//!   [`constant_time_eq`]: the comparison of passwords.
//! * `pac` (feature `pac`): proxy auto-config files, for `pac` of the builders.
//! * [`proxy_header`], [`socks`], [`http1`], [`http2`], [`tls`], [`websocket`]: the layers.
//!
//! # Features
//!
//! On by default: `tokio`, `aws-lc-rs`, `platform-verifier`, `deflate`, `digest`.
//!
//! * `aws-lc-rs`: The cryptography of aws-lc-rs.
//! * `blocking`: Threads as a runtime, and connections whose calls wait: `wirestack::blocking`.
//! * `deflate`: Compression of the messages of a WebSocket: permessage-deflate (RFC 7692).
//! * `digest`: Digest authentication to HTTP proxies (RFC 7616).
//! * `futures`: Connections are `AsyncRead` and `AsyncWrite` of `futures-io`, on any runtime.
//! * `hickory`: Names looked up by `hickory-resolver` instead of the system.
//! * `hyper`: `Connector` is a connector for clients made of `hyper`.
//! * `idna`: Names in Unicode as hosts of URLs (IDNA). Without it, their A-labels (`xn--...`) are
//!   wanted.
//! * `kerberos`: Negotiate to HTTP proxies by Kerberos, from a user and a password:
//!   `wirestack::kerberos`.
//! * `negotiate`: Negotiate authentication to HTTP proxies (RFC 4559) with the user's ticket, by the
//!   GSSAPI of Unix.
//! * `ntlm`: NTLM authentication to HTTP proxies (MS-NLMP: NTLMv2).
//! * `pac`: Proxies that a proxy auto-config file names: `pac` of the builders.
//! * `pkcs12`: Certificates of clients in PKCS #12 files.
//! * `platform-verifier`: The roots that the system trusts.
//! * `proxy-server`: `ForwardProxy`: a proxy server for SOCKS and HTTP, which also forwards `http://`
//!   requests.
//! * `ring`: The cryptography of ring; aws-lc-rs is preferred where both are on.
//! * `smol`: smol as a runtime; connections are `AsyncRead` and `AsyncWrite` of `futures-io`.
//! * `system-proxy`: The proxies that the settings of the system name: GNOME, KDE, macOS, Windows.
//! * `tokio`: tokio as a runtime; connections are `AsyncRead` and `AsyncWrite` of tokio.
//! * `tracing`: Steps of connecting as spans and events of `tracing`.
//! * `url`: The `Url` of the crate `url`, where a builder takes a URL.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "blocking")]
pub mod blocking;
mod connect;
mod driver;
#[cfg(feature = "proxy-server")]
mod forward_proxy;

pub use connect::{
    Associate, ByteStream, Connect, ConnectHttp2, ConnectLayer, ConnectStream, Connector,
    NotConnected, OpenWebSocket, QueueFull, ReconnectEvent, ReconnectHandle, Reconnecting,
    WebSocket, WebSocketHandle, WebSocketReader, WebSocketRequest, WebSocketWriter, associate,
    connect, connect_http2, connect_stream,
};
#[cfg(feature = "hyper")]
pub use connect::{Connecting, HyperStream};
pub use driver::datagrams::{Association, DatagramSender};
pub use driver::dial::{DialContext, Dialed, Pool};
pub use driver::http2::{Driver, Http2, Http2Stream, Http2WebSocket, Incoming};
pub use driver::io::{
    Boxed, Connection, ConnectionClosed, Ended, Handle, Reader, RelayIdle, Relayed, Writer, relay,
    relay_with_timeout,
};
#[doc(inline)]
pub use driver::runtime;
pub use driver::server::{Accepted, Serve, ServerSocket, WebSocketServer, serve, serve_proxy};
pub use driver::shutdown::Shutdown;
#[cfg(feature = "system-proxy")]
pub use driver::system::SystemProxy;
#[cfg(feature = "proxy-server")]
pub use forward_proxy::ForwardProxy;
#[doc(inline)]
pub use wirestack_dial as dial;
pub use wirestack_dial::serve::{
    AccessPolicy, AccessRecord, ConnectInfo, Decision, ForwardError, InvalidNetwork, Network,
    Ports, ProxyError, ProxyProtocol, ProxyRequest, ProxyServer, ProxyTarget, ProxyTimeouts,
    RelayedDatagram, TlsInfo, UdpRelay, UserList, refusal,
};
pub use wirestack_dial::{BoxHttp2, BoxSocket, Dialer, auth};
#[cfg(feature = "kerberos")]
#[doc(inline)]
pub use wirestack_kerberos as kerberos;
#[doc(inline)]
pub use wirestack_layer::origin;
pub use wirestack_layer::{
    AnyLayer, Blame, BoxError, ByteSize, End, Error, Escaped, Facts, Flow, Flows, Instant,
    Keepalive, Layer, LayerExt, Parsed, Pipe, Place, Progress, Queue, ReadError, Seed, Status,
    Tunnel, Wire, constant_time_eq,
};
pub use wirestack_nest::{
    BoxLayer, BoxTunnel, Engine, Identity, Nest, OpeningTimedOut, Stack, WriteTimedOut,
};
#[cfg(feature = "pac")]
#[doc(inline)]
pub use wirestack_pac as pac;
/// The types of messages and of fields in signatures.
#[doc(no_inline)]
pub use {bytes, http};
#[doc(inline)]
pub use {
    wirestack_http1 as http1, wirestack_http2 as http2, wirestack_proxy_header as proxy_header,
    wirestack_socks as socks, wirestack_tls as tls, wirestack_websocket as websocket,
};

#[cfg(all(doctest, feature = "tokio", feature = "blocking", feature = "smol"))]
#[doc = include_str!("../../README.md")]
struct Readme;

#[cfg(all(doctest, feature = "tokio", feature = "aws-lc-rs"))]
mod guides {
    #[cfg(all(
        feature = "kerberos",
        feature = "ntlm",
        feature = "pac",
        feature = "system-proxy"
    ))]
    #[doc = include_str!("../../docs/guides/corporate.md")]
    struct Corporate;

    #[doc = include_str!("../../docs/guides/drive-by-hand.md")]
    struct DriveByHand;

    #[cfg(feature = "blocking")]
    #[doc = include_str!("../../docs/guides/from-python-websockets.md")]
    struct FromPythonWebsockets;

    #[doc = include_str!("../../docs/guides/from-tokio-tungstenite.md")]
    struct FromTokioTungstenite;

    #[doc = include_str!("../../docs/guides/http2.md")]
    struct Http2;

    #[doc = include_str!("../../docs/guides/large-messages.md")]
    struct LargeMessages;

    #[doc = include_str!("../../docs/guides/proxies.md")]
    struct Proxies;

    #[cfg(feature = "blocking")]
    #[doc = include_str!("../../docs/guides/reconnect.md")]
    struct Reconnect;

    #[cfg(all(feature = "digest", feature = "proxy-server"))]
    #[doc = include_str!("../../docs/guides/servers.md")]
    struct Servers;

    #[doc = include_str!("../../docs/guides/test-your-application.md")]
    struct TestYourApplication;

    #[doc = include_str!("../../docs/guides/write-a-layer.md")]
    struct WriteALayer;

    #[cfg(feature = "smol")]
    #[doc = include_str!("../../docs/guides/write-a-runtime.md")]
    struct WriteARuntime;
}
