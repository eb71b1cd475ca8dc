//! CONNECT and Upgrade keep the laws of every layer.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use wirestack_http1::{Awaiting, ProxyClient, connect, upgrade};
use wirestack_laws::{Subject, check};
use wirestack_layer::{LayerExt, Pipe};

#[test]
fn connect_keeps_the_laws() {
    check(&connect());
}

#[test]
fn a_refused_connect_keeps_the_laws() {
    check(&connect().refused().deciding(|layer| {
        let server = layer.part_mut::<connect::Server>();
        let server = server.filter(|server| server.request().is_some());
        server.map(|server| server.reject(forbidden())).is_some()
    }));
}

#[test]
fn a_challenged_connect_keeps_the_laws() {
    check(&connect().refused().deciding(|layer| {
        let server = layer.part_mut::<connect::Server>();
        let server = server.filter(|server| server.request().is_some());
        server.map(|server| server.challenge("the proxy")).is_some()
    }));
}

#[test]
fn a_connect_that_awaits_authorization_keeps_the_laws() {
    check(&authorized().deciding(|layer| {
        if let Some(client) = layer.part_mut::<connect::Client>() {
            let value = match client.awaiting() {
                None => return false,
                Some(Awaiting::Challenge { .. }) => {
                    Some(wirestack_http1::basic_credentials("u", "p").unwrap())
                }
                Some(_) => None,
            };
            client.authorize(value);
            return true;
        }
        let server = layer.part_mut::<connect::Server>();
        let Some(server) = server.filter(|server| server.request().is_some()) else {
            return false;
        };
        match server.request().and_then(connect::ConnectRequest::basic) {
            Some(_) => server.accept(HeaderMap::new()),
            None => server.challenge("the proxy"),
        }
        true
    }));
}

#[test]
fn a_connect_that_gives_up_keeps_the_laws() {
    check(&authorized().refused().deciding(|layer| {
        if let Some(client) = layer.part_mut::<connect::Client>() {
            let awaits = client.awaiting().is_some();
            client.give_up();
            return awaits;
        }
        false
    }));
}

fn authorized() -> Subject<Pipe> {
    let client = || {
        let client = connect::Client::new("example.org", 443).unwrap();
        client.awaiting_authorization()
    };
    let server = || connect::Server::new().with_waiting_clients();
    Subject::tunnel("connect, authorized", client, server)
}

#[test]
fn upgrade_keeps_the_laws() {
    check(&upgrade());
}

#[test]
fn a_refused_upgrade_keeps_the_laws() {
    check(&upgrade().refused().deciding(|layer| {
        let server = layer.part_mut::<upgrade::Server>();
        let server = server.filter(|server| server.request().is_some());
        server.map(|server| server.reject(forbidden())).is_some()
    }));
}

fn connect() -> Subject<Pipe> {
    let client = || connect::Client::new("example.org", 443).unwrap();
    let subject = Subject::tunnel("connect", client, connect::Server::new);
    promising(subject.deciding(|layer| {
        let server = layer.part_mut::<connect::Server>();
        let server = server.filter(|server| server.request().is_some());
        server
            .map(|server| server.accept(HeaderMap::new()))
            .is_some()
    }))
}

fn upgrade() -> Subject<Pipe> {
    let client = || {
        let request = Request::get("http://example.org/chat").body(()).unwrap();
        upgrade::Client::new("toy", request).unwrap()
    };
    let subject = Subject::tunnel("upgrade", client, upgrade::Server::new);
    promising(subject.deciding(|layer| {
        let server = layer.part_mut::<upgrade::Server>();
        let server = server.filter(|server| server.request().is_some());
        server
            .map(|server| server.accept("toy", &HeaderMap::new()))
            .is_some()
    }))
}

fn promising(subject: Subject<Pipe>) -> Subject<Pipe> {
    subject.same_bytes().memory(64 << 10)
}

fn forbidden() -> Response<Bytes> {
    let response = Response::builder().status(403);
    response.body("not for you".into()).unwrap()
}
