//! TLS: both versions, with and without ALPN, with a certificate that is trusted and one that is
//! not.

use super::Case;
use std::sync::{Arc, LazyLock};
use wirestack_laws::Subject;
use wirestack_tls::rustls::client::Resumption;
use wirestack_tls::rustls::{ClientConfig, ServerConfig};
use wirestack_tls::{Client, ClientSettings, Server, ServerSettings, TlsVersions, server_name};

pub(crate) const CASES: u8 = 4;

pub(crate) fn case(number: u8) -> Case {
    let (client, server) = match number {
        0 => &*TLS13,
        1 => &*TLS12,
        2 => &*BOTH,
        _ => &*STRANGE,
    };
    let name = || server_name("example.org").unwrap();
    let client = move || Client::new(client.clone(), name()).unwrap();
    let server = move || Server::new(server.clone()).unwrap();
    let subject = Subject::tunnel(format!("tls {number}"), client, server)
        .marks_end()
        .unit(20 << 10)
        .memory(20 << 10);
    Case::bytes(if number == 3 {
        subject.refused()
    } else {
        subject
    })
}

type Configs = (Arc<ClientConfig>, Arc<ServerConfig>);

static TLS13: LazyLock<Configs> = LazyLock::new(|| configs(TlsVersions::Tls13));
static TLS12: LazyLock<Configs> = LazyLock::new(|| configs(TlsVersions::Tls12));
static BOTH: LazyLock<Configs> = LazyLock::new(|| configs(TlsVersions::Both));
static STRANGE: LazyLock<Configs> = LazyLock::new(|| (BOTH.0.clone(), TLS13.1.clone()));

fn configs(versions: TlsVersions) -> Configs {
    let made = rcgen::generate_simple_self_signed(vec!["example.org".into()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let client = ClientSettings::new().without_system_roots();
    let client = client.ca_certificates(chain.clone()).versions(versions);
    let server = ServerSettings::new(chain, key).versions(versions);
    let alpn = ["h2", "http/1.1"];
    let mut client = Arc::unwrap_or_clone(client.alpn(alpn).build().unwrap());
    // What it remembers of one connection would change the next one.
    client.resumption = Resumption::disabled();
    (Arc::new(client), server.alpn(alpn).build().unwrap())
}
