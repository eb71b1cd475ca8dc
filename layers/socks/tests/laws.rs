//! SOCKS keeps the laws of every layer.

use wirestack_laws::{Subject, check};
use wirestack_layer::{LayerExt, Pipe};
use wirestack_socks::{Address, Client, Command, Reply, Server, Version};

#[test]
fn socks_keeps_the_laws() {
    check(&socks("socks", client, Server::new));
}

#[test]
fn socks_with_a_password_keeps_the_laws() {
    let client = || client().with_password("user", "secret").unwrap();
    let server =
        || Server::with_password(|user, password| (user, password) == (b"user", b"secret"));
    check(&socks("socks with a password", client, server));
}

#[test]
fn socks4_keeps_the_laws() {
    let client = || Client::new(Address::new("192.0.2.7", 443).unwrap());
    check(&socks("socks4", move || socks4(client()), server));
    check(&socks("socks4a", || socks4(self::client()), server));
}

#[test]
fn bind_keeps_the_laws() {
    check(&socks("socks bind", || Client::bind(peer()), server));
    let client = || socks4(Client::bind(peer()));
    check(&socks("socks4 bind", client, server));
}

#[test]
fn udp_associate_keeps_the_laws() {
    let client = || Client::associate(Address::new("0.0.0.0", 0).unwrap());
    check(&socks("socks udp associate", client, server));
}

#[test]
fn a_refused_socks4_keeps_the_laws() {
    let stranger = || client().socks4("stranger").unwrap();
    check(&socks("socks4 of a stranger", stranger, server).refused());
}

#[test]
fn a_peer_that_did_not_come_keeps_the_laws() {
    for version in [Version::Socks4, Version::Socks5] {
        let client = move || match version {
            Version::Socks4 => socks4(Client::bind(peer())),
            Version::Socks5 => Client::bind(peer()),
        };
        let refused = socks(&format!("{version} bind refused"), client, server).refused();
        check(&refused.deciding(|layer| {
            let Some(server) = layer.part_mut::<Server>() else {
                return false;
            };
            if server.listening().is_some() {
                server.reject(Reply::TtlExpired);
                return true;
            }
            accept(server)
        }));
    }
}

#[test]
fn a_refused_connect_keeps_the_laws() {
    let refused = socks("socks refused", client, Server::new).refused();
    check(&refused.deciding(|layer| {
        let server = layer.part_mut::<Server>();
        let server = server.filter(|server| server.request().is_some());
        server
            .map(|server| server.reject(Reply::ConnectionRefused))
            .is_some()
    }));
}

#[test]
fn a_wrong_password_keeps_the_laws() {
    let client = || client().with_password("user", "wrong").unwrap();
    let server = || Server::with_password(|_, password| password == b"secret");
    check(&socks("socks with a wrong password", client, server).refused());
}

fn client() -> Client {
    Client::new(Address::new("example.org", 443).unwrap())
}

fn socks4(client: Client) -> Client {
    client.socks4("me").unwrap()
}

/// A server of everything.
fn server() -> Server {
    let server = Server::new().with_socks4(|user| user == b"me");
    server.serving(Command::Bind).serving(Command::UdpAssociate)
}

fn peer() -> Address {
    Address::new("192.0.2.7", 20).unwrap()
}

fn socks(
    name: &str,
    client: impl Fn() -> Client + 'static,
    server: impl Fn() -> Server + 'static,
) -> Subject<Pipe> {
    Subject::tunnel(name, client, server)
        .deciding(|layer| layer.part_mut::<Server>().is_some_and(accept))
        .same_bytes()
        .memory(1024)
}

/// Decides on the request, and then on the peer of BIND.
fn accept(server: &mut Server) -> bool {
    if server.request().is_some() {
        server.accept(Address::new("192.0.2.1", 40000).unwrap());
    } else if server.listening().is_some() {
        server.connected(peer());
    } else {
        return false;
    }
    true
}
