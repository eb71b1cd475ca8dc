//! The log of servers: one line for each connection, as text or as JSON, without secrets.

use crate::metrics::{Ended, Metrics};
use crate::output::{json_text, safe_text};
use clap::ValueEnum;
use serde::Deserialize;
use serde_json::json;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use wirestack::{AccessRecord, ProxyProtocol};

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

/// The log entry of one request of a client.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) peer: SocketAddr,
    pub(crate) user: Option<String>,
    pub(crate) protocol: &'static str,
    pub(crate) target: Option<String>,
    /// The method and the status of a request of HTTP.
    method: Option<String>,
    status: Option<u16>,
    started: Instant,
}

impl Record {
    pub(crate) fn new(peer: SocketAddr, protocol: &'static str) -> Self {
        Self {
            peer,
            user: None,
            protocol,
            target: None,
            method: None,
            status: None,
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
        self.write(record, ended, record.started.elapsed());
    }

    /// Writes down a request of a proxy.
    pub(crate) fn accessed(&self, access: &AccessRecord) {
        let mut record = Record::new(access.peer.unwrap_or(UNKNOWN), protocol(access.protocol));
        record.user.clone_from(&access.user);
        record.target.clone_from(&access.target);
        record.status = access.status;
        record.method = Some(access.method.clone()).filter(|method| !method.is_empty());
        let ended = match &access.error {
            None => Ok((access.sent, access.received)),
            Some(error) => Err(error.clone()),
        };
        self.write(&record, &ended, access.elapsed);
    }

    fn write(&self, record: &Record, ended: &Ended, elapsed: Duration) {
        self.metrics.ended(record.protocol, ended);
        if let Some(line) = self.line(record, ended, elapsed) {
            write_line(&line);
        }
    }

    /// Returns the line for a request. Nothing of a client ends it or moves a terminal.
    fn line(&self, record: &Record, ended: &Ended, elapsed: Duration) -> Option<String> {
        let ms = elapsed.as_millis();
        let (target, user) = (record.target.as_deref(), record.user.as_deref());
        match self.form {
            LogForm::None => None,
            LogForm::Json => {
                let (sent, received) = ended.as_ref().copied().unwrap_or_default();
                Some(json_text(&json!({
                    "time": unix_time(),
                    "peer": record.peer.to_string(),
                    "user": user,
                    "protocol": record.protocol,
                    "method": record.method,
                    "target": target,
                    "status": record.status,
                    "sent": sent,
                    "received": received,
                    "ms": u64::try_from(ms).unwrap_or(u64::MAX),
                    "error": ended.as_ref().err(),
                })))
            }
            LogForm::Text => {
                let user = user.map_or_else(String::new, |user| {
                    format!(" {}", safe_text(user.as_bytes()))
                });
                let target = safe_text(target.unwrap_or("-").as_bytes());
                let method = record.method.as_deref().filter(|it| *it != "CONNECT");
                let method = method.map_or_else(String::new, |method| {
                    format!(" {}", safe_text(method.as_bytes()))
                });
                let end = match ended {
                    Ok((sent, received)) => format!("{sent} sent, {received} received"),
                    Err(error) => error.clone(),
                };
                Some(format!(
                    "{}{user} {}{method} {target}: {end}, {ms} ms",
                    record.peer, record.protocol
                ))
            }
        }
    }

    /// Writes down what concerns the server itself.
    pub(crate) fn note(&self, text: &str) {
        if self.form == LogForm::Json {
            write_line(&json_text(&json!({ "time": unix_time(), "note": text })));
        } else {
            write_line(text);
        }
    }
}

fn protocol(spoken: Option<ProxyProtocol>) -> &'static str {
    match spoken {
        Some(ProxyProtocol::Socks4) => "socks4",
        Some(ProxyProtocol::Socks5) => "socks5",
        Some(ProxyProtocol::Http1) => "http1",
        Some(ProxyProtocol::Http2) => "http2",
        _ => "none",
    }
}

/// The address of a client of a Unix socket.
const UNKNOWN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Nobody can be told that the log cannot be written.
fn write_line(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn unix_time() -> f64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    (since.as_secs_f64() * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_log_holds_a_control_character_of_a_client() {
        let odd = "a\u{9b}2J\u{7f}\u{1b}[m\n192.0.2.7:1 you";
        let mut record = Record::new(UNKNOWN, "socks5");
        record.user = Some(odd.to_owned());
        record.target = Some(odd.to_owned());
        record.method = Some(odd.to_owned());
        for form in [LogForm::Text, LogForm::Json] {
            let log = Log::new(form, Arc::default());
            let line = log.line(&record, &Ok((1, 2)), Duration::ZERO);
            let line = line.expect("a line");
            assert!(!line.contains(char::is_control), "{line:?}");
            if form == LogForm::Json {
                let read: serde_json::Value = serde_json::from_str(&line).expect("JSON");
                assert_eq!(read["user"], odd);
            }
        }
    }
}
