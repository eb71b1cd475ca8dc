//! What of the settings follows a redirect.

use wirestack_dial::{
    BoxSocket, Destination, DialError, Dialer, Hop, HttpVersions, Plan, Redirects, Routes,
    SharedConnection, Step, Target, Timeouts, WebSocketOptions,
};
use wirestack_layer::{Instant, Seed};
use wirestack_tls::Certificates;
use wirestack_websocket::ClientRequest;

const NOW: Instant = Instant::ORIGIN;

fn dialer(url: &str, unix: bool, certificates: &Certificates) -> Dialer<BoxSocket> {
    let mut options = WebSocketOptions::new(ClientRequest::new(url).unwrap());
    options.redirects = Redirects::Any;
    let mut target: Target = url.parse().unwrap();
    if unix {
        target = target.unix_socket("/run/one");
    }
    let plan = Plan::websocket(Routes::direct(), target, None, options).unwrap();
    let plan = plan.with_certificates(certificates).unwrap();
    Dialer::new(plan, Timeouts::default(), Seed::new([7; 32]), NOW)
}

/// Answers the first request by a redirect; returns where the first and the next one go.
fn redirect(dialer: &mut Dialer<BoxSocket>, location: &str) -> (Destination, Step) {
    let Step::Open { attempt, to } = dialer.step(NOW) else {
        panic!("an address is known");
    };
    let mut engine = dialer.opened(attempt, NOW).unwrap();
    engine.process(NOW);
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
    engine.from_wire().write(answer.as_bytes());
    engine.process(NOW);
    dialer.observe(attempt, &mut engine, NOW);
    loop {
        match dialer.step(NOW) {
            Step::Close { .. } => {}
            next => return (to, next),
        }
    }
}

/// Credentials and cookies follow to the same origin: to whatever listens at its TCP port, otherwise.
#[test]
fn a_redirect_at_a_unix_socket_stays_there() {
    let mut dialer = dialer("ws://localhost/", true, &Certificates::new());
    let (first, next) = redirect(&mut dialer, "/there");
    match next {
        Step::Open { to, .. } => assert_eq!(to, first),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_redirect_to_another_origin_leaves_the_unix_socket() {
    let mut dialer = dialer("ws://localhost/", true, &Certificates::new());
    let (first, next) = redirect(&mut dialer, "ws://192.0.2.7/");
    match next {
        Step::Open { to, .. } => assert_ne!(to, first),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_client_certificate_does_not_follow_to_another_origin() {
    let own = Certificates::new().ca_certificates("c");
    let own = own.client_certificate_bytes("a", "b");
    let mut dialer = dialer("ws://192.0.2.7/", false, &own);
    let (_, next) = redirect(&mut dialer, "wss://192.0.2.8/");
    let Step::MakeTls { task } = next else {
        panic!("{next:?}");
    };
    let shown = format!("{task:?}");
    assert!(shown.contains("client: None"), "{shown}");
    assert!(shown.contains("authorities: [1 bytes]"), "{shown}");
}

/// Dials the shared connection of an attempt through a proxy that answers so, and returns the error.
fn dial_shared(share: &SharedConnection, answer: &str) -> DialError {
    let plan = Plan::shared(share);
    let mut dialer = Dialer::new(plan, Timeouts::default(), Seed::new([7; 32]), NOW);
    let Step::Open { attempt, .. } = dialer.step(NOW) else {
        panic!("an address is known");
    };
    let mut engine = dialer.opened(attempt, NOW).unwrap();
    engine.process(NOW);
    dialer.observe(attempt, &mut engine, NOW);
    engine.from_wire().write(answer.as_bytes());
    engine.process(NOW);
    dialer.observe(attempt, &mut engine, NOW);
    loop {
        match dialer.step(NOW) {
            Step::Close { .. } => {}
            Step::Failed(error) => return error,
            other => panic!("{other:?}"),
        }
    }
}

/// Who answers CONNECT is the proxy, and what it says is not protected by the TLS of the target.
#[test]
fn a_redirect_by_a_proxy_is_not_followed_on_a_shared_connection_either() {
    let url = "ws://192.0.2.7/";
    let mut options = WebSocketOptions::new(ClientRequest::new(url).unwrap());
    options.redirects = Redirects::Any;
    options.versions = HttpVersions::Http2;
    let hop = |name: &str| name.parse::<Hop>().unwrap();
    let each = ["http://192.0.2.1:80", "http://192.0.2.2:80"];
    let routes = Routes::any_of(each.map(|name| vec![hop(name)]));
    let plan: Plan<BoxSocket> =
        Plan::websocket(routes, url.parse().unwrap(), None, options).unwrap();
    let plan = plan.sharing();
    let mut dialer = Dialer::new(plan, Timeouts::default(), Seed::new([7; 32]), NOW);
    let answer = "HTTP/1.1 302 Found\r\nLocation: ws://192.0.2.66/\r\nContent-Length: 0\r\n\r\n";
    let mut asked = 0;
    let error = loop {
        match dialer.step(NOW) {
            Step::Close { .. } => {}
            Step::Open { attempt, to } => {
                let Destination::Stream(share) = to else {
                    panic!("it is not shared: {to}");
                };
                asked += 1;
                let error = dial_shared(&share, answer);
                let error = error.layer_error().unwrap().clone();
                dialer.refused(attempt, error, NOW);
            }
            Step::Failed(error) => break error.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(asked, 2, "{error}"); // each route is tried
    assert!(error.contains("hop 1 (http://192.0.2.1:80)"), "{error}");
    assert!(error.contains("hop 1 (http://192.0.2.2:80)"), "{error}");
    assert!(!error.contains("target ("), "{error}");
}
