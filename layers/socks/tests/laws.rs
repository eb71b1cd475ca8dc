//! SOCKS keeps the laws of every layer.

use wirestack_laws::{Subject, check};
use wirestack_layer::{LayerExt, Pipe};
use wirestack_socks::{Address, Client, Reply, Server};

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
fn a_refused_connect_keeps_the_laws() {
    let refused = socks("socks refused", client, Server::new).refused();
    check(&refused.deciding(|layer| {
        let server = layer.part::<Server>();
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

fn socks(
    name: &str,
    client: impl Fn() -> Client + 'static,
    server: impl Fn() -> Server + 'static,
) -> Subject<Pipe> {
    Subject::tunnel(name, client, server)
        .deciding(|layer| {
            let server = layer.part::<Server>();
            let server = server.filter(|server| server.request().is_some());
            let bound = Address::new("192.0.2.1", 40000).unwrap();
            server.map(|server| server.accept(bound)).is_some()
        })
        .same_bytes()
        .memory(1024)
}
