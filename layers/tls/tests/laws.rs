//! TLS keeps the laws of every layer.

use std::sync::{Arc, LazyLock};
use wirestack_laws::{Subject, check};
use wirestack_layer::Pipe;
use wirestack_tls::{
    Client, ClientSettings, Server, ServerSettings, TlsVersions, rustls, server_name,
};

#[test]
fn tls_1_3_keeps_the_laws() {
    check(&tls("tls 1.3", &TLS13));
}

#[test]
fn tls_1_2_keeps_the_laws() {
    check(&tls("tls 1.2", &TLS12));
}

#[test]
fn a_refused_certificate_keeps_the_laws() {
    static REFUSED: LazyLock<Configs> = LazyLock::new(|| Configs {
        client: Configs::new(TlsVersions::Both).client,
        server: Configs::new(TlsVersions::Both).server,
    });
    check(&tls("tls with a certificate that is not trusted", &REFUSED).refused());
}

fn tls(name: &str, configs: &'static Configs) -> Subject<Pipe> {
    let client = || Client::new(configs.client.clone(), server_name("example.org").unwrap());
    let server = || Server::new(configs.server.clone());
    Subject::tunnel(name, move || client().unwrap(), move || server().unwrap())
        .marks_end()
        .unit(20 << 10)
        .memory(20 << 10)
        .samples(60)
}

struct Configs {
    client: Arc<rustls::ClientConfig>,
    server: Arc<rustls::ServerConfig>,
}

static TLS13: LazyLock<Configs> = LazyLock::new(|| Configs::new(TlsVersions::Tls13));
static TLS12: LazyLock<Configs> = LazyLock::new(|| Configs::new(TlsVersions::Tls12));

impl Configs {
    fn new(versions: TlsVersions) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["example.org".into()]).unwrap();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let client = ClientSettings::new()
            .without_system_roots()
            .ca_certificates(chain.clone())
            .versions(versions);
        let server = ServerSettings::new(chain, key).versions(versions);
        Self {
            client: client.build().unwrap(),
            server: server.build().unwrap(),
        }
    }
}
