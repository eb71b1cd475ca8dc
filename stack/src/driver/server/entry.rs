//! An entry of the log of a proxy, while its request runs.

use super::outgoing::Refused;
use crate::driver::io::Relayed;
use crate::driver::runtime::Runtime;
use std::io;
use std::sync::Arc;
use wirestack_dial::serve::{AccessRecord, ProxyError, ProxyRequest};
use wirestack_layer::{Error, Instant, Layer};
use wirestack_nest::Engine;
use wirestack_socks as socks;

/// The function that gets the records of a log.
pub(crate) type Log = Arc<dyn Fn(&AccessRecord) + Send + Sync>;

/// An entry of a log. It is written when it is dropped, so that a request that is cut leaves one
/// too.
pub(crate) struct Entry {
    pub(crate) record: AccessRecord,
    pub(crate) relayed: Relayed,
    log: Option<Log>,
    runtime: Arc<dyn Runtime>,
    started: Instant,
    has_ended: bool,
}

impl Entry {
    pub(crate) fn new(record: AccessRecord, log: Option<Log>, runtime: Arc<dyn Runtime>) -> Self {
        Self {
            record,
            relayed: Relayed::default(),
            log,
            started: runtime.now(),
            runtime,
            has_ended: false,
        }
    }

    /// Creates an entry that nobody reads.
    pub(crate) fn unwritten(runtime: Arc<dyn Runtime>) -> Self {
        Self::new(AccessRecord::new(None), None, runtime)
    }

    /// Notes the user of a client of SOCKS.
    pub(crate) fn note_user<L: Layer + 'static>(&mut self, engine: &Engine<L>) {
        let request = engine.part::<socks::Server>().and_then(|s| s.request());
        if let Some(user) = request.and_then(socks::Request::user)
            && !user.is_empty()
        {
            self.record.user = Some(String::from_utf8_lossy(user).into_owned());
        }
    }

    pub(crate) fn note_request(&mut self, request: &ProxyRequest) {
        let (method, target) = match request {
            ProxyRequest::Connect(target) => ("CONNECT", target),
            ProxyRequest::Bind(target) => ("BIND", target),
            ProxyRequest::UdpAssociate(target) => ("UDP", target),
        };
        self.record.method = method.to_owned();
        self.record.target = Some(target.to_string());
    }

    pub(crate) fn note_refusal(&mut self, refused: &Refused) {
        self.record.error = Some(refused.detail.clone());
    }

    /// Notes that the proxy has no socket for a request. Returns the reason for the client.
    pub(crate) fn note_no_socket(&mut self, error: &io::Error) -> ProxyError {
        let refused = ProxyError::NoSocket;
        self.record.error = Some(format!("{refused}: {error}"));
        refused
    }

    /// Notes the end, unless a refusal was noted before.
    pub(crate) fn end(&mut self, result: &Result<(), Error>) {
        self.has_ended = true;
        if let Err(error) = result {
            let error = || error.to_string();
            self.record.error.get_or_insert_with(error);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Some(log) = &self.log else { return };
        if !self.has_ended {
            let error = || "the connection was cut".to_owned();
            self.record.error.get_or_insert_with(error);
        }
        self.record.sent += self.relayed.sent;
        self.record.received += self.relayed.received;
        let now = self.runtime.now();
        self.record.elapsed = now.saturating_duration_since(self.started);
        log(&self.record);
    }
}
