//! Many streams of HTTP/2, as a layer of bytes.

use http::Response;
use wirestack_http2::{ConnectRequest, Connection, Head, Http2Config, StreamId, Streams};
use wirestack_laws::Subject;
use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe, Progress};

/// Returns a subject whose client opens streams, and whose server accepts each and echoes its
/// bytes. Their applications get nothing.
pub(crate) fn subject(config: Http2Config) -> Subject<Pipe> {
    let again = config.clone();
    let client = move || Many::new(Connection::client(again.clone()), true);
    let server = move || Many::new(Connection::server(config.clone()), false);
    Subject::tunnel("http2 streams", client, server).refused()
}

/// A connection whose application opens streams, or echoes them.
struct Many {
    connection: Connection,
    down: Streams,
    up: Streams,
    /// The number of streams that are still to be opened.
    unopened: usize,
    known: Vec<StreamId>,
}

impl Many {
    fn new(connection: Connection, opens: bool) -> Self {
        Self {
            connection,
            down: Streams::default(),
            up: Streams::default(),
            unopened: if opens { 12 } else { 0 },
            known: Vec::new(),
        }
    }

    /// Does what its application would.
    fn echo(&mut self) {
        if self.connection.is_open() {
            for _ in 0..std::mem::take(&mut self.unopened) {
                let request = ConnectRequest::tunnel("example.org", 22).unwrap();
                if let Ok(stream) = self.down.open(request) {
                    self.known.push(stream);
                    if let Some(mut pipe) = self.down.write(stream) {
                        pipe.write(&[7; 3000]);
                        pipe.finish();
                    }
                }
            }
        }
        while let Some((stream, head)) = self.up.arrived() {
            if let Head::Request(_) = head {
                self.down.respond(stream, Response::default());
                self.known.push(stream);
            }
        }
        for stream in self.known.clone() {
            let read = self.up.read(stream).map(|mut pipe| {
                let waiting = pipe.len();
                let bytes = pipe.take(waiting);
                (bytes, pipe.end().cloned())
            });
            let Some((bytes, end)) = read else {
                continue;
            };
            if let Some(mut pipe) = self.down.write(stream) {
                if !pipe.is_closed() {
                    pipe.push(bytes);
                }
                if let Some(end) = end.clone() {
                    pipe.close(end);
                }
            }
            if end.is_some() {
                self.up.forget(stream);
                self.known.retain(|known| *known != stream);
            }
        }
        let held = self.up.len().max(self.down.len()).max(self.known.len());
        assert!(held <= 64, "{held} streams at once");
    }
}

impl Layer for Many {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        "streams"
    }

    fn process(&mut self, mut flows: Flows<'_>, now: Instant) {
        flows.propagate_stop();
        if let Some(end) = flows.from_app.closed().cloned() {
            self.down.close(end);
        }
        flows.from_app.discard();
        loop {
            let streams = self.down.revision() + self.up.revision();
            let wire = flows.from_wire.revision() + flows.to_wire.revision();
            let inner = Flows::new(flows.from_wire, flows.to_wire, &mut self.down, &mut self.up);
            self.connection.process(inner, now);
            self.echo();
            let again = self.down.revision() + self.up.revision();
            if streams == again && wire == flows.from_wire.revision() + flows.to_wire.revision() {
                break;
            }
        }
        if let Some(end) = self.up.closed().cloned() {
            flows.to_app.close(end);
        }
        if let Some(stop) = self.down.stop_state().cloned() {
            flows.from_app.stop(stop);
        }
        if flows.to_wire.is_closed() {
            flows.from_app.discard();
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.connection.deadline()
    }

    fn is_open(&self) -> bool {
        self.connection.is_open()
    }

    fn carries_half_close(&self) -> bool {
        false
    }

    fn progress(&self) -> Progress {
        self.connection.progress()
    }
}
