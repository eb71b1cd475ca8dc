//! The traits of byte streams of tokio and of `futures-io`, for everything that carries bytes.

#[cfg(feature = "futures")]
mod futures;
#[cfg(feature = "tokio")]
mod tokio;
