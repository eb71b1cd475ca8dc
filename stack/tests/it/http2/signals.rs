//! Servers that want HTTP/1.1, that did not process a request, or that speak no HTTP/2.

use super::names;
use super::scripted::{Script, frame, goaway, reset, settings, start, status};
use crate::support::{TLS, echo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirestack::dial::{Hop, NoHttp2};
use wirestack::websocket::Message;
use wirestack::{Connect, Pool, connect, connect_stream};

const BOTH: Option<&[&str]> = Some(&["h2", "http/1.1"]);

fn wss(port: u16) -> Connect {
    let connect = connect(format!("wss://localhost:{port}/chat"));
    connect.direct().tls(TLS.client.clone())
}

fn answers(answer: Vec<u8>) -> Script {
    Script {
        answer,
        ..Script::default()
    }
}

/// The signals by which a server sends a WebSocket to HTTP/1.1.
fn signals() -> Vec<(&'static str, Script)> {
    let mut signals = vec![
        ("HTTP_1_1_REQUIRED on the stream", answers(reset(13))),
        (
            "HTTP_1_1_REQUIRED on the connection",
            answers(goaway(0, 13)),
        ),
        (
            "HTTP_1_1_REQUIRED, the last stream is ours",
            Script {
                answer: goaway(1, 13),
                ends: true,
                ..Script::default()
            },
        ),
        (
            "HTTP_1_1_REQUIRED in the greeting",
            Script {
                greeting: goaway(0, 13),
                ..Script::default()
            },
        ),
        (
            "no extended CONNECT",
            Script {
                greeting: settings(&[(8, 0)]),
                ..Script::default()
            },
        ),
    ];
    for code in ["400", "405", "421", "426", "501", "505"] {
        let body = frame(0, 1, 1, b"no");
        signals.push((code, answers([status(code), body].concat())));
    }
    signals
}

#[tokio::test]
async fn pitfall_66_a_server_that_wants_http1_gets_it_and_only_where_it_is_allowed() {
    for (name, script) in signals() {
        for shares in [false, true] {
            let (port, seen) = start(vec![script.clone()], BOTH).await;
            let pool = Pool::new(Default::default());
            let mut connect = wss(port);
            if shares {
                connect = connect.sharing(&pool);
            }
            let mut socket = connect
                .await
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(names(&socket.describe()), ["tls", "websocket"], "{name}");
            socket.send(Message::text("hello")).await.unwrap();
            assert_eq!(
                socket.next().await.unwrap().unwrap(),
                Message::text("hello")
            );
            assert_eq!(seen.lock().unwrap().len(), 2, "{name}, {shares}");

            let (port, seen) = start(vec![script.clone()], BOTH).await;
            let mut connect = wss(port).http2_only();
            if shares {
                connect = connect.sharing(&pool);
            }
            let error = connect.await.map(drop).unwrap_err().to_string();
            assert!(error.contains("http2["), "{name}: {error}");
            assert_eq!(seen.lock().unwrap().len(), 1, "{name}, {shares}");
        }
    }
}

#[tokio::test]
async fn an_answer_of_the_application_is_not_asked_for_again() {
    for code in ["401", "403", "404", "500", "502", "503"] {
        let script = answers([status(code), frame(0, 1, 1, b"no")].concat());
        let (port, seen) = start(vec![script], BOTH).await;
        let error = wss(port).await.map(drop).unwrap_err().to_string();
        assert!(error.contains(code), "{error}");
        assert_eq!(seen.lock().unwrap().len(), 1, "{code}");
    }
}

/// Frames of a server, and `true` if a client may ask once more.
fn refusals() -> Vec<(&'static str, Script, bool)> {
    let ends = |answer: Vec<u8>| Script {
        answer,
        ends: true,
        ..Script::default()
    };
    let greets = |greeting: Vec<u8>| Script {
        greeting,
        ..Script::default()
    };
    vec![
        ("REFUSED_STREAM", answers(reset(7)), true),
        ("GOAWAY", answers(goaway(0, 0)), true),
        ("GOAWAY and the end", ends(goaway(0, 0)), true),
        ("GOAWAY in the greeting", greets(goaway(0, 0)), true),
        ("GOAWAY, INTERNAL_ERROR", ends(goaway(0, 2)), true),
        ("GOAWAY, ENHANCE_YOUR_CALM", ends(goaway(0, 11)), false),
        ("GOAWAY, PROTOCOL_ERROR", ends(goaway(0, 1)), false),
        ("GOAWAY behind the request", ends(goaway(1, 0)), false),
        ("INTERNAL_ERROR", answers(reset(2)), false),
        ("CANCEL", answers(reset(8)), false),
        ("the end", ends(Vec::new()), false),
    ]
}

#[tokio::test]
async fn pitfall_66_a_request_that_was_not_processed_is_sent_once_more_and_no_other() {
    let opens = || answers(status("200"));
    for (name, script, again) in refusals() {
        for shares in [false, true] {
            let pool = Pool::new(Default::default());
            let dial = |port: u16| {
                let alone = wss(port).http2_only();
                if shares { alone.sharing(&pool) } else { alone }
            };
            // The next connection does better.
            let (port, seen) = start(vec![script.clone(), opens()], BOTH).await;
            let opened = dial(port).await.map(drop);
            assert_eq!(opened.is_ok(), again, "{name}, {shares}: {opened:?}");
            assert_eq!(seen.lock().unwrap().len(), 1 + usize::from(again), "{name}");
            // The next one does no better.
            let (port, seen) = start(vec![script.clone()], BOTH).await;
            dial(port).await.map(drop).unwrap_err();
            assert_eq!(seen.lock().unwrap().len(), 1 + usize::from(again), "{name}");
            // A proxy does the same.
            let (port, seen) = start(vec![script.clone(), opens()], BOTH).await;
            let mut connect = connect_stream("tcp://target.test:1").tls(TLS.client.clone());
            connect = connect.via(format!("h2://localhost:{port}"));
            if shares {
                connect = connect.sharing(&pool);
            }
            assert_eq!(connect.await.is_ok(), again, "{name}, {shares}");
            assert_eq!(seen.lock().unwrap().len(), 1 + usize::from(again), "{name}");
        }
    }
}

#[tokio::test]
async fn a_shared_connection_that_goes_away_keeps_its_streams_and_gets_no_new_ones() {
    let first = Script {
        answer: [status("200"), goaway(1, 0)].concat(),
        farewell: frame(0, 0, 1, b"\x81\x02hi"),
        ..Script::default()
    };
    let (port, seen) = start(vec![first, answers(status("200"))], BOTH).await;
    let pool = Pool::new(Default::default());
    let mut one = wss(port).http2_only().sharing(&pool).await.unwrap();
    for _ in 0..3 {
        wss(port)
            .http2_only()
            .sharing(&pool)
            .await
            .map(drop)
            .unwrap();
    }
    assert_eq!(seen.lock().unwrap().len(), 2);
    one.send(Message::text("still here")).await.unwrap();
    assert_eq!(one.next().await.unwrap().unwrap(), Message::text("hi"));
}

#[tokio::test]
async fn pitfall_68_a_peer_without_http2_is_told_so_at_once() {
    for (alpn, chose) in [
        (
            &["http/1.1"][..],
            "nothing (the alert no_application_protocol)",
        ),
        (&[], "nothing"),
    ] {
        let (port, seen) = start(vec![Script::default()], Some(alpn)).await;
        let pool = Pool::new(Default::default());
        let hop = format!("h2://localhost:{port}");
        let through = || {
            let connect = connect_stream("tcp://target.test:1").tls(TLS.client.clone());
            connect.via(hop.as_str())
        };
        let proxy = format!("the proxy does not speak HTTP/2: ALPN chose {chose}");
        for error in [
            through().await.unwrap_err(),
            through().sharing(&pool).await.unwrap_err(),
        ] {
            assert!(error.to_string().ends_with(&proxy), "{error}");
            let cause = error.layer_error().unwrap().cause::<NoHttp2>().unwrap();
            assert_eq!(cause.peer, "proxy");
        }
        let server = format!("the server does not speak HTTP/2: ALPN chose {chose}");
        for connect in [
            wss(port).http2_only(),
            wss(port).http2_only().sharing(&pool),
        ] {
            let error = connect.await.map(drop).unwrap_err().to_string();
            assert!(error.ends_with(&server), "{error}");
        }
        assert_eq!(seen.lock().unwrap().len(), 4);
        // A shared connection is possible and not needed.
        let connect = wss(port).sharing(&pool).await.unwrap();
        assert_eq!(names(&connect.describe()), ["tls", "websocket"]);
    }
}

#[tokio::test]
async fn an_https_hop_is_offered_http2_if_the_user_says_so() {
    let hop = |port: u16| {
        let hop: Hop = format!("https://localhost:{port}").parse().unwrap();
        hop.http2_if_offered()
    };
    let dial = |hop: Hop| {
        let connect = connect_stream("tcp://target.test:1").tls(TLS.client.clone());
        connect.via(hop)
    };
    let opens = || Script {
        answer: status("200"),
        farewell: frame(0, 1, 1, b"through"),
        ..Script::default()
    };
    let (port, seen) = start(vec![opens()], BOTH).await;
    let mut stream = dial(hop(port)).await.unwrap();
    assert_eq!(names(&stream.describe()), ["tls", "http2"]);
    stream.write_all(b"hello").await.unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "through");
    assert_eq!(seen.lock().unwrap().len(), 1);

    // Without the setting, and at a proxy that does not offer it, it is HTTP/1.1.
    let https = crate::support::proxy(
        wirestack::ProxyServer::connect(wirestack::AccessPolicy::loopback()),
        crate::support::secure_connect_server,
    );
    let (proxy, _results) = https.await;
    let target = echo(false).await;
    for hop in [
        hop(proxy.port()),
        format!("https://localhost:{}", proxy.port())
            .parse()
            .unwrap(),
    ] {
        let connect = connect(format!("ws://{target}/")).tls(TLS.client.clone());
        let mut socket = connect.via(hop).await.unwrap();
        assert_eq!(names(&socket.describe()), ["tls", "connect", "websocket"]);
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(
            socket.next().await.unwrap().unwrap(),
            Message::text("hello")
        );
    }

    // A proxy that wants HTTP/1.1 is asked so on the next connection, and one of `h2://` is not.
    for required in [reset(13), goaway(0, 13)] {
        let (port, seen) = start(vec![answers(required.clone())], BOTH).await;
        let error = dial(hop(port)).await.unwrap_err().to_string();
        // The server of this test speaks no CONNECT over HTTP/1.1.
        assert!(error.contains("connect["), "{error}");
        assert_eq!(seen.lock().unwrap().len(), 2);
        let (port, seen) = start(vec![answers(required)], BOTH).await;
        let h2 = format!("h2://localhost:{port}").parse().unwrap();
        let error = dial(h2).await.unwrap_err().to_string();
        assert!(error.contains("http2["), "{error}");
        assert_eq!(seen.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn pitfall_65_a_proxy_whose_target_answers_and_ends_at_once_loses_nothing() {
    for code in [None, Some(0), Some(8)] {
        let answer = [
            status("200"),
            frame(0, 0, 1, b"all "),
            frame(0, 1, 1, b"of it"),
            code.map(reset).unwrap_or_default(),
        ];
        for (alpn, scheme) in [(BOTH, "h2"), (None, "h2c")] {
            let (port, _) = start(vec![answers(answer.concat())], alpn).await;
            let connect = connect_stream("tcp://target.test:1").tls(TLS.client.clone());
            let connect = connect.via(format!("{scheme}://localhost:{port}"));
            let mut stream = connect.await.unwrap();
            let mut heard = String::new();
            stream.read_to_string(&mut heard).await.unwrap();
            assert_eq!(heard, "all of it");
        }
    }
}
