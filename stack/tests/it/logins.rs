//! Logins to proxies that need more than one message, with a proxy on a socket.

use crate::support::listen;
use http::HeaderValue;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirestack::auth::{CredentialKind, Scheme, SchemeAction, SchemeInput};
use wirestack::connect_stream;
use wirestack::dial::{Environment, Hop, Phase, Reason, Routes, Timeouts};

/// A scheme whose ticket comes when the other end of its channel is closed.
struct Blocking(Arc<Mutex<Receiver<()>>>);

impl Scheme for Blocking {
    fn name(&self) -> &str {
        "Negotiate"
    }

    fn strength(&self) -> u8 {
        40
    }

    fn credential_kind(&self) -> CredentialKind {
        CredentialKind::Ticket
    }

    fn step(&mut self, input: SchemeInput<'_>) -> SchemeAction {
        match input {
            SchemeInput::Challenge { .. } => SchemeAction::RunBlocking,
            SchemeInput::Ran => {
                SchemeAction::Authorize(Some(HeaderValue::from_static("Negotiate abc")))
            }
            _ => SchemeAction::Authorize(None),
        }
    }

    fn run_blocking(&mut self) {
        let _ = self.0.lock().unwrap().recv();
    }
}

/// Starts a proxy that wants Negotiate, and then opens a tunnel to itself.
async fn gate() -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (mut io, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut heard = Vec::new();
                while io.read_buf(&mut heard).await.unwrap_or(0) > 0 {
                    if !heard.ends_with(b"\r\n\r\n") {
                        continue;
                    }
                    let head = String::from_utf8_lossy(&heard).to_lowercase();
                    heard.clear();
                    let answer: &[u8] = if head.contains("proxy-authorization: negotiate abc") {
                        b"HTTP/1.1 200 Fine\r\n\r\nhello"
                    } else {
                        b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\nProxy-Authenticate: Negotiate\r\n\r\n"
                    };
                    io.write_all(answer).await.unwrap();
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_login_that_blocks_is_waited_for_and_given_up_in_time() {
    let proxy = gate().await;
    for ends in [true, false] {
        let (until, blocked) = channel::<()>();
        let blocked = Arc::new(Mutex::new(blocked));
        let hop: Hop = format!("http://{proxy}").parse().unwrap();
        let hop = hop.scheme(move |_| Box::new(Blocking(blocked.clone())));
        let mut timeouts = Timeouts::default();
        if ends {
            drop(until);
            let connect = connect_stream("tcp://example.org:22").via(hop);
            let mut io = connect.timeouts(timeouts).await.unwrap();
            let mut heard = [0; 5];
            io.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"hello");
            continue;
        }
        timeouts.layer = Duration::from_millis(50);
        let connect = connect_stream("tcp://example.org:22").via(hop);
        let error = connect.timeouts(timeouts).await.expect_err("it never ends");
        let Reason::TimedOut { phase, .. } = error.reason() else {
            panic!("{error}");
        };
        assert_eq!(*phase, Phase::LogIn, "{error}");
        drop(until); // so that the thread ends
    }
}

#[tokio::test]
async fn each_hop_is_changed_whoever_named_it() {
    let proxy = gate().await;
    let of_environment = Environment::new([("all_proxy", format!("http://{proxy}"))]);
    let of_file = Routes::pac(&format!("PROXY {proxy}")).unwrap();
    for routes in [Routes::environment(of_environment), of_file] {
        let connect = connect_stream("tls://example.org:443").routes(routes);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let changed = asked.clone();
        let connect = connect.each_hop(move |hop| {
            changed.lock().unwrap().push(hop.to_string());
            let (_, blocked) = channel();
            let blocked = Arc::new(Mutex::new(blocked));
            hop.scheme(move |_| Box::new(Blocking(blocked.clone())))
        });
        // The tunnel opens; what is in it is no TLS.
        let error = connect.await.expect_err("no TLS");
        assert!(
            error.to_string().contains("target (tls://example.org:443)"),
            "{error}"
        );
        assert_eq!(*asked.lock().unwrap(), [format!("http://{proxy}")]);
    }
}
