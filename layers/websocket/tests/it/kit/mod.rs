//! A layer with its flows, frames as they are on the wire, and transcripts.

mod exchange;
mod frame;

pub(crate) use exchange::{Exchange, check, check_bytes};
pub(crate) use frame::*;

use wirestack_layer::{End, Error, Flow, Flows, Instant, Layer, Pipe, Queue, Seed};
use wirestack_websocket::{Client, Message, Server, WebSocketConfig, WebSocketError};

/// A layer and its four flows.
pub(crate) struct Side<L: Layer> {
    pub(crate) layer: L,
    pub(crate) from_wire: Pipe,
    pub(crate) to_wire: Pipe,
    pub(crate) from_app: L::In,
    pub(crate) to_app: L::Out,
    pub(crate) now: Instant,
}

impl<L: Layer> Side<L>
where
    L::In: Default,
    L::Out: Default,
{
    pub(crate) fn new(layer: L) -> Self {
        Self {
            layer,
            from_wire: Pipe::new(),
            to_wire: Pipe::new(),
            from_app: L::In::default(),
            to_app: L::Out::default(),
            now: Instant::ORIGIN,
        }
    }

    fn flows(&mut self) -> (&mut L, Flows<'_, L::In, L::Out>) {
        let flows = (&mut self.from_wire, &mut self.to_wire);
        let flows = Flows::new(flows.0, flows.1, &mut self.from_app, &mut self.to_app);
        (&mut self.layer, flows)
    }

    /// Processes, and once more to see that nothing is left to do.
    pub(crate) fn process(&mut self) {
        let now = self.now;
        let (layer, mut flows) = self.flows();
        layer.process(flows.reborrow(), now);
        let moves = flows.revision();
        let state = (layer.progress(), layer.deadline());
        layer.process(flows.reborrow(), now);
        assert_eq!(flows.revision(), moves, "not idempotent");
        let again = (layer.progress(), layer.deadline());
        assert_eq!(again, state, "not idempotent");
        let deadline = layer.deadline();
        assert!(
            deadline.is_none_or(|at| at > now),
            "a deadline that has passed"
        );
    }

    /// Puts bytes on the wire, unless it has ended, and processes them.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        if !self.from_wire.is_closed() {
            self.from_wire.write(bytes);
        }
        self.process();
    }

    /// Takes the bytes that are to be sent.
    pub(crate) fn sent(&mut self) -> Vec<u8> {
        self.to_wire.take(self.to_wire.len()).to_vec()
    }
}

pub(crate) type ClientSide = Side<Client>;
pub(crate) type ServerSide = Side<Server>;

/// A client behind its opening handshake.
pub(crate) fn client(settings: WebSocketConfig) -> ClientSide {
    Side::new(Client::established(settings, Seed::new([7; 32])))
}

/// A server behind its opening handshake.
pub(crate) fn server(settings: WebSocketConfig) -> ServerSide {
    Side::new(Server::established(settings))
}

/// Takes all messages of a flow.
pub(crate) fn messages(queue: &mut Queue<Message>) -> Vec<Message> {
    std::iter::from_fn(|| queue.pop()).collect()
}

/// The end of a flow: `None` while it is open, `Ok` if it is finished.
pub(crate) fn end(flow: &impl Flow) -> Option<Result<(), Error>> {
    Some(match flow.end()? {
        End::Finished => Ok(()),
        End::Aborted(error) => Err(error.clone()),
    })
}

/// The end of a flow, with the cause of its error.
pub(crate) fn cause(flow: &impl Flow) -> Option<Result<(), WebSocketError>> {
    let cause = |error: Error| {
        error
            .cause::<WebSocketError>()
            .expect("a cause of this crate")
            .clone()
    };
    Some(end(flow)?.map_err(cause))
}

pub(crate) fn text(text: &str) -> Message {
    Message::text(text.to_owned())
}

pub(crate) fn binary(bytes: &[u8]) -> Message {
    Message::binary(bytes.to_vec())
}
