//! Everything that `wirestack` decides without I/O.
//!
//! A [`Plan`] holds the target, the [`Routes`] to it and the stack to build; a [`Dialer`] says,
//! [`Step`] by step, what a driver has to do for it. The [`Trace`] records what was done, and a
//! [`DialError`] says what failed. [`serve`] holds the decisions of servers and proxies.
//!
//! ```text
//!   route/   where to go: endpoint, hop, target, routes, environment
//!     |
//!   plan/    what to build there: the layers of each hop and of the target
//!     |
//!   dialer/  the state machine: Happy Eyeballs, layers that open, proxy authentication, failures
//!     |
//!   report/  what happened: trace, waterfall, error
//! ```
//!
//! * [`auth`]: how a client answers the challenges of a proxy.
//! * [`PoolState`]: which HTTP/2 connections are shared, and for how long.
//! * [`Reconnect`]: when to connect again.

pub mod auth;
mod dialer;
mod plan;
mod pool;
mod report;
mod retry;
mod route;
pub mod serve;

pub use auth::Credentials;
pub use dialer::Dialer;
pub use dialer::step::{Answer, BlockingTask, CredentialsRequest, Step, Timeouts};
pub use plan::hints::{RetryHints, SeedStream};
pub use plan::websocket::{BoxSocket, HttpVersions, RedirectError, Redirects, WebSocketOptions};
pub use plan::{BoxHttp2, Plan};
pub use pool::{Checkout, PoolConfig, PoolKey, PoolState, SharedConnection};
pub use report::error::{DialError, Phase, Reason, Retry, RouteFailed, Unreached};
pub use report::event::Event;
pub use report::id::{AttemptId, Destination, LookupId, QuestionId};
pub use report::trace::Trace;
pub use report::waterfall::{Outcome, Span};
pub use retry::{Backoff, Next, Reconnect};
pub use route::endpoint::{Endpoint, RouteError};
pub use route::environment::Environment;
pub use route::hop::Hop;
pub use route::routes::Routes;
pub use route::target::Target;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
