//! Proxy auto-config.
mod error;
mod functions;
mod limits;
mod question;
mod script;
pub use error::PacError;
pub use limits::PacLimits;
