//! Connecting without I/O: where to go, by which way, and what to do when it does not work.

mod dialer;
mod error;
mod opening;
mod plan;
mod route;
mod trace;

pub use dialer::{AttemptId, Dialer, LookupId, Step, Timeouts};
pub use error::{DialError, Phase, Reason, Unreached};
pub use opening::{Opening, Versions};
pub use plan::{Learnt, Plan, Seeds};
pub use route::{Credentials, Endpoint, Hop, RouteError, Target};
pub use trace::{Event, Trace};
