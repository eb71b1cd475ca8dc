//! A tunnel that is open: the two connections, and nothing of what has opened it.

use crate::connect::ByteStream;
use crate::driver::io::Relay;
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

impl Tunnel {
    /// Carries bytes until it ends, and writes the entry of the log.
    pub(super) fn relay(self) -> impl Future<Output = Result<(), Error>> {
        let Self {
            client,
            target,
            idle,
            mut entry,
        } = self;
        let relay = Relay::between(client, target);
        async move {
            let result = relay.run(idle, &mut entry.relayed).await;
            entry.end(&result);
            result
        }
    }
}
