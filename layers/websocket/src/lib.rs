//! The crate `wirestack-websocket`.
