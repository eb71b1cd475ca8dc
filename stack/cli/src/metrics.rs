//! The counters of a server, as Prometheus reads them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use wirestack::runtime::{IntoTransport, Listener};
use wirestack::{Accepted, Connection, Engine, Error, Identity, Relayed, Serve, serve};

/// The counters. One `Metrics` is shared by all listeners of a program.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    open: AtomicU64,
    accepted: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    /// The number of requests by protocol, that ended well and that failed.
    requests: Mutex<BTreeMap<&'static str, (u64, u64)>>,
}

/// How a request ended: the bytes to the target and back, or the reason.
pub(crate) type Ended = Result<(u64, u64), String>;

/// Returns how the request ended whose bytes were relayed.
pub(crate) fn counted(relayed: Result<Relayed, Error>) -> Ended {
    relayed
        .map(|it| (it.sent, it.received))
        .map_err(|error| error.to_string())
}

/// Counts a connection as open, until it is dropped.
pub(crate) struct OpenGuard(Arc<Metrics>);

impl Metrics {
    /// Counts a connection that was accepted.
    pub(crate) fn accepted(self: &Arc<Self>) -> OpenGuard {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.accepted.fetch_add(1, Ordering::Relaxed);
        OpenGuard(self.clone())
    }

    /// Counts a request that ended.
    pub(crate) fn ended(&self, protocol: &'static str, ended: &Ended) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let (done, failed) = requests.entry(protocol).or_default();
        match ended {
            Ok((sent, received)) => {
                *done += 1;
                self.sent.fetch_add(*sent, Ordering::Relaxed);
                self.received.fetch_add(*received, Ordering::Relaxed);
            }
            Err(_) => *failed += 1,
        }
    }

    /// Answers everybody who connects: one client at a time, and none for long.
    pub(crate) fn serve(self: &Arc<Self>, listener: Listener) -> Serve {
        let this = self.clone();
        let answer = move |client: Accepted| {
            let this = this.clone();
            async move {
                let _ = timeout(ANSWER_TIMEOUT, this.answer(client)).await; // it may read nothing
            }
        };
        serve(listener, answer).max_connections(1)
    }

    async fn answer(&self, client: impl IntoTransport) -> io::Result<()> {
        let client = Connection::from_transport(client, Engine::new(Identity));
        let mut client = client.map_err(io::Error::other)?;
        let mut head = Vec::new();
        let mut chunk = [0; 1024];
        while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_HEAD {
            match client.read(&mut chunk).await? {
                0 => break,
                n => head.extend_from_slice(&chunk[..n]),
            }
        }
        let text = self.text();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            text.len()
        );
        client.write_all(head.as_bytes()).await?;
        client.write_all(text.as_bytes()).await?;
        client.shutdown().await
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let mut add = |name: &str, kind: &str, value: u64| {
            let _ = writeln!(text, "# TYPE {name} {kind}\n{name} {value}"); // a `String` takes all
        };
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        add("wirestack_connections_open", "gauge", count(&self.open));
        add(
            "wirestack_connections_total",
            "counter",
            count(&self.accepted),
        );
        add("wirestack_bytes_sent_total", "counter", count(&self.sent));
        add(
            "wirestack_bytes_received_total",
            "counter",
            count(&self.received),
        );
        text.push_str("# TYPE wirestack_requests_total counter\n");
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        for (protocol, (done, failed)) in &*requests {
            for (result, number) in [("done", done), ("failed", failed)] {
                let labels = format!("protocol=\"{protocol}\",result=\"{result}\"");
                let _ = writeln!(text, "wirestack_requests_total{{{labels}}} {number}");
            }
        }
        text
    }
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

const MAX_HEAD: usize = 8192;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
