//! HTTP/1.1 CONNECT and Upgrade.

mod answering;
mod asking;
mod body;
mod error;
mod head;
mod limits;
mod refusal;
mod tunnel;
pub mod upgrade;

pub use error::Cause;
pub use limits::Limits;
pub use refusal::Refusal;
