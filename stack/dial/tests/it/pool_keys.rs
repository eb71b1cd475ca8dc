//! The keys of shared connections: two dialings share one only if they mean the same server.

use std::sync::Arc;
use wirestack_dial::auth::{Action, Authenticator, Input};
use wirestack_dial::{
    BoxSocket, Destination, Dialer, Hop, HttpVersions, Plan, PoolKey, Routes, Step, Target,
    Timeouts, WebSocketOptions,
};
use wirestack_http2::Http2Config;
use wirestack_layer::{Instant, Seed};
use wirestack_tls::Certificates;
use wirestack_websocket::ClientRequest;

const URL: &str = "wss://example.org/";

fn key(hops: Vec<Hop>, target: Target, http2: Http2Config, certificates: &Certificates) -> PoolKey {
    let mut options = WebSocketOptions::new(ClientRequest::new(URL).unwrap());
    options.versions = HttpVersions::Http2;
    options.http2 = http2;
    let plan: Plan<BoxSocket> = Plan::websocket(Routes::hops(hops), target, None, options).unwrap();
    let plan = plan.with_certificates(certificates).unwrap().sharing();
    let seed = Seed::new([7; 32]);
    let mut dialer = Dialer::new(plan, Timeouts::default(), seed, Instant::ORIGIN);
    match dialer.step(Instant::ORIGIN) {
        Step::Open {
            to: Destination::Stream(share),
            ..
        } => share.key(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_socket_the_name_and_the_limits_of_a_target_are_in_its_key() {
    let target = || URL.parse::<Target>().unwrap();
    let usual = || (target(), Http2Config::default());
    let cases = [
        usual(),
        (target().unix_socket("/run/one"), Http2Config::default()),
        (target().unix_socket("/run/two"), Http2Config::default()),
        (target().server_name("other.test"), Http2Config::default()),
        (target(), Http2Config::default().streams(7)),
    ];
    let key = |(target, http2)| key(Vec::new(), target, http2, &Certificates::new());
    assert_eq!(key(usual()), key(usual()));
    let keys = cases.map(key);
    for (n, one) in keys.iter().enumerate() {
        for (m, other) in keys.iter().enumerate() {
            assert_eq!(one == other, n == m, "{n} and {m}");
        }
    }
}

/// A key names some settings by their address in memory, which others could have when it is free.
#[test]
fn the_settings_that_a_key_names_live_as_long_as_the_key() {
    let alive = Arc::new(());
    let watched = Arc::downgrade(&alive);
    let hop: Hop = "http://proxy.test:1".parse().unwrap();
    let hop = hop.authenticator(move |_| {
        let _ = &alive;
        Box::new(Nobody)
    });
    let target = URL.parse().unwrap();
    let none = Certificates::new();
    let kept = key(vec![hop], target, Http2Config::default(), &none);
    assert!(watched.upgrade().is_some());
    drop(kept);
    assert!(watched.upgrade().is_none());
}

#[test]
fn certificates_in_memory_that_are_made_later_have_another_key() {
    let key = |own: &Certificates| {
        let target = URL.parse().unwrap();
        key(Vec::new(), target, Http2Config::default(), own)
    };
    let own = Certificates::new().client_certificate_bytes("a", "b");
    let kept = key(&own);
    assert_eq!(key(&own), kept);
    drop(own);
    let later = Certificates::new().client_certificate_bytes("a", "b");
    assert_ne!(key(&later), kept);
}

struct Nobody;

impl Authenticator for Nobody {
    fn step(&mut self, _: Input<'_>) -> Action {
        Action::Authorize(None)
    }
}
