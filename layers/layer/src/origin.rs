//! The origins of errors that no layer raises.
//!
//! [`Error::origin`](crate::Error::origin) is the name of a layer, or one of these names. A layer
//! never has one of them. They are plain names, and code outside these crates may add its own.

/// The application: it stopped reading or aborted what it wrote.
pub const APP: &str = "app";

/// The socket below every layer, or another carrier of the bytes.
pub const WIRE: &str = "wire";

/// The engine that drives a stack: the stack did not open in time.
pub const ENGINE: &str = "engine";

/// The driver of a connection, as its user calls it: closed, ended or timed out.
pub const CONNECTION: &str = "connection";

/// The URLs, hops and settings of a route: no stack can be built from them.
pub const ROUTE: &str = "route";

/// The state machine that connects.
pub const DIALER: &str = "dialer";

/// The look-up of a name.
pub const RESOLVER: &str = "resolver";

/// The runtime: it has no timer, no socket or no such operation.
pub const RUNTIME: &str = "runtime";

/// The decisions of a proxy server.
pub const PROXY: &str = "proxy";

/// A connection that is opened again after it was lost.
pub const RECONNECT: &str = "reconnect";
