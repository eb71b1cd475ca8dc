//! The record of connecting: identifiers, events, the trace and the error.

pub(crate) mod advice;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod id;
pub(crate) mod route_part;
pub(crate) mod route_taken;
#[cfg(feature = "tracing")]
pub(crate) mod spans;
pub(crate) mod trace;
pub(crate) mod waterfall;
