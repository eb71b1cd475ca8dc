//! The two layers of one tunnel: what their applications see and decide.

use crate::kit::{
    DATA, END_STREAM, GOAWAY, HEADERS, PREFACE, RST_STREAM, Side, WINDOW, WINDOW_UPDATE, connect,
    frame, greeted_client, headers, of_kind, settings, tunnel, websocket,
};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use wirestack_http2::{
    Awaiting, Challenged, Client, ConnectRequest, Http2Config, Http2Error, ProxyClient, Refusal,
    Server,
};
use wirestack_layer::{End, Flow, Layer, Pipe, Progress};

fn client() -> Side<Client> {
    let request = ConnectRequest::tunnel("example.org", 22).unwrap();
    Side::new(Client::new(request, Http2Config::default()))
}

fn ok() -> Vec<u8> {
    headers(1, 0, &[(":status", "200")])
}

fn error(side: &Side<impl Layer<In = Pipe, Out = Pipe>>) -> &wirestack_layer::Error {
    match side.to_app.closed() {
        Some(End::Aborted(error)) => error,
        other => panic!("not failed: {other:?}"),
    }
}

#[test]
fn a_client_is_open_once_it_has_a_response_that_opens_the_tunnel() {
    let mut side = client();
    assert_eq!(side.layer.name(), "http2");
    side.sent();
    side.receive(&settings(&[]));
    assert!(!side.layer.is_open());
    assert!(side.layer.response().is_none());
    assert!(
        side.layer
            .progress()
            .to_string()
            .contains("CONNECT response")
    );
    side.receive(&ok());
    assert!(side.layer.is_open());
    assert_eq!(side.layer.response().unwrap().status(), 200);
    assert_eq!(side.layer.progress().to_string(), "open");
}

#[test]
fn a_client_is_flushed_once_the_window_has_let_all_of_it_go() {
    let mut side = client();
    side.sent();
    side.receive(&settings(&[(WINDOW, 3)]));
    side.receive(&ok());
    assert!(side.layer.is_flushed());
    side.from_app.write(b"12345");
    let said = side.sent();
    assert_eq!(of_kind(&said, DATA)[0].payload, b"123");
    assert!(side.from_app.is_empty());
    assert!(!side.layer.is_flushed());
    let said = side.receive(&frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 2]));
    assert_eq!(of_kind(&said, DATA)[0].payload, b"45");
    assert!(side.layer.is_flushed());
}

#[test]
fn an_application_that_gives_up_at_a_challenge_gets_the_refusal_and_else_its_own_reason() {
    for challenged in [true, false] {
        let mut side = client();
        side.layer = side.layer.awaiting_authorization();
        side.sent();
        side.receive(&settings(&[]));
        if challenged {
            side.layer.authorize(None);
            side.sent();
            let fields = [(":status", "407"), ("proxy-authenticate", "Basic realm=x")];
            side.receive(&headers(1, END_STREAM, &fields));
        }
        assert!(side.layer.awaiting().is_some(), "{challenged}");
        side.layer.give_up();
        side.sent();
        let seen = match error(&side).cause() {
            Some(Http2Error::Refused(refusal)) => Some(refusal.status.as_u16()),
            Some(Http2Error::GivenUp) => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(seen, challenged.then_some(407));
    }
}

fn server(bytes: &[u8]) -> Side<Server> {
    let mut side = Side::new(Server::new(Http2Config::server()));
    side.receive(&[PREFACE, &settings(&[]), bytes].concat());
    side
}

#[test]
fn a_server_is_open_once_its_application_accepts() {
    let mut side = server(&[]);
    assert_eq!(side.layer.name(), "http2");
    assert!(side.layer.request().is_none());
    assert!(
        side.layer
            .progress()
            .to_string()
            .contains("the CONNECT request")
    );
    side.receive(&connect(1));
    assert_eq!(side.layer.request().unwrap().uri(), "example.org:22");
    assert!(matches!(
        side.layer.progress(),
        Progress::Deciding("the CONNECT request")
    ));
    side.from_app.write(b"early");
    assert!(of_kind(&side.sent(), DATA).is_empty());
    assert!(!side.layer.is_open());

    side.layer.accept(HeaderMap::new());
    assert!(side.layer.request().is_none());
    let said = side.sent();
    assert_eq!(of_kind(&said, HEADERS)[0].flags & END_STREAM, 0);
    assert_eq!(of_kind(&said, DATA)[0].payload, b"early");
    assert!(side.layer.is_open() && side.layer.is_flushed());
    // A second decision changes nothing.
    side.layer.reject(Response::new(Bytes::new()));
    assert!(side.sent().is_empty());
    assert!(side.layer.is_open());
}

/// Returns the refusals that a client reads in the answers to its streams 1 and 3.
fn refusals(said: &[u8]) -> [Option<Refusal>; 2] {
    let mut client = greeted_client(Http2Config::default(), &[]);
    let ids = [(); 2].map(|()| client.from_app.open(tunnel()).unwrap());
    client.sent();
    client.receive(said);
    ids.map(|id| match client.to_app.read(id).unwrap().end() {
        Some(End::Aborted(error)) => match error.cause() {
            Some(Http2Error::Refused(refusal)) => Some((**refusal).clone()),
            _ => panic!("{error}"),
        },
        _ => None,
    })
}

fn status(refusal: &Option<Refusal>) -> Option<u16> {
    refusal.as_ref().map(|refusal| refusal.status.as_u16())
}

#[test]
fn a_refusal_of_a_server_has_a_body_and_no_status_of_success() {
    for (chosen, wanted) in [(200, 403), (204, 403), (502, 502), (302, 302)] {
        let mut side = server(&connect(1));
        let mut response = Response::new("no".into());
        *response.status_mut() = StatusCode::from_u16(chosen).unwrap();
        side.layer.reject(response);
        let [first, second] = refusals(&side.sent());
        assert_eq!((status(&first), status(&second)), (Some(wanted), None));
        assert_eq!(first.unwrap().body, "no");
        assert!(!side.layer.is_open());
    }
}

#[test]
fn a_server_answers_what_opens_no_tunnel_by_itself() {
    let get = [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "example.org"),
        (":path", "/"),
    ];
    let mut side = server(&headers(1, END_STREAM, &get));
    assert!(side.layer.request().is_none());
    // The next request may be the one for a tunnel.
    side.receive(&websocket(3, "websocket"));
    assert_eq!(side.layer.request().unwrap().uri().path(), "/chat");

    let mut side = server(&[]);
    side.to_wire.discard();
    let said = side.receive(&headers(1, END_STREAM, &get));
    let [first, _] = refusals(&[settings(&[]), said].concat());
    let first = first.unwrap();
    assert_eq!(first.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(first.headers["allow"], "CONNECT");

    let mut side = server(&[]);
    let said = side.receive(&[connect(1), connect(3)].concat());
    assert_eq!(
        of_kind(&said, RST_STREAM)[0].stream,
        3,
        "one stream at once"
    );
    assert!(side.layer.request().is_some());

    let mut side = server(&[]);
    let no_port = [(":method", "CONNECT"), (":authority", "example.org")];
    let said = side.receive(&headers(1, 0, &no_port));
    let [first, _] = refusals(&[settings(&[]), said].concat());
    let first = first.unwrap();
    assert_eq!(first.status, StatusCode::BAD_REQUEST);
    assert!(!first.headers.contains_key("allow"));
}

#[test]
fn a_challenge_whose_connection_has_ended_is_answered_on_a_new_one() {
    let request = ConnectRequest::tunnel("example.org", 22).unwrap();
    let client = Client::new(request, Http2Config::default());
    let mut side = Side::new(client.awaiting_authorization());
    side.layer.authorize(None);
    side.receive(&settings(&[]));
    let fields = [(":status", "407"), ("proxy-authenticate", "Basic realm=x")];
    side.receive(&headers(1, END_STREAM, &fields));
    let reusable = |side: &Side<Client>| match side.layer.awaiting() {
        Some(Awaiting::Challenge { reusable, .. }) => Some(*reusable),
        _ => None,
    };
    assert_eq!(reusable(&side), Some(true));
    side.from_wire.finish();
    side.process();
    assert_eq!(reusable(&side), Some(false));
    side.layer.authorize(Some("Basic eDp5".parse().unwrap()));
    side.process();
    let error = error(&side);
    assert!(error.retry_hint::<Challenged>().is_some(), "{error}");
}

#[test]
fn a_client_without_a_login_gets_the_407_itself() {
    let mut side = client();
    side.sent();
    side.receive(&settings(&[]));
    let fields = [(":status", "407"), ("proxy-authenticate", "Basic realm=x")];
    side.receive(&headers(1, END_STREAM, &fields));
    assert!(side.layer.awaiting().is_none());
    let error = error(&side);
    let Some(Http2Error::Refused(refusal)) = error.cause() else {
        panic!("{error}")
    };
    assert_eq!(refusal.status, StatusCode::PROXY_AUTHENTICATION_REQUIRED);
    assert!(
        error.to_string().contains("CONNECT example.org:22"),
        "{error}"
    );
}

#[test]
fn a_client_ends_its_connection_when_its_tunnel_has_ended_both_ways() {
    let mut side = client();
    side.sent();
    side.receive(&settings(&[(WINDOW, 3)]));
    side.receive(&ok());
    side.from_app.write(b"12345");
    side.from_app.finish();
    side.sent();
    let said = side.receive(&frame(DATA, END_STREAM, 1, b"bye"));
    assert_eq!(side.to_app.unread(), b"bye");
    assert!(matches!(side.to_app.closed(), Some(End::Finished)));
    assert!(
        of_kind(&said, GOAWAY).is_empty() && !side.to_wire.is_closed(),
        "bytes wait"
    );
    let said = side.receive(&frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 2]));
    assert_eq!(of_kind(&said, DATA)[0].payload, b"45");
    assert!(
        matches!(side.to_wire.end(), Some(End::Finished)),
        "the connection too"
    );
}

#[test]
fn a_server_has_its_times_and_is_flushed_once_the_window_has_let_all_go() {
    let mut side = Side::new(Server::new(Http2Config::server()));
    side.process();
    assert!(side.layer.deadline().is_some(), "the time for the SETTINGS");
    let greeting = [PREFACE, &settings(&[(WINDOW, 3)]), &connect(1)].concat();
    side.receive(&greeting);
    side.layer.accept(HeaderMap::new());
    side.sent();
    side.from_app.write(b"12345");
    side.sent();
    assert!(side.from_app.is_empty() && !side.layer.is_flushed());
    side.receive(&frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 2]));
    assert!(side.layer.is_flushed());
}

#[test]
fn a_request_whose_connection_is_over_needs_no_decision() {
    let mut side = server(&connect(1));
    assert!(side.layer.request().is_some());
    side.from_app
        .abort(wirestack_layer::Error::local("app", "had enough"));
    side.sent();
    assert_eq!(side.layer.progress(), Progress::Over);
    assert!(side.layer.request().is_none());
}

#[test]
fn a_refusal_is_told_as_soon_as_its_excerpt_is_full() {
    let request = ConnectRequest::tunnel("example.org", 22).unwrap();
    let mut side = Side::new(Client::new(request, Http2Config::default().excerpt(1000)));
    side.sent();
    side.receive(&settings(&[]));
    side.receive(&headers(1, 0, &[(":status", "403")]));
    side.receive(&frame(DATA, 0, 1, &[b'x'; 600]));
    assert!(side.to_app.closed().is_none());
    side.receive(&frame(DATA, 0, 1, &[b'y'; 600]));
    let Some(Http2Error::Refused(refusal)) = error(&side).cause() else {
        panic!("{}", error(&side))
    };
    assert_eq!(
        refusal.body,
        [[b'x'; 600].as_slice(), &[b'y'; 400]].concat()
    );
}
