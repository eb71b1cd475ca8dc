//! Redirects of the handshake.

use crate::support::{TLS, listen};
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use wirestack::dial::{Reason, RedirectError, Redirects};
use wirestack::websocket::Accept;
use wirestack::{ServerSocket, WebSocketServer, connect};

type Seen = Arc<Mutex<Vec<HeaderMap>>>;

/// Redirects requests for `/` to `to`, and accepts all others. Records the fields of each request.
async fn server(secure: bool, to: &str) -> (SocketAddr, Seen) {
    let (seen, to) = (Seen::default(), to.to_owned());
    let noted = seen.clone();
    let server = WebSocketServer::new(move |offer| {
        noted.lock().unwrap().push(offer.headers().clone());
        if offer.uri().path() != "/" {
            return Ok(Accept::new());
        }
        let response = http::Response::builder().status(302);
        let response = response.header("location", &to);
        Err(Box::new(response.body("elsewhere".into()).unwrap()))
    });
    let server = if secure {
        server.tls(TLS.server.clone())
    } else {
        server
    };
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (io, _) = listener.accept().await.unwrap();
            let server = server.clone();
            let each =
                |mut socket: ServerSocket, _| async move { while socket.next().await.is_some() {} };
            tokio::spawn(async move { drop(server.serve_connection(io, each).await) });
        }
    });
    (address, seen)
}

fn secrets() -> [(HeaderName, HeaderValue); 3] {
    let mut key = HeaderValue::from_static("secret");
    key.set_sensitive(true);
    [
        (AUTHORIZATION, HeaderValue::from_static("Bearer secret")),
        (COOKIE, HeaderValue::from_static("session=secret")),
        (HeaderName::from_static("x-key"), key),
    ]
}

#[tokio::test]
async fn pitfall_15_no_secret_follows_to_another_origin() {
    let (other, at_other) = server(false, "/").await;
    let (same, at_same) = server(false, "/more?x=1").await;
    let (first, at_first) = server(false, &format!("http://{other}/there")).await;
    for (target, seen, kept) in [(first, at_other, false), (same, at_same.clone(), true)] {
        let url = format!("ws://me:hidden@{target}/");
        let mut connect = connect(&url).direct().redirects(Redirects::Any);
        connect = connect.header(
            HeaderName::from_static("x-plain"),
            HeaderValue::from_static("y"),
        );
        for (name, value) in secrets().into_iter().skip(1) {
            connect = connect.header(name, value);
        }
        connect.await.unwrap();
        let fields = seen.lock().unwrap().last().unwrap().clone();
        assert!(fields.contains_key("x-plain"));
        for (name, _) in secrets() {
            assert_eq!(fields.contains_key(&name), kept, "{name}");
        }
        assert!(!format!("{fields:?}").contains("hidden") || kept);
    }
    let fields = at_first.lock().unwrap().remove(0);
    assert!(secrets().iter().all(|(name, _)| fields.contains_key(name)));
    assert_eq!(at_same.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn wss_never_becomes_ws_and_ws_may_become_wss() {
    let (secure, _) = server(true, "ws://localhost:1/").await;
    let to = |secure: SocketAddr, path: &str| format!("https://localhost:{}{path}", secure.port());
    let (plain, _) = server(false, &to(secure, "/there")).await;
    let open = |url: String, redirects| {
        let connect = connect(&url).direct().tls(TLS.client.clone());
        async move { connect.redirects(redirects).await.map(drop) }
    };
    open(format!("ws://{plain}/"), Redirects::Any)
        .await
        .unwrap();
    struct Row {
        url: String,
        redirects: Redirects,
        error: RedirectError,
    }
    for row in [
        Row {
            url: format!("wss://localhost:{}/", secure.port()),
            redirects: Redirects::Any,
            error: RedirectError::Insecure,
        },
        Row {
            url: format!("ws://{plain}/"),
            redirects: Redirects::SameOrigin,
            error: RedirectError::OtherOrigin,
        },
    ] {
        let error = open(row.url, row.redirects).await.unwrap_err();
        let Reason::Redirect { error, .. } = error.reason() else {
            panic!("{error}");
        };
        assert_eq!(*error, row.error);
    }
    let refused = open(format!("ws://{plain}/"), Redirects::Off)
        .await
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("refused the upgrade to websocket: 302"),
        "{refused}"
    );
}
