use super::NAME;
use super::target::Target;
use crate::answering::{Answer, Answering, Serve, Then};
use crate::basic;
use crate::head::{self, FRAMING, RequestHead};
use crate::tunnel::{Tunnel, tunnel_layer};
use crate::{Http1Error, Limits};
use bytes::{Bytes, BytesMut};
use http::header::{HOST, HeaderMap, PROXY_AUTHORIZATION};
use http::{Method, Response, StatusCode};
use std::fmt;
use wirestack_layer::Error;

/// Waits for a CONNECT and for what the application makes of it; a plain tunnel once it has accepted.
///
/// Where a tunnel may lead is the application's decision, and it should take one: a proxy that
/// connects to any port of any host is a relay for spam and a way into the network that it is in
/// (RFC 9110 §9.3.6).
///
/// What cannot be a tunnel is answered without asking: 405 to another method, 431 to a head that is
/// too large, 400 to a malformed one, to a target without a valid port, and to a request that
/// announces content. A `Host` is not asked for, as the target says it all and some clients send
/// none; more than one is a 400.
pub struct Server {
    tunnel: Tunnel<Answering<Connect>>,
}

impl Server {
    /// Creates a server.
    pub fn new() -> Self {
        let tunnel = Tunnel::new(Answering::new());
        Self { tunnel }
    }

    /// Sets the limits, before the first `process`.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        if let Some(answering) = self.tunnel.opening() {
            answering.limits = limits;
        }
        self
    }

    /// Returns the request while it waits to be accepted, rejected or challenged.
    pub fn request(&self) -> Option<&Request> {
        match &self.tunnel {
            Tunnel::Opening(answering) => answering.request(),
            _ => None,
        }
    }

    /// Accepts the request with a 200 and these fields.
    ///
    /// `Content-Length` and `Transfer-Encoding` are left out: a 2xx to CONNECT must not have them
    /// (RFC 9110 §9.3.6). Nothing happens while no request waits.
    pub fn accept(&mut self, headers: HeaderMap) {
        self.decide(|request| {
            let mut bytes = BytesMut::new();
            head::write_status(&mut bytes, StatusCode::OK, "Connection established");
            head::write_headers(&mut bytes, &headers, &FRAMING);
            head::write_line(&mut bytes, &[]);
            let then = Then::Open(format!("tunnel to {request}"));
            Answer { bytes, then }
        });
    }

    /// Rejects the request with this response, with `Content-Length` and `Connection: close`; both
    /// directions end, the application's with [`Http1Error::Rejected`].
    ///
    /// A 1xx or 2xx rejects nothing: the client gets a 500 and the application
    /// [`Http1Error::NotARejection`]. Nothing happens while no request waits.
    pub fn reject(&mut self, response: Response<Bytes>) {
        let says_no = |status: StatusCode| !status.is_informational() && !status.is_success();
        self.decide(|_| Answer::rejection::<Connect>(&response, says_no, false));
    }

    /// Asks for Basic credentials with a 407 and waits for another request on this connection.
    ///
    /// If the client wants the connection to close, or after [`Limits::challenges`] of them, the 407
    /// is the last answer, like a [rejection](Self::reject). Nothing happens while no request waits.
    ///
    /// A client that did not wait for the answer, but sent the first bytes of the tunnel at once,
    /// has them read as its next request. It should have said `Connection: close`.
    pub fn challenge(&mut self, realm: &str) {
        self.challenge_with(&[basic::challenge(realm)]);
    }

    /// Asks for credentials by any of these challenges, each from its scheme on, as
    /// [`challenge`](Self::challenge) does. Control characters in them become blanks.
    pub fn challenge_with(&mut self, challenges: &[String]) {
        let Tunnel::Opening(answering) = &mut self.tunnel else {
            return;
        };
        let more = answering.rounds + 1 < answering.limits.challenges;
        answering.decide(|request| {
            let stays = more && request.persistent;
            let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
            let mut bytes = BytesMut::new();
            head::write_status(&mut bytes, status, "Proxy Authentication Required");
            for challenge in challenges {
                let challenge = challenge.replace(char::is_control, " ");
                head::write_line(&mut bytes, &["Proxy-Authenticate: ", &challenge]);
            }
            head::write_line(&mut bytes, &["Content-Length: 0"]);
            if !stays {
                head::write_line(&mut bytes, &["Connection: close"]);
            }
            head::write_line(&mut bytes, &[]);
            let then = match stays {
                true => Then::Again,
                false => Then::Fail(Error::local(NAME, Http1Error::Rejected(status))),
            };
            Answer { bytes, then }
        });
    }

    fn decide(&mut self, decide: impl FnOnce(&Request) -> Answer) {
        if let Some(answering) = self.tunnel.opening() {
            answering.decide(decide);
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

tunnel_layer!(Server, Answering<Connect>);

/// Makes the challenge of Basic authentication (RFC 7617 §2) for a realm.
pub fn basic_challenge(realm: &str) -> String {
    basic::challenge(realm)
}

/// A CONNECT request. It shows as `host:port`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// The host: a name or an address, an IPv6 address without brackets.
    pub host: String,
    /// The port, never 0.
    pub port: u16,
    /// The header fields.
    pub headers: HeaderMap,
    persistent: bool,
}

impl Request {
    /// Returns user and password, if the request has Basic credentials in UTF-8.
    pub fn basic(&self) -> Option<(String, String)> {
        basic::decode(self.headers.get(PROXY_AUTHORIZATION)?)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::target::write(f, &self.host, self.port)
    }
}

/// Takes CONNECT requests.
struct Connect;

impl Serve for Connect {
    type Request = Request;
    const NAME: &'static str = NAME;
    const AWAITED: &'static str = "the CONNECT request";

    fn read(head: RequestHead) -> Result<Request, Http1Error> {
        if head.method != Method::CONNECT {
            return Err(Http1Error::NotConnect(head.method));
        }
        let target = Target::parse(&head.target).ok_or(Http1Error::BadTarget)?;
        if head.headers.get_all(HOST).iter().count() > 1 {
            return Err(Http1Error::Malformed("more than one Host field"));
        }
        // "A CONNECT request message does not have content" (RFC 9110 §9.3.6): one that says so
        // would end in different places for different readers.
        if head::has_content(&head.headers) {
            return Err(Http1Error::ConnectWithContent);
        }
        Ok(Request {
            host: target.host,
            port: target.port,
            persistent: head::is_persistent(head.version, &head.headers),
            headers: head.headers,
        })
    }
}
