use super::NAME;
use super::target::Target;
use crate::asking::{Ask, Asking, Decided, Held, Next, Verdict};
use crate::basic;
use crate::head::{self, FRAMING, ResponseHead};
use crate::tunnel::{Tunnel, tunnel_layer};
use crate::{Http1Error, Limits, Refusal};
use bytes::BytesMut;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION};
use http::{Response, StatusCode};
use std::mem;
use wirestack_layer::Error;

/// Asks a proxy for a tunnel with CONNECT; a plain tunnel once it has agreed.
///
/// Any 2xx opens it, whatever the response says about its content, and what comes behind the head
/// is the tunnel's. Any other final answer is a [`Refusal`].
///
/// Sent are `Host`, the credentials if there are any, and the fields of
/// [`with_header`](Self::with_header): no `User-Agent`, and no `Proxy-Connection`, which RFC 9112
/// §C.2.2 advises against.
pub struct Client {
    tunnel: Tunnel<Asking<Connect>>,
}

impl Client {
    /// Creates a client that asks for a tunnel to `host`, a name in ASCII or an address, and `port`.
    ///
    /// # Errors
    ///
    /// [`Http1Error::BadHost`], [`Http1Error::BadPort`].
    pub fn new(host: &str, port: u16) -> Result<Self, Error> {
        let target = Target::new(host, port).map_err(|cause| Error::local(NAME, cause))?;
        let tunnel = Tunnel::new(Asking::new(Connect {
            target,
            headers: HeaderMap::new(),
            credentials: Credentials::None,
        }));
        Ok(Self { tunnel })
    }

    /// Sends user and password with the first request (Basic, RFC 7617), as UTF-8.
    ///
    /// # Errors
    ///
    /// [`Http1Error::BadCredentials`] for a colon in the user or a control character in either.
    pub fn with_basic(mut self, user: &str, password: &str) -> Result<Self, Error> {
        let value = basic::credentials(user, password);
        let value = value.map_err(|cause| Error::local(NAME, cause))?;
        self.set(|asking| asking.ask.credentials = Credentials::AtOnce(value));
        Ok(self)
    }

    /// Sends the credentials only to a proxy that asks for them with a 407 and offers Basic.
    ///
    /// The request is then repeated on this connection if it stays open. Otherwise the error says
    /// that a new connection is needed, with a [`Challenged`] for [`after`](Self::after).
    #[must_use]
    pub fn on_challenge(mut self) -> Self {
        self.set(|asking| {
            asking.ask.credentials = match mem::take(&mut asking.ask.credentials) {
                Credentials::AtOnce(value) => Credentials::OnChallenge(value),
                other => other,
            };
        });
        self
    }

    /// Sends the credentials with the first request after all: the proxy has asked for them on an
    /// earlier connection.
    #[must_use]
    pub fn after(mut self, _challenged: &Challenged) -> Self {
        self.set(|asking| {
            asking.ask.credentials = match mem::take(&mut asking.ask.credentials) {
                Credentials::OnChallenge(value) => Credentials::AtOnce(value),
                other => other,
            };
        });
        self
    }

    /// Makes it wait, before each request and at the response that opens, for whoever holds it to
    /// [authorize](Self::authorize) it: for schemes that need more than one header field. It is
    /// [parked](Self::parked) then.
    #[must_use]
    pub fn parking(mut self) -> Self {
        self.set(|asking| asking.ask.credentials = Credentials::Parking(None));
        self
    }

    /// Returns what it waits at.
    pub fn parked(&self) -> Option<Parked<'_>> {
        let Tunnel::Opening(asking) = &self.tunnel else {
            return None;
        };
        Some(match asking.held()? {
            Held::Request => Parked::Request,
            Held::Refusal { refusal, reusable } => Parked::Challenge {
                refusal,
                stays: *reusable,
            },
            Held::Opened(opened) => Parked::Response(&opened.response),
        })
    }

    /// Goes on from where it is [parked](Self::parked): sends the request, with this
    /// `Proxy-Authorization`, or opens the tunnel. Nothing happens while it is not parked.
    ///
    /// Where the proxy does not keep the connection after its challenge, the error says that a new
    /// connection is needed, with a [`Challenged`].
    pub fn authorize(&mut self, value: Option<HeaderValue>) {
        self.decide(|ask, held| match held {
            Held::Opened(opened) => Decided::Open(opened),
            Held::Refusal {
                refusal,
                reusable: false,
            } => {
                let challenged = Challenged::new(&refusal);
                Decided::Fail(refused(refusal).needs_new_connection(challenged))
            }
            held => {
                let challenged = match held {
                    Held::Refusal { refusal, .. } => Some(Challenged::new(&refusal)),
                    _ => None,
                };
                ask.credentials = Credentials::Parking(Some(Sent { value, challenged }));
                Decided::Send
            }
        });
    }

    /// Ends it where it is [parked](Self::parked), with the proxy's refusal, if there is one, as the
    /// cause.
    pub fn give_up(&mut self) {
        self.decide(|_, held| {
            Decided::Fail(match held {
                Held::Refusal { refusal, .. } => refused(refusal),
                _ => Error::local(NAME, Http1Error::GivenUp),
            })
        });
    }

    fn decide(&mut self, decide: impl FnOnce(&mut Connect, Held) -> Decided) {
        if let Some(asking) = self.tunnel.opening() {
            asking.decide(decide);
        }
    }

    /// Adds a field to the request.
    ///
    /// A `Host` replaces the one that is made from the target. `Content-Length` and
    /// `Transfer-Encoding` are left out, as a CONNECT has no content.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, mut value: HeaderValue) -> Self {
        value.set_sensitive(value.is_sensitive() || head::is_secret(&name));
        self.set(|asking| {
            asking.ask.headers.append(name, value);
        });
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.set(|asking| asking.limits = limits);
        self
    }

    /// Returns the 2xx, once the tunnel is open.
    pub fn response(&self) -> Option<&Response<()>> {
        self.tunnel.outcome().map(|opened| &opened.response)
    }

    fn set(&mut self, change: impl FnOnce(&mut Asking<Connect>)) {
        if let Some(asking) = self.tunnel.opening() {
            change(asking);
        }
    }
}

tunnel_layer!(Client, Asking<Connect>);

/// What a [parking](Client::parking) client waits at.
#[derive(Debug)]
#[non_exhaustive]
pub enum Parked<'a> {
    /// The first request of this connection.
    Request,
    /// The request that would follow this 407, whose body has been read.
    Challenge {
        /// The proxy's answer.
        refusal: &'a Refusal,
        /// Whether another request can follow on this connection.
        stays: bool,
    },
    /// The 2xx, which may hold the proxy's own proof.
    Response(&'a Response<()>),
}

/// What a client learnt from a proxy that asked for credentials and then left: a new connection
/// would get through if they were sent [at once](Client::after).
#[derive(Clone, Debug)]
pub struct Challenged {
    challenges: Vec<String>,
}

impl Challenged {
    /// Returns the challenges of the proxy, each from its scheme on: `Basic realm="x"`.
    pub fn challenges(&self) -> &[String] {
        &self.challenges
    }

    fn new(refusal: &Refusal) -> Self {
        Self {
            challenges: refusal.proxy_challenges(),
        }
    }
}

/// The request, ready to be written.
struct Connect {
    target: Target,
    headers: HeaderMap,
    credentials: Credentials,
}

#[derive(Default)]
enum Credentials {
    #[default]
    None,
    AtOnce(HeaderValue),
    OnChallenge(HeaderValue),
    /// They are sent because the proxy asked for them on this connection.
    Challenged(HeaderValue, Challenged),
    /// It is told by others what to send, and this is what it was told last.
    Parking(Option<Sent>),
}

struct Sent {
    value: Option<HeaderValue>,
    /// What it answers, if the proxy has asked on this connection.
    challenged: Option<Challenged>,
}

impl Credentials {
    fn value(&self) -> Option<&HeaderValue> {
        match self {
            Self::AtOnce(value) | Self::Challenged(value, _) => Some(value),
            Self::Parking(sent) => sent.as_ref()?.value.as_ref(),
            Self::None | Self::OnChallenge(_) => None,
        }
    }

    /// What the proxy had asked for before the last request.
    fn challenged(&self) -> Option<&Challenged> {
        match self {
            Self::Challenged(_, challenged) => Some(challenged),
            Self::Parking(sent) => sent.as_ref()?.challenged.as_ref(),
            _ => None,
        }
    }
}

fn refused(refusal: Refusal) -> Error {
    Error::peer(NAME, Http1Error::Refused(Box::new(refusal)))
}

impl Ask for Connect {
    const NAME: &'static str = NAME;
    const AWAITED: &'static str = "the CONNECT response";

    fn write(&self, out: &mut BytesMut) {
        let target = self.target.to_string();
        head::write_line(out, &["CONNECT ", &target, " HTTP/1.1"]);
        if !self.headers.contains_key(HOST) {
            head::write_line(out, &["Host: ", &target]);
        }
        if let Some(value) = self.credentials.value() {
            head::write_header(out, &PROXY_AUTHORIZATION, value);
        }
        head::write_headers(out, &self.headers, &FRAMING);
        head::write_line(out, &[]);
    }

    fn judge(&self, head: &ResponseHead) -> Result<Verdict, Http1Error> {
        match head.status {
            StatusCode::SWITCHING_PROTOCOLS => Err(Http1Error::SwitchedOnConnect),
            status if status.is_informational() => Ok(Verdict::Interim),
            status if status.is_success() => Ok(Verdict::Opens),
            status => {
                let asked = status == StatusCode::PROXY_AUTHENTICATION_REQUIRED;
                let could = matches!(self.credentials, Credentials::OnChallenge(_)) || self.parks();
                let stays = head::is_persistent(head.version, &head.headers);
                let ask_again = asked && could && stays;
                Ok(Verdict::Refuses { ask_again })
            }
        }
    }

    fn refused(&mut self, refusal: Refusal, reusable: bool) -> Next {
        let asked = refusal.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        let challenged = Challenged::new(&refusal);
        let basic = challenged.challenges.iter().any(|it| basic::is_basic(it));
        if asked && self.parks() {
            return Next::Park(refusal);
        }
        match mem::take(&mut self.credentials) {
            Credentials::OnChallenge(value) if asked && basic => {
                if !reusable {
                    return Next::Fail(refused(refusal).needs_new_connection(challenged));
                }
                self.credentials = Credentials::Challenged(value, challenged);
                Next::Again
            }
            _ => Next::Fail(refused(refusal)),
        }
    }

    fn parks(&self) -> bool {
        matches!(self.credentials, Credentials::Parking(_))
    }

    fn cut(&self, error: Error, seen: usize) -> Error {
        match self.credentials.challenged() {
            // The proxy had promised to stay and did not.
            Some(challenged) if seen == 0 => error.needs_new_connection(challenged.clone()),
            _ => error,
        }
    }
}
