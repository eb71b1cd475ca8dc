//! Connecting without I/O: where to go, by which way, and what to do when it does not work.
//!
//! A [`Plan`] says what to connect to, by which [`Routes`]; a [`Dialer`] says, [`Step`] by step, what a
//! driver has to do for it. What it did is in its [`Trace`], and what it failed at in its
//! [`DialError`].

mod backoff;
mod desk;
mod dialer;
mod environment;
mod error;
mod hop;
mod learnt;
#[cfg(feature = "tracing")]
mod observed;
mod opening;
mod plan;
mod race;
mod routes;
mod share;
mod step;
mod target;
mod trace;
mod url;
mod waterfall;
mod way;

pub use crate::auth::Credentials;
pub use backoff::{Backoff, Next, Reconnect};
pub use dialer::Dialer;
pub use environment::Environment;
pub use error::{DialError, Phase, Reason, Retry, Unreached, WayFailed};
pub use hop::Hop;
pub use learnt::{Learnt, Seeds};
pub use opening::{Opening, RedirectError, Redirects, Versions};
pub use plan::{BoxHttp2, BoxSocket, Plan};
pub use routes::Routes;
pub use share::{Ledger, Share, ShareKey, Sharing, Take};
pub use step::{Asked, AttemptId, Destination, Job, LookupId, QuestionId, Step, Timeouts};
pub use target::Target;
pub use trace::{Event, Trace};
pub use url::{Endpoint, RouteError};
pub use waterfall::{Outcome, Span};
