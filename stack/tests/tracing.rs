//! The steps of connecting as spans of `tracing`.
#![cfg(feature = "tracing")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // sockets are the subject

mod support;

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use support::{connect_server, echo, proxy, socks_server};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use wirestack::tokio::connect;
use wirestack::{Gate, Policy};

/// Writes down what happens to spans.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<String>>, Arc<AtomicU64>);

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

#[tokio::test]
async fn each_step_is_a_span_without_secrets() {
    let target = echo(false).await;
    let (outer, _) = proxy(Gate::socks(Policy::loopback()), socks_server).await;
    let gate = Gate::connect(Policy::loopback()).with_basic("here", "you", "hidden");
    let (inner, _) = proxy(gate, connect_server).await;
    let notes = Notes::default();
    let guard = tracing::subscriber::set_default(notes.clone());
    let socket = connect(&format!("ws://localhost:{}/?token=hunter2", target.port()))
        .via(&format!("socks5h://me:secret@{outer}"))
        .via(&format!("http://you:hidden@localhost:{}", inner.port()))
        .await
        .unwrap();
    drop(guard);
    drop(socket);
    let notes = notes.0.lock().unwrap().clone();
    for wanted in [
        "1 opens dial",
        &format!("2 opens connect to={outer}"),
        "2 closes",
        "3 opens layer",
        " is name=\"socks\"",
        "3 closes",
        " is name=\"connect\"",
        " is name=\"websocket\"",
        "says message=ready",
        "1 closes",
    ] {
        assert!(notes.contains(wanted), "no {wanted:?} in\n{notes}");
    }
    for secret in ["secret", "hidden", "hunter2", "me:", "you:"] {
        assert!(!notes.contains(secret), "{notes}");
    }
}
