//! The facts about a client that its connection tells.

use std::net::SocketAddr;
use std::sync::Arc;
use wirestack_layer::Layer;
use wirestack_nest::Engine;
use wirestack_tls as tls;
use wirestack_tls::rustls::pki_types::CertificateDer;
use wirestack_tls::rustls::{CipherSuite, ProtocolVersion};

/// The facts about a client that its connection tells, beside its request. It is an
/// [extension](http::Request::extensions) of each request that a server of WebSockets decides on.
///
/// ```
/// use http::Request;
/// use wirestack_dial::serve::ConnectInfo;
///
/// fn greet(request: &Request<()>) -> String {
///     let info = request.extensions().get::<ConnectInfo>();
///     match info.and_then(|info| info.peer_addr) {
///         Some(peer) => format!("{peer} asks for {}", request.uri()),
///         None => format!("somebody asks for {}", request.uri()),
///     }
/// }
/// # assert_eq!(greet(&Request::new(())), "somebody asks for /");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectInfo {
    /// The address of the client, or of the last proxy before this server. `None` if the transport
    /// has no addresses.
    pub peer_addr: Option<SocketAddr>,
    /// The facts about the TLS session; `None` without TLS.
    pub tls: Option<TlsInfo>,
}

/// The facts about the TLS session of a client.
///
/// ```
/// use wirestack_dial::serve::ConnectInfo;
///
/// /// Returns `true` if a client has shown a certificate.
/// fn is_known(client: &ConnectInfo) -> bool {
///     client.tls.as_ref().is_some_and(|tls| !tls.peer_certificates.is_empty())
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The protocol version.
    pub version: Option<ProtocolVersion>,
    /// The cipher suite.
    pub suite: Option<CipherSuite>,
    /// The name that the client asked for (SNI, RFC 6066 §3).
    pub server_name: Option<String>,
    /// The certificate of the client and those that issued it, its own one first. Empty if the
    /// server asked for none, or the client sent none.
    pub peer_certificates: Arc<[CertificateDer<'static>]>,
}

impl ConnectInfo {
    /// Reads the facts from a stack over [`below_http`](super::below_http), once it is open.
    pub fn new<L: Layer + 'static>(peer_addr: Option<SocketAddr>, engine: &Engine<L>) -> Self {
        let tls = engine.part::<tls::Server>().map(|tls| TlsInfo {
            version: tls.version(),
            suite: tls.suite(),
            server_name: tls.server_name().map(str::to_owned),
            peer_certificates: tls.peer_certificates().unwrap_or_default().into(),
        });
        Self { peer_addr, tls }
    }
}
