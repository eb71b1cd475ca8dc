//! The target of a connection, the hops before it, and the routes that they form.

pub(crate) mod endpoint;
pub(crate) mod environment;
pub(crate) mod forwarding;
pub(crate) mod hop;
pub(crate) mod http_versions;
pub(crate) mod login;
pub(crate) mod proxy_url;
pub(crate) mod redirects;
pub(crate) mod routes;
pub(crate) mod scheme;
pub(crate) mod target;
