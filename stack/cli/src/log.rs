//! The log of servers: one line for each connection, as text or as JSON, without secrets.

use crate::metrics::{Ended, Metrics};
use crate::output::safe_text;
use clap::ValueEnum;
use serde::Deserialize;
use serde_json::json;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The form of a log.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogForm {
    /// One line of text for each connection
    #[default]
    Text,
    /// One JSON object for each connection
    Json,
    /// Nothing but errors of the server itself
    None,
}

/// The log and the counters of a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    form: LogForm,
    metrics: Arc<Metrics>,
}

/// What is known of one request of a client.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) peer: SocketAddr,
    pub(crate) user: Option<String>,
    pub(crate) protocol: &'static str,
    pub(crate) target: Option<String>,
    started: Instant,
}

impl Record {
    pub(crate) fn new(peer: SocketAddr, protocol: &'static str) -> Self {
        Self {
            peer,
            user: None,
            protocol,
            target: None,
            started: Instant::now(),
        }
    }
}

impl Log {
    pub(crate) fn new(form: LogForm, metrics: Arc<Metrics>) -> Self {
        Self { form, metrics }
    }

    /// Returns the counters.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Writes down how a request ended.
    pub(crate) fn ended(&self, record: &Record, ended: &Ended) {
        self.metrics.ended(record.protocol, ended);
        let ms = record.started.elapsed().as_millis();
        let (target, user) = (record.target.as_deref(), record.user.as_deref());
        match self.form {
            LogForm::None => {}
            LogForm::Json => {
                let (sent, received) = ended.as_ref().copied().unwrap_or_default();
                write_line(&json!({
                    "time": unix_time(),
                    "peer": record.peer.to_string(),
                    "user": user,
                    "protocol": record.protocol,
                    "target": target,
                    "sent": sent,
                    "received": received,
                    "ms": u64::try_from(ms).unwrap_or(u64::MAX),
                    "error": ended.as_ref().err(),
                }));
            }
            LogForm::Text => {
                let user = user.map_or_else(String::new, |user| {
                    format!(" {}", safe_text(user.as_bytes()))
                });
                let target = safe_text(target.unwrap_or("-").as_bytes());
                let end = match ended {
                    Ok((sent, received)) => format!("{sent} sent, {received} received"),
                    Err(error) => error.clone(),
                };
                write_line(&format!(
                    "{}{user} {} {target}: {end}, {ms} ms",
                    record.peer, record.protocol
                ));
            }
        }
    }

    /// Writes down what concerns the server itself.
    pub(crate) fn note(&self, text: &str) {
        if self.form == LogForm::Json {
            write_line(&json!({ "time": unix_time(), "note": text }));
        } else {
            write_line(&text);
        }
    }
}

/// Nobody can be told that the log cannot be written.
fn write_line(line: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn unix_time() -> f64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    (since.as_secs_f64() * 1e3).round() / 1e3
}
