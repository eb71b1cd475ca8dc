//! The target of a connection, the hops before it, and the routes that they form.

mod convert;
pub(crate) mod endpoint;
pub(crate) mod environment;
pub(crate) mod file_url;
pub(crate) mod find;
pub(crate) mod forwarding;
pub(crate) mod hop;
mod hop_login;
mod hop_tls;
pub(crate) mod host;
pub(crate) mod http_versions;
pub(crate) mod login;
pub(crate) mod pac_result;
pub(crate) mod redirects;
mod reference;
pub(crate) mod routes;
pub(crate) mod scheme;
#[cfg(feature = "system-proxy")]
pub(crate) mod system;
pub(crate) mod target;
pub(crate) mod tls_choice;
mod url;
