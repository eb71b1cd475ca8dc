//! Protocol stacks that compose.

pub mod driver;
mod engine;
mod stack;

#[cfg(feature = "tokio")]
pub use driver::tokio;
pub use engine::{Engine, OpeningTimedOut};
pub use stack::{BoxSocket, BoxTunnel, Nest, Stack};
pub use wirestack_layer::{
    Blame, Cause, End, Error, Flow, Layer, LayerExt, NewConnection, Pipe, Place, Ports, Progress,
    Queue, Seed, Status, Weigh, found,
};
#[doc(inline)]
pub use {
    wirestack_http1 as http1, wirestack_socks as socks, wirestack_tls as tls,
    wirestack_websocket as websocket,
};
