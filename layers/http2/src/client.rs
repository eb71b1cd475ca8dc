use crate::NAME;
use crate::connection::Connection;
use crate::error::{Challenged, Http2Error, Refusal, local, peer};
use crate::request::Request;
use crate::settings::Settings;
use crate::streams::Head;
use crate::tunnel::Tunnel;
use http::Response;
use http::header::{HeaderValue, PROXY_AUTHORIZATION};
use std::fmt;
use wirestack_layer::Instant;
use wirestack_layer::{Error, Flows, Layer, Pipe, Progress};

/// The client's side of one tunnel: an HTTP/2 connection with one CONNECT.
///
/// A server that does not offer extended CONNECT ends it with
/// [`Http2Error::NotOffered`](crate::Http2Error::NotOffered), which
/// [needs a new connection](Error::needs_new_connection) and lets the next one learn
/// [`NotOffered`](crate::NotOffered).
pub struct Client {
    tunnel: Tunnel,
    response: Option<Response<()>>,
    /// What is asked for, while somebody else decides about credentials.
    parking: Option<Parking>,
}

struct Parking {
    request: Request,
    asked: bool,
    failed: Option<Error>,
}

/// What a [parking](Client::parking) client waits at.
#[derive(Debug)]
#[non_exhaustive]
pub enum Parked<'a> {
    /// The first request of this connection.
    Request,
    /// The request that would follow this 407.
    Challenge {
        /// The proxy's answer.
        refusal: &'a Refusal,
        /// Whether another request can follow on this connection.
        stays: bool,
    },
    /// The 2xx, which may hold the proxy's own proof.
    Response(&'a Response<()>),
}

impl Client {
    /// Creates a client that asks for a tunnel, or for another protocol.
    ///
    /// # Errors
    ///
    /// None but those of [`Streams::open`](crate::Streams::open), of which it has none yet.
    pub fn new(request: Request, settings: Settings) -> Result<Self, Error> {
        let mut tunnel = Tunnel::new(Connection::client, settings);
        let stream = tunnel.down.open(request)?;
        tunnel.take(stream);
        Ok(Self {
            tunnel,
            response: None,
            parking: None,
        })
    }

    /// Creates a client that waits, before each request and at the response that opens, for whoever
    /// holds it to [authorize](Self::authorize) it. It is [parked](Self::parked) then.
    pub fn parking(request: Request, settings: Settings) -> Self {
        let mut tunnel = Tunnel::new(Connection::client, settings);
        tunnel.parking = true;
        let parking = Parking {
            request,
            asked: false,
            failed: None,
        };
        Self {
            tunnel,
            response: None,
            parking: Some(parking),
        }
    }

    /// Returns what it waits at.
    pub fn parked(&self) -> Option<Parked<'_>> {
        let parking = self.parking.as_ref()?;
        if parking.failed.is_some() || self.tunnel.is_over() || self.tunnel.open {
            return None;
        }
        if let Some(response) = &self.response {
            return Some(Parked::Response(response));
        }
        if let Some(refusal) = &self.tunnel.challenge {
            let stays = self.tunnel.stays();
            return Some(Parked::Challenge { refusal, stays });
        }
        (!parking.asked).then_some(Parked::Request)
    }

    /// Goes on from where it is [parked](Self::parked): sends the request on a stream of its own, with
    /// this `Proxy-Authorization`, or opens the tunnel. Nothing happens while it is not parked.
    ///
    /// Where the proxy has left, the error says that a new connection is needed, with a
    /// [`Challenged`].
    pub fn authorize(&mut self, value: Option<HeaderValue>) {
        match self.parked() {
            None => {}
            Some(Parked::Response(_)) => self.tunnel.open = true,
            Some(Parked::Challenge { stays: false, .. }) => {
                let error = self.refused();
                self.fail(error.needs_new_connection(Challenged));
            }
            Some(_) => {
                self.tunnel.challenge = None;
                let asked = self.ask(value);
                if let Err(error) = asked {
                    self.fail(error);
                }
            }
        }
    }

    /// Ends it where it is [parked](Self::parked), with the proxy's refusal, if there is one, as the
    /// cause.
    pub fn give_up(&mut self) {
        if self.parked().is_some() {
            let error = self.refused();
            self.fail(error);
        }
    }

    fn ask(&mut self, value: Option<HeaderValue>) -> Result<(), Error> {
        let Some(parking) = &mut self.parking else {
            return Ok(());
        };
        parking.asked = true;
        let value = value.map(|value| (PROXY_AUTHORIZATION, value));
        let request = parking
            .request
            .clone()
            .headers(value.into_iter().collect())?;
        let stream = self.tunnel.down.open(request)?;
        self.tunnel.take(stream);
        Ok(())
    }

    fn refused(&mut self) -> Error {
        match self.tunnel.challenge.take() {
            Some(refusal) => peer(Http2Error::Refused(refusal)),
            None => local(Http2Error::GivenUp),
        }
    }

    fn fail(&mut self, error: Error) {
        if let Some(parking) = &mut self.parking {
            parking.failed = Some(error);
        }
    }

    /// Returns the response that opened the tunnel.
    pub fn response(&self) -> Option<&Response<()>> {
        self.response.as_ref()
    }
}

impl Layer for Client {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        NAME
    }

    fn process(&mut self, mut flows: Flows<'_>, now: Instant) {
        let parks = self.parking.is_some();
        if let Some(error) = self.parking.as_mut().and_then(|it| it.failed.take()) {
            self.tunnel.end();
            return flows.fail(error);
        }
        let response = &mut self.response;
        self.tunnel.process(flows, now, |tunnel, stream, head| {
            if let Head::Response(head) = head
                && tunnel.stream() == Some(stream)
            {
                *response = Some(head.map(|_| ()));
                tunnel.open = !parks;
            }
        });
    }

    fn deadline(&self) -> Option<Instant> {
        self.tunnel.connection.deadline()
    }

    fn is_open(&self) -> bool {
        self.tunnel.open
    }

    fn is_flushed(&self) -> bool {
        self.tunnel.is_flushed()
    }

    fn progress(&self) -> Progress {
        match self.parked() {
            Some(_) => Progress::Deciding("credentials"),
            None => self.tunnel.progress("the CONNECT response"),
        }
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.response {
            Some(response) => write!(f, "{}", response.status()),
            None => Ok(()),
        }
    }
}
