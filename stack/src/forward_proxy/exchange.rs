//! One request of a client, in both versions of HTTP: its login, its record, and the connection to its
//! target.

use super::outgoing::connect_to;
use super::{Client, ForwardProxy};
use crate::connect::ByteStream;
use crate::driver::runtime::{Runtime, sleep};
use crate::driver::server::deciding::unless;
use crate::driver::server::entry::Entry;
use crate::driver::server::outgoing::Refused;
use bytes::Bytes;
use http::header::{HeaderMap, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use http::{HeaderValue, Method, Response, StatusCode};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use wirestack_dial::Endpoint;
use wirestack_dial::auth::Credentials;
use wirestack_dial::serve::{AccessRecord, ProxyProtocol, refusal};
use wirestack_http::{basic_challenge, read_basic_credentials};
use wirestack_layer::HostPort;

/// The proxy, and the client of its requests.
#[derive(Clone)]
pub(super) struct Exchange {
    pub(super) proxy: ForwardProxy,
    peer: Option<SocketAddr>,
    protocol: ProxyProtocol,
    runtime: Arc<dyn Runtime>,
}

/// A response that refuses a request.
pub(super) type Refusal = Box<Response<Bytes>>;

impl Exchange {
    pub(super) fn new(proxy: &ForwardProxy, client: &Client, protocol: ProxyProtocol) -> Self {
        Self {
            proxy: proxy.clone(),
            peer: client.peer,
            protocol,
            runtime: client.runtime.clone(),
        }
    }

    pub(super) fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.runtime
    }

    /// Returns the time without a byte after which a tunnel or an exchange is cut.
    pub(super) fn idle(&self) -> Duration {
        self.proxy.server.timeouts().idle
    }

    pub(super) fn entry(&self, method: &Method) -> Entry {
        let mut record = AccessRecord::new(self.peer);
        record.protocol = Some(self.protocol);
        record.method = method.to_string();
        Entry::new(record, self.proxy.log.clone(), self.runtime.clone())
    }

    /// Checks the credentials of a request.
    pub(super) async fn log_in(
        &self,
        headers: &HeaderMap,
        entry: &mut Entry,
    ) -> Result<(), Refusal> {
        let Some(authenticate) = &self.proxy.authenticate else {
            return Ok(());
        };
        let shown = headers.get(PROXY_AUTHORIZATION);
        let Some((user, password)) = shown.and_then(read_basic_credentials) else {
            return Err(self.challenge(entry, "no login"));
        };
        entry.record.user = Some(user.clone());
        let checking = authenticate(Credentials::new(user, password));
        let late = sleep(&*self.runtime, self.proxy.handshake_timeout);
        match unless(late, checking).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.challenge(entry, "a wrong user or password")),
            Err(_) => {
                let text = "the check of the login took too long";
                entry.record.error = Some(text.to_owned());
                Err(refusal(StatusCode::SERVICE_UNAVAILABLE, text))
            }
        }
    }

    fn challenge(&self, entry: &mut Entry, why: &str) -> Refusal {
        entry.record.error = Some(why.to_owned());
        let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        let mut response = refusal(status, "this proxy wants a user and a password");
        let challenge = basic_challenge(&self.proxy.realm);
        if let Ok(challenge) = HeaderValue::try_from(challenge.as_str()) {
            response.headers_mut().insert(PROXY_AUTHENTICATE, challenge);
        }
        response
    }

    /// Opens the tunnel of a CONNECT to this target.
    pub(super) async fn connect(
        &self,
        target: Option<HostPort<'_>>,
        entry: &mut Entry,
    ) -> Result<ByteStream, Refusal> {
        let target = target.filter(|target| target.port() != 0 && target.kind().is_ok());
        let Some(target) = target else {
            let text = "the target has no valid host and port";
            entry.record.error = Some(text.to_owned());
            return Err(refusal(StatusCode::BAD_REQUEST, text));
        };
        let target = Endpoint {
            host: target.host().to_owned(),
            port: target.port(),
        };
        entry.record.target = Some(target.to_string());
        let proxy = &self.proxy;
        connect_to(&self.runtime, target, &proxy.server, &proxy.upstream)
            .await
            .map_err(|refused| refuse(entry, &refused))
    }
}

/// Returns the response for a target that was not connected to.
pub(super) fn refuse(entry: &mut Entry, refused: &Refused) -> Refusal {
    entry.note_refusal(refused);
    refusal(refused.error.status(), &refused.error.to_string())
}
