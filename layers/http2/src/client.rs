use crate::NAME;
use crate::connection::Connection;
use crate::request::Request;
use crate::settings::Settings;
use crate::streams::Head;
use crate::tunnel::Tunnel;
use http::Response;
use std::any::{Any, TypeId};
use std::time::Instant;
use wirestack_layer::{Error, Layer, Pipe, Ports, Progress, found};

/// The client's side of one tunnel: an HTTP/2 connection with one CONNECT.
///
/// A server that does not offer extended CONNECT ends it with
/// [`Cause::NotOffered`](crate::Cause::NotOffered), which
/// [needs a new connection](Error::needs_new_connection) and lets the next one learn
/// [`NotOffered`](crate::NotOffered).
pub struct Client {
    tunnel: Tunnel,
    response: Option<Response<()>>,
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
        })
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
    fn process(&mut self, ports: Ports<'_>, now: Instant) {
        let response = &mut self.response;
        self.tunnel.process(ports, now, |tunnel, stream, head| {
            if let Head::Response(head) = head
                && tunnel.stream() == Some(stream)
            {
                *response = Some(head.map(|_| ()));
                tunnel.open = true;
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
    fn carries_half_close(&self) -> bool {
        true
    }
    fn progress(&self) -> Progress {
        self.tunnel.progress("the CONNECT response")
    }
    fn facts(&self) -> String {
        let status = self.response.as_ref().map(|r| r.status().to_string());
        status.unwrap_or_default()
    }
    fn find(&mut self, part: TypeId, nth: &mut usize) -> Option<&mut dyn Any> {
        found(self, part, nth)
    }
}
