//! CONNECT: accepted, refused, challenged, authorized.

use super::Case;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use wirestack_http1::connect::{Client, ConnectRequest, Server};
use wirestack_http1::{Awaiting, Limits, ProxyClient, basic_credentials};
use wirestack_laws::{Endpoint, Subject};
use wirestack_layer::{LayerExt, Pipe};

pub(crate) const CASES: u8 = 7;

pub(crate) fn case(number: u8) -> Case {
    let client = move || {
        let client = Client::new("example.org", 443).unwrap();
        match number {
            0 => client.with_limits(limits()),
            1 => {
                let name = HeaderName::from_static("user-agent");
                client.with_header(name, HeaderValue::from_static("a test"))
            }
            2 | 3 => client.awaiting_authorization(),
            4 => client.awaiting_authorization().with_limits(limits()),
            _ => client,
        }
    };
    let server = move || match number {
        0 => Server::new().with_limits(limits()),
        2 | 3 => Server::new().with_waiting_clients(),
        4 => Server::new().with_limits(limits()).with_waiting_clients(),
        _ => Server::new(),
    };
    let subject = Subject::tunnel(format!("connect {number}"), client, server)
        .same_bytes()
        .memory(64 << 10)
        .deciding(move |layer| decide(layer, number));
    let refused = matches!(number, 3 | 5 | 6);
    let case = Case::bytes(if refused { subject.refused() } else { subject });
    match number {
        // A second request that comes in one piece with the first has not waited for the challenge.
        2..=4 => case.uncompared(),
        _ => case,
    }
}

/// Small limits, so that short inputs reach them.
fn limits() -> Limits {
    let mut limits = Limits::default();
    (limits.head, limits.headers) = (400, 6);
    (limits.excerpt, limits.body) = (10, 40);
    limits
}

fn decide(layer: &mut Endpoint<Pipe>, number: u8) -> bool {
    if let Some(client) = layer.part_mut::<Client>() {
        let value = match client.awaiting() {
            None => return false,
            Some(Awaiting::Challenge { .. }) => Some(basic_credentials("u", "p").unwrap()),
            Some(_) => None,
        };
        match number {
            3 => client.give_up(),
            _ => client.authorize(value),
        }
        return true;
    }
    let server = layer.part_mut::<Server>();
    let Some(server) = server.filter(|server| server.request().is_some()) else {
        return false;
    };
    let basic = server.request().and_then(ConnectRequest::basic);
    match number {
        2..=4 if basic.is_none() => server.challenge("a \"realm\"\r\nx: y"),
        5 => server.challenge("realm"),
        6 => {
            let response = Response::builder().status(403);
            server.reject(response.body("not for you".into()).unwrap());
        }
        _ => server.accept(HeaderMap::new()),
    }
    true
}
