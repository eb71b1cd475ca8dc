//! The report of a way that is open.

use super::certificate::Certificate;
use crate::output::{Output, Paint, safe_text};
use http::Response;
use std::net::SocketAddr;
use wirestack::dial::{Event, Trace};
use wirestack::{Connection, Layer, tls};

/// The facts of a way that is open.
pub(crate) struct Opened {
    pub(crate) trace: Trace,
    /// The layers from the wire up, each with its facts.
    pub(crate) layers: Vec<(String, String)>,
    /// The certificates of each peer over TLS, from the wire up, with the name of the hop or target.
    pub(crate) certificates: Vec<(String, Vec<Certificate>)>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) subprotocol: Option<String>,
    pub(crate) response: Option<Response<()>>,
}

impl Opened {
    pub(crate) fn new<L: Layer + 'static>(connection: &Connection<L>, trace: Trace) -> Self {
        let layers = connection.describe();
        let layers = layers
            .iter()
            .map(|status| (status.name.to_owned(), status.facts.to_string()));
        Self {
            layers: layers.collect(),
            certificates: certificates(connection, &trace),
            peer: connection.peer_addr().ok(),
            subprotocol: None,
            response: None,
            trace,
        }
    }

    /// Prints everything.
    pub(crate) fn print(&self, output: &Output) {
        output.line(self.trace.waterfall().to_string().trim_end());
        for (part, chain) in &self.certificates {
            output.line("");
            output.line(&output.painted(Paint::Bold, &format!("certificates of {part}")));
            for certificate in chain {
                output.line(&format!("  {certificate}"));
            }
        }
        if let Some(response) = &self.response {
            output.line("");
            let status = response.status();
            let subprotocol = match &self.subprotocol {
                Some(name) => format!(", subprotocol {name}"),
                None => String::new(),
            };
            let server = response.headers().get("server");
            let server = server.map_or_else(String::new, |value| {
                format!(", server {}", safe_text(value.as_bytes()))
            });
            output.line(&format!("websocket  {status}{subprotocol}{server}"));
        }
    }
}

/// Returns the certificates of each peer over TLS, from the wire up.
fn certificates<L: Layer + 'static>(
    connection: &Connection<L>,
    trace: &Trace,
) -> Vec<(String, Vec<Certificate>)> {
    let mut sessions = Vec::new();
    while let Some(session) = connection.nth_part::<tls::Client>(sessions.len()) {
        sessions.push(session);
    }
    // A connection that failed before the last one had layers too: the last ones are these.
    let parts = trace.events().filter_map(|(_, event)| match event {
        Event::LayerOpen {
            name: "tls", part, ..
        } => Some(part.to_string()),
        _ => None,
    });
    let parts: Vec<String> = parts.collect();
    let skipped = parts.len().saturating_sub(sessions.len());
    let mut named = parts.into_iter().skip(skipped);
    let mut certificates = Vec::new();
    for session in sessions.iter().rev() {
        let chain = session.peer_certificates().unwrap_or_default();
        let chain = chain.iter().map(|der| Certificate::read(der)).collect();
        certificates.push((named.next().unwrap_or_default(), chain));
    }
    certificates
}
