//! Certificates from files, for the target and for each hop.

use crate::support::{TIMEOUT, listen};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use wirestack::dial::Hop;
use wirestack::http1::connect::Server as ConnectServer;
use wirestack::tls::rustls::ServerConfig;
use wirestack::tls::{self, Certificates, ClientSettings, ServerSettings};
use wirestack::websocket::{Accept, Message};
use wirestack::{
    AccessPolicy, Connection, Engine, Nest, ProxyServer, ServerSocket, WebSocketServer, connect,
    serve_proxy,
};

/// An authority of this test.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Issues a certificate; returns it and its key, as PEM.
    fn issue(&self) -> (String, String) {
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// Makes the settings of a server of this authority that wants clients of another one.
    fn server(&self, clients: &Self) -> Arc<ServerConfig> {
        let (chain, key) = self.issue();
        let settings = ServerSettings::new(chain, key);
        let settings = settings.require_client_certificates(clients.0.pem());
        settings.build().unwrap()
    }
}

/// A folder of this test, which is removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wirestack-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Writes a certificate with its key into one file.
    fn write_pair(&self, name: &str, (chain, key): &(String, String)) -> PathBuf {
        self.write(name, &format!("{chain}{key}"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts a WebSocket server over TLS that sends a message to each client.
async fn greeter(config: Arc<ServerConfig>) -> SocketAddr {
    let (listener, address): (TcpListener, _) = listen().await;
    tokio::spawn(async move {
        let server = Arc::new(WebSocketServer::new(|_| Ok(Accept::new())).tls(config));
        while let Ok((io, _)) = listener.accept().await {
            let server = server.clone();
            tokio::spawn(async move {
                let each = |mut socket: ServerSocket, _| async move {
                    let _ = socket.send(Message::text("welcome")).await;
                    let _ = socket.finish(TIMEOUT).await;
                };
                server.serve_connection(io, each).await
            });
        }
    });
    address
}

/// Starts an HTTP proxy over TLS.
async fn proxy(config: Arc<ServerConfig>) -> SocketAddr {
    let (listener, address): (TcpListener, _) = listen().await;
    tokio::spawn(async move {
        let gate = ProxyServer::connect(AccessPolicy::loopback());
        while let Ok((io, _)) = listener.accept().await {
            let (gate, config) = (gate.clone(), config.clone());
            tokio::spawn(async move {
                let tls = tls::Server::new(config).unwrap();
                let layer = ConnectServer::new().over(tls).boxed();
                let client = Connection::from_transport(io, Engine::new(layer)).unwrap();
                let _ = serve_proxy(client, &gate, TIMEOUT).await;
            });
        }
    });
    address
}

/// Connects, and returns the first message or the text of the error.
async fn talk(connecting: wirestack::Connect) -> String {
    let mut socket = match connecting.await {
        Ok(socket) => socket,
        Err(error) => return error.to_string(),
    };
    match socket.next().await {
        Some(Ok(message)) => format!("{message:?}"),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_client_certificate_goes_to_its_own_peer_only() {
    let [web, staff, gate] = ["Web", "Staff", "Gate"].map(Authority::new);
    let folder = Folder::new("certificates");
    let roots = folder.write("roots.pem", &format!("{}{}", web.0.pem(), gate.0.pem()));
    let mine = folder.write_pair("mine.pem", &staff.issue());
    let pass = folder.write_pair("pass.pem", &gate.issue());
    let target = greeter(web.server(&staff)).await;
    let proxy = proxy(gate.server(&gate)).await;
    let url = format!("wss://localhost:{}/", target.port());
    let hop = || -> Hop {
        let hop: Hop = format!("https://localhost:{}", proxy.port())
            .parse()
            .unwrap();
        hop.client_certificate(&pass, &pass)
    };
    let plain = || connect(&url).ca_file(&roots).http1_only();
    let whole = plain().client_certificate(&mine, &mine).via(hop());
    assert!(talk(whole).await.contains("welcome"));
    assert!(
        talk(plain().client_certificate(&mine, &mine).direct())
            .await
            .contains("welcome")
    );
    // Without its own certificate the hop gets none, and so does the target.
    let bare: Hop = format!("https://localhost:{}", proxy.port())
        .parse()
        .unwrap();
    let text = talk(plain().client_certificate(&mine, &mine).via(bare)).await;
    let none = "certificate_required: it wants a certificate of this side, and there is none";
    assert!(text.starts_with("hop 1 ") && text.contains(none), "{text}");
    let text = talk(plain().via(hop())).await;
    assert!(text.starts_with("target ") && text.contains(none), "{text}");
}

#[tokio::test]
async fn the_authority_of_a_hop_is_trusted_for_this_hop_only() {
    let [web, gate] = ["Web", "Gate"].map(Authority::new);
    let folder = Folder::new("authorities");
    let file = |name: &str, authority: &Authority| folder.write(name, &authority.0.pem());
    let (of_web, of_gate) = (file("web.pem", &web), file("gate.pem", &gate));
    let open = |authority: &Authority| {
        let (chain, key) = authority.issue();
        ServerSettings::new(chain, key).build().unwrap()
    };
    let target = greeter(open(&web)).await;
    let proxy = proxy(open(&gate)).await;
    let url = format!("wss://localhost:{}/", target.port());
    let via = |file: Option<&Path>| -> Hop {
        let hop: Hop = format!("https://localhost:{}", proxy.port())
            .parse()
            .unwrap();
        match file {
            Some(file) => hop.ca_file(file),
            None => hop,
        }
    };
    let plain = || connect(&url).http1_only();
    let good = plain().ca_file(&of_web).via(via(Some(&of_gate)));
    assert!(talk(good).await.contains("welcome"));
    let both = plain().ca_file(&of_web).ca_file(&of_gate).via(via(None));
    assert!(talk(both).await.contains("welcome"));
    let text = talk(plain().via(via(Some(&of_gate)))).await;
    let unknown = |name: &str| format!("it is issued by \"{name}\", which is no authority trusted");
    assert!(
        text.starts_with("target ") && text.contains(&unknown("Web")),
        "{text}"
    );
    let text = talk(plain().ca_file(&of_web).via(via(None))).await;
    assert!(
        text.starts_with("hop 1 ") && text.contains(&unknown("Gate")),
        "{text}"
    );
    let config = ClientSettings::new().certificates(&Certificates::new().ca_file(&of_web));
    let given = plain()
        .tls(config.build().unwrap())
        .via(via(Some(&of_gate)));
    assert!(talk(given).await.contains("welcome"));
}

#[tokio::test]
async fn a_file_of_authorities_that_changes_counts_from_the_next_dialing_on() {
    let [web, other] = ["Web", "Other"].map(Authority::new);
    let folder = Folder::new("changing");
    let file = folder.write("roots.pem", &other.0.pem());
    let (chain, key) = web.issue();
    let target = greeter(ServerSettings::new(chain, key).build().unwrap()).await;
    let connect = connect(format!("wss://localhost:{}/", target.port()));
    let connect = connect.ca_file(&file).direct();
    assert!(
        talk(connect.clone())
            .await
            .contains("no authority trusted here")
    );
    folder.write("roots.pem", &web.0.pem());
    assert!(talk(connect.clone()).await.contains("welcome"));
    std::fs::remove_file(&file).unwrap();
    let text = talk(connect).await;
    assert!(
        text.contains("the CA file ") && text.contains("cannot be read: "),
        "{text}"
    );
}
