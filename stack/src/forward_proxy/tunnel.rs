//! A tunnel that is open: the two connections, and nothing of what has opened it.

use crate::connect::ByteStream;
use crate::driver::io::Relay;
use crate::driver::runtime::BoxFuture;
use crate::driver::server::entry::Entry;
use std::time::Duration;
use wirestack_layer::Error;

/// The tunnel of a client to its target.
pub(super) struct Tunnel {
    pub(super) client: ByteStream,
    pub(super) target: ByteStream,
    /// The time without a byte after which it is cut.
    pub(super) idle: Duration,
    pub(super) entry: Entry,
}

/// The future of a tunnel that carries bytes, and has everything that it needs.
pub(super) type Relaying = BoxFuture<Result<(), Error>>;

impl Tunnel {
    /// Carries bytes until it ends, and writes the entry of the log.
    pub(super) fn relay(self) -> Relaying {
        let Self {
            client,
            target,
            idle,
            mut entry,
        } = self;
        let relay = Relay::between(client, target);
        Box::pin(async move {
            let result = relay.run(idle, &mut entry.relayed).await;
            entry.end(&result);
            result
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::driver::io::{Connection, Relay};
    use crate::runtime::TokioTransport;
    use crate::{AccessPolicy, ForwardProxy};
    use wirestack_nest::Identity;

    /// A task lives as long as its tunnel, and 10,000 of them are a usual number.
    #[test]
    fn a_task_has_no_room_for_more_than_its_tunnel() {
        let proxy = ForwardProxy::new(AccessPolicy::nothing());
        let (near, _far) = tokio::io::duplex(1);
        let serving = proxy.serve_connection(TokioTransport::new(near));
        let sizes = [
            ("the future of a client", size_of_val(&serving), 150),
            (
                "both connections",
                size_of::<Relay<Identity, Identity>>(),
                1800,
            ),
            ("a connection", size_of::<Connection<Identity>>(), 900),
        ];
        for (name, size, most) in sizes {
            assert!(size <= most, "{name}: {size} bytes, wanted at most {most}");
        }
    }
}
