//! Spans and events of `tracing`.

use crate::support::{connect_server, echo, proxy, socks_server};
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use wirestack::connect;
use wirestack::{AccessPolicy, ProxyServer};

/// A subscriber that writes a line for each change of a span.
#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<String>>, Arc<AtomicU64>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Notes {
    fn note(&self, text: &str) {
        writeln!(self.0.lock().unwrap(), "{text}").unwrap();
    }
}

impl Subscriber for Notes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("wirestack")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.1.fetch_add(1, Ordering::Relaxed) + 1;
        let mut fields = Fields(String::new());
        span.record(&mut fields);
        self.note(&format!(
            "{id} opens {}{}",
            span.metadata().name(),
            fields.0
        ));
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        self.note(&format!("{} is{}", span.into_u64(), fields.0));
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.note(&format!("says{}", fields.0));
    }

    fn try_close(&self, id: Id) -> bool {
        self.note(&format!("{} closes", id.into_u64()));
        true
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

impl Notes {
    /// Returns everything that was noted.
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn each_step_is_a_span_without_secrets() {
    let target = echo(false).await;
    let (outer, _) = proxy(ProxyServer::socks(AccessPolicy::loopback()), socks_server).await;
    let gate = ProxyServer::connect(AccessPolicy::loopback()).with_basic("here", "you", "hidden");
    let (inner, _) = proxy(gate, connect_server).await;
    let notes = Notes::default();
    let guard = tracing::subscriber::set_default(notes.clone());
    let socket = connect(format!("ws://localhost:{}/?token=hunter2", target.port()))
        .via(format!("socks5h://me:secret@{outer}"))
        .via(format!("http://you:hidden@localhost:{}", inner.port()))
        .await
        .unwrap();
    drop(guard);
    drop(socket);
    let notes = notes.0.lock().unwrap().clone();
    for wanted in [
        "1 opens dial",
        &format!("2 opens connect to={outer}"),
        "2 closes",
        "3 opens connection",
        "4 opens layer name=\"socks\" place=0",
        "says message=opening, waiting for the choice of a method",
        "4 is facts=\"bound 127.0.0.1:",
        "opens layer name=\"connect\" place=1",
        "opens layer name=\"websocket\" place=2",
        &format!(
            "says message=connect    open  hop 2 (http://localhost:{})",
            inner.port()
        ),
        "says message=open\n",
        "says message=ready",
        "1 closes",
        "3 closes",
    ] {
        assert!(notes.contains(wanted), "no {wanted:?} in\n{notes}");
    }
    for secret in ["secret", "hidden", "hunter2", "me:", "you:"] {
        assert!(!notes.contains(secret), "{notes}");
    }
}

#[test]
fn an_accepted_connection_records_how_its_layers_open_and_close_and_why() {
    use wirestack::{Engine, Flow, Nest, socks, websocket};
    let now = wirestack::Instant::now();
    let notes = Notes::default();
    tracing::subscriber::with_default(notes.clone(), || {
        let socket = websocket::Server::established(websocket::WebSocketConfig::default());
        let mut engine = Engine::new(socket.over(socks::Server::new()));
        let mut hear = |bytes: &[u8]| {
            engine.from_wire().write(bytes);
            engine.process(now);
            if let Some(server) = engine.part_mut::<socks::Server>() {
                server.accept(socks::Address::new("192.0.2.1", 7).unwrap());
            }
            engine.process(now);
            engine.to_wire().discard();
            engine.to_app().discard(); // an error waits behind unread bytes
            engine.process(now);
        };
        hear(b"\x05\x01\x00");
        hear(b"\x05\x01\x00\x03\x0bexample.org\0\x50");
        hear(b"\x81\x86\0\0\0\0hidden"); // a message
        hear(b"\x81\x01x"); // not masked
        drop(engine);
    });
    let notes = notes.0.lock().unwrap().clone();
    let wanted = [
        "1 opens connection",
        "2 opens layer name=\"socks\" place=0",
        "says message=opening, waiting for the request",
        "3 opens layer name=\"websocket\" place=1",
        "says message=waiting for a decision on the CONNECT request",
        "2 is facts=\"connected to example.org:80, bound 192.0.2.1:7\"",
        "says message=open",
        "3 closes",
        "1 closes",
    ];
    for wanted in wanted {
        assert!(notes.contains(wanted), "no {wanted:?} in\n{notes}");
    }
    println!("{notes}");
    assert!(notes.contains("1 is reason=\"websocket[1]: "), "{notes}");
    assert!(!notes.contains("hidden"), "{notes}");
}
