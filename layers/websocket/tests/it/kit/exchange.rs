//! Transcripts: one [`Exchange`] is checked in both roles and in every split.

use super::{Frame, Role, Side, cause, client, messages, server};
use wirestack_layer::{Flow, Layer, Queue};
use wirestack_websocket::{Message, WebSocketConfig, WebSocketError};

/// A conversation: the frames of the peer, and everything that the layer makes of them. A part that
/// is not set is empty, and the flow to the application stays open without an end.
#[derive(Clone)]
pub(crate) struct Exchange {
    name: &'static str,
    peer_sends: Vec<Frame>,
    app_reads: Vec<Message>,
    layer_sends: Vec<Frame>,
    end: Option<Result<(), WebSocketError>>,
}

impl Exchange {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            peer_sends: vec![],
            app_reads: vec![],
            layer_sends: vec![],
            end: None,
        }
    }

    pub(crate) fn peer_sends(mut self, frames: impl Into<Vec<Frame>>) -> Self {
        self.peer_sends = frames.into();
        self
    }

    pub(crate) fn app_reads(mut self, messages: impl Into<Vec<Message>>) -> Self {
        self.app_reads = messages.into();
        self
    }

    pub(crate) fn layer_sends(mut self, frames: impl Into<Vec<Frame>>) -> Self {
        self.layer_sends = frames.into();
        self
    }

    /// The flow to the application is finished.
    pub(crate) fn finishes(mut self) -> Self {
        self.end = Some(Ok(()));
        self
    }

    /// The flow to the application is aborted.
    pub(crate) fn fails(mut self, cause: WebSocketError) -> Self {
        self.end = Some(Err(cause));
        self
    }
}

/// Checks each exchange in both roles.
pub(crate) fn check(exchanges: &[Exchange], settings: &WebSocketConfig) {
    for exchange in exchanges {
        for role in [Role::Server, Role::Client] {
            let bytes = role.peer().encode(&exchange.peer_sends);
            check_bytes(exchange, &bytes, role, settings);
        }
    }
}

/// Checks an exchange in one role, with these bytes instead of its `peer_sends`: whole, byte by
/// byte, at two-way splits, and with bytes behind its end.
pub(crate) fn check_bytes(
    exchange: &Exchange,
    bytes: &[u8],
    role: Role,
    settings: &WebSocketConfig,
) {
    let run = |cuts: &[usize]| match role {
        Role::Server => run(exchange, bytes, cuts, server(settings.clone()), role),
        Role::Client => run(exchange, bytes, cuts, client(settings.clone()), role),
    };
    run(&[]);
    run(&(1..bytes.len()).collect::<Vec<_>>());
    let step = 1 + bytes.len() / 300;
    for cut in (1..bytes.len()).step_by(step) {
        run(&[cut]);
    }
}

fn run<L>(exchange: &Exchange, bytes: &[u8], cuts: &[usize], mut side: Side<L>, role: Role)
where
    L: Layer<In = Queue<Message>, Out = Queue<Message>>,
{
    let what = format!("{}, cut at {cuts:?}", exchange.name);
    side.to_wire.set_limit(usize::MAX);
    let mut start = 0;
    for cut in cuts.iter().chain([&bytes.len()]) {
        side.receive(&bytes[start..*cut]);
        start = *cut;
    }
    if exchange.end.is_some() {
        side.receive(b"\x81\x05after"); // ignored: the layer is over
    }
    assert_eq!(messages(&mut side.to_app), exchange.app_reads, "{what}");
    side.process(); // a failure waits until the application has taken the messages before it
    assert_eq!(cause(&side.to_app), exchange.end, "{what}");
    assert_eq!(role.decode(&side.sent()), exchange.layer_sends, "{what}");
    if let Some(Err(_)) = exchange.end {
        // The client still waits for a server whose Close frame it answered.
        assert!(side.to_wire.is_closed() || side.layer.deadline().is_some());
    }
}
