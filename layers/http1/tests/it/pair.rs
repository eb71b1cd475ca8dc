//! A client and a server joined by a link that cuts bytes into pieces.

use crate::kit::{Bench, OnChallenge, with_basic};
use http::{HeaderMap, Request};
use wirestack_http1::{Challenged, connect, upgrade};
use wirestack_layer::{Flow, Layer, Pipe};

/// Moves bytes both ways, at most `most` at a time, until nothing moves.
fn settle<C, S>(client: &mut Bench<C>, server: &mut Bench<S>, most: usize, decide: impl Fn(&mut S))
where
    C: Layer<In = Pipe, Out = Pipe>,
    S: Layer<In = Pipe, Out = Pipe>,
{
    loop {
        let mut moved = carry(&mut client.to_wire, &mut server.from_wire, most);
        server.process();
        decide(&mut server.layer);
        server.process();
        moved |= carry(&mut server.to_wire, &mut client.from_wire, most);
        client.process();
        if !moved {
            return;
        }
    }
}

/// Moves bytes or an end one way. Returns `true` if something moved.
fn carry(from: &mut Pipe, to: &mut Pipe, most: usize) -> bool {
    let n = from.len().min(most);
    if n > 0 {
        to.push(from.take(n));
    }
    if let Some(end) = from.end().filter(|_| !to.is_closed()).cloned() {
        to.close(end);
        return true;
    }
    n > 0
}

/// Both sides send something, and finish one after the other.
fn converse<C, S>(client: C, server: S, decide: impl Fn(&mut S) + Copy, most: usize)
where
    C: Layer<In = Pipe, Out = Pipe>,
    S: Layer<In = Pipe, Out = Pipe>,
{
    let (mut client, mut server) = (Bench::new(client), Bench::new(server));
    client.from_app.write(b"to the server");
    server.from_app.write(b"to the client");
    client.from_app.finish();
    settle(&mut client, &mut server, most, decide);
    let seen = server.seen();
    assert_eq!((&*seen.app, &*seen.app_end), ("to the server", "finished"));
    assert!(client.layer.is_transparent() && server.layer.is_transparent());
    server.from_app.finish();
    settle(&mut client, &mut server, most, decide);
    let seen = client.seen();
    assert_eq!((&*seen.app, &*seen.app_end), ("to the client", "finished"));
}

const PIECES: [usize; 4] = [1, 7, 100, usize::MAX];

#[test]
fn credentials_are_sent_at_once_or_on_challenge() {
    let decide = |server: &mut connect::Server| {
        let Some(request) = server.request() else {
            return;
        };
        assert_eq!((&*request.host, request.port), ("2001:db8::1", 22));
        match request.basic() {
            Some((user, password)) => {
                assert_eq!((&*user, &*password), ("grüße", "pass: word"));
                server.accept(HeaderMap::new());
            }
            None => server.challenge("ask \"me\""),
        }
    };
    let client = || connect::Client::new("2001:db8::1", 22).unwrap();
    for most in PIECES {
        let at_once = with_basic(client(), "grüße", "pass: word");
        converse(at_once, connect::Server::new(), decide, most);
        let on_challenge = OnChallenge::new(client(), "grüße", "pass: word");
        let server = connect::Server::new().with_waiting_clients();
        converse(on_challenge, server, decide, most);
    }
}

#[test]
fn a_challenge_with_close_leads_to_a_second_connection() {
    let server = connect::Server::new;
    let client = || connect::Client::new("a.test", 1).unwrap();
    let decide =
        |server: &mut connect::Server| match server.request().map(connect::ConnectRequest::basic) {
            Some(None) => server.challenge("r"),
            Some(Some(_)) => server.accept(HeaderMap::new()),
            None => {}
        };
    let mut first = Bench::new(OnChallenge::new(client(), "u", "p"));
    let mut proxy = Bench::new(server());
    settle(&mut first, &mut proxy, 3, decide);
    let error = first.error();
    assert!(error.retry_hint::<Challenged>().is_some());
    converse(with_basic(client(), "u", "p"), server(), decide, 3);
}

#[test]
fn any_protocol_can_be_upgraded_to() {
    let decide = |server: &mut upgrade::Server| {
        if server.offers("x-test/2") {
            server.accept("x-test/2", &HeaderMap::new());
        }
    };
    for most in PIECES {
        let request = Request::get("http://a.test:8080/b?c").body(()).unwrap();
        let client = upgrade::Client::new("X-Test/2", request).unwrap();
        converse(client, upgrade::Server::new(), decide, most);
    }
}
