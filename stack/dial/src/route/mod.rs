//! The target of a connection, the hops before it, and the routes that they form.

pub(crate) mod endpoint;
pub(crate) mod environment;
pub(crate) mod hop;
pub(crate) mod http_versions;
pub(crate) mod redirects;
pub(crate) mod routes;
pub(crate) mod target;
