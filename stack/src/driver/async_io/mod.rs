//! The stream traits of tokio and of `futures-io`, for every type that carries bytes.

#[cfg(feature = "futures")]
mod futures;
#[cfg(feature = "tokio")]
mod tokio;
