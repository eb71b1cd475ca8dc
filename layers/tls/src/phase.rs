/// The directions that have not ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    /// Both, or neither yet.
    Duplex,
    /// Our `close_notify` is sent, the peer's has not arrived.
    Receiving {
        /// Data have arrived since.
        heard: bool,
    },
    /// The peer's `close_notify` has arrived, ours is not sent.
    Sending,
    /// Neither.
    Over,
}
