//! Where to go: the target, the hops before it, and the routes that they make.

pub(crate) mod endpoint;
pub(crate) mod environment;
pub(crate) mod hop;
pub(crate) mod routes;
pub(crate) mod target;
