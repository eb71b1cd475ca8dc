//! Everything that `wirestack` decides without I/O: how to connect, and how to serve.
//!
//! # From a URL to a connection
//!
//! * [`Target`]: the server to connect to, behind all proxies, read from a URL.
//! * [`Hop`]: one proxy of a route, read from a URL.
//! * [`Routes`]: the routes to a target, in the order in which they are tried.
//! * [`StackSpec`]: hops and a target, read from one line of a configuration.
//! * [`Plan`]: a target, the routes to it, and the stack of layers to build on each connection.
//! * [`Dialer`]: the state machine that carries out a plan.
//! * [`Step`]: one action for the driver of a dialer: the next thing to do.
//! * [`Destination`]: the other end of one connection that the driver opens.
//!
//! The [`Trace`] of a dialer records the steps, and a [`DialError`] has the reason if connecting
//! failed.
//!
//! A driver has the sockets and the clock. Here a test is the driver, and dials through a SOCKS
//! proxy:
//!
//! ```
//! use wirestack_dial::{Dialer, Hop, Plan, Routes, Step, Target, Timeouts};
//! use wirestack_layer::{Flow, Instant, Seed};
//!
//! let target: Target = "tcp://example.org:22".parse()?;
//! let hop: Hop = "socks5://192.0.2.1:1080".parse()?;
//! let plan = Plan::stream(Routes::hops(vec![hop]), target, None, None)?;
//! let now = Instant::ORIGIN;
//! let mut dialer = Dialer::new(plan, Timeouts::default(), Seed::new([7; 32]), now);
//!
//! // A driver opens the connection here, and reports it.
//! let Step::Open { attempt, to } = dialer.step(now) else { panic!("an address is known") };
//! assert_eq!(to.to_string(), "192.0.2.1:1080");
//! let mut engine = dialer.opened(attempt, now).expect("the attempt is still wanted");
//!
//! // A driver carries the bytes of the stack, and lets the dialer observe it.
//! engine.process(now);
//! assert_eq!(engine.to_wire().unread(), [5, 1, 0]); // the greeting of SOCKS5
//! engine.to_wire().discard();
//! engine.from_wire().write(&[5, 0]); // the answer of the proxy
//! engine.process(now);
//! dialer.observe(attempt, &mut engine, now);
//! assert!(matches!(dialer.step(now), Step::Wait { .. }));
//! engine.to_wire().discard(); // the request: CONNECT to example.org:22
//! engine.from_wire().write(&[5, 0, 0, 1, 192, 0, 2, 1, 16, 0]); // the reply: succeeded
//! engine.process(now);
//! dialer.observe(attempt, &mut engine, now);
//!
//! let Step::Ready { .. } = dialer.step(now) else { panic!("every layer is open") };
//! engine.from_app().write(b"SSH-2.0-x\r\n");
//! engine.process(now);
//! assert_eq!(engine.to_wire().unread(), b"SSH-2.0-x\r\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Contents
//!
//! ```text
//!   route/   where to go: endpoint, hop, target, routes, environment, redirects
//!     |
//!   plan/    the layers to build there, for each hop and for the target
//!     |
//!   dialer/  the state machine: Happy Eyeballs, layers that open, proxy authentication, failures
//!     |
//!   report/  the record: trace, waterfall, error
//!
//!   spec/    hops and a target, written as one line
//! ```
//!
//! * [`auth`]: the answers of a client to the challenges of a proxy.
//! * [`PoolState`]: the bookkeeping of shared HTTP/2 connections.
//! * [`Reconnect`]: the decision to connect again, and the time to wait before.
//! * [`serve`]: the decisions of WebSocket servers and proxy servers.
//!
//! # Features
//!
//! * `aws-lc-rs`: The cryptography of aws-lc-rs.
//! * `deflate`: Compression of the messages of a WebSocket: permessage-deflate (RFC 7692).
//! * `digest`: Digest authentication to HTTP proxies (RFC 7616).
//! * `idna`: Names in Unicode as hosts of URLs (UTS 46). Without it, their A-labels (`xn--...`) are
//!   wanted.
//! * `ntlm`: NTLM authentication to HTTP proxies (MS-NLMP: NTLMv2).
//! * `pkcs12`: Certificates of clients in PKCS #12 files.
//! * `platform-verifier`: The roots that the system trusts.
//! * `ring`: The cryptography of ring; aws-lc-rs is preferred where both are on.
//! * `system-proxy`: The proxy settings of a desktop or an operating system.
//! * `tracing`: Steps of connecting as spans and events of `tracing`.
//! * `url`: Hops and targets from the `Url` of the crate `url`.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod auth;
mod date;
mod dialer;
mod ipv4;
mod never;
mod plan;
mod pool;
mod report;
mod retry;
mod route;
pub mod serve;
mod spec;

pub use auth::Credentials;
pub use dialer::Dialer;
pub use dialer::finding::{FindAnswer, FindRequest, FindTask};
pub use dialer::step::{Answer, BlockingTask, CredentialsRequest, Step, Timeouts};
pub use plan::Plan;
pub use plan::fallback::NoHttp2;
pub use plan::hints::{RetryHints, SeedStream};
pub use plan::http2::BoxHttp2;
pub use plan::tls_task::TlsTask;
pub use plan::websocket::{BoxSocket, WebSocketOptions};
pub use pool::{Checkout, PoolConfig, PoolKey, PoolState, SharedConnection};
pub use report::error::{DialError, Phase, Reason, Retry, RouteFailed, Unreached};
pub use report::event::Event;
pub use report::id::{AttemptId, Destination, LookupId, QuestionId};
pub use report::route_part::RoutePart;
pub use report::route_taken::RouteTaken;
pub use report::trace::Trace;
pub use report::waterfall::{Outcome, Span};
pub use retry::{Backoff, Next, Reconnect};
pub use route::endpoint::{Endpoint, RouteError};
pub use route::environment::Environment;
pub use route::forwarding::Forwarding;
pub use route::hop::Hop;
pub use route::http_versions::HttpVersions;
pub use route::redirects::{RedirectError, Redirects};
pub use route::routes::Routes;
pub use route::target::Target;
pub use spec::{SecretSource, SpecError, SpecProblem, StackSpec};

/// Routes that are found while dialing: by a proxy auto-config file, or in the settings of a system.
///
/// A [`RouteSource`](find::RouteSource) is what [`Routes::found_by`] takes. It makes a
/// [`FindRoutes`](find::FindRoutes) for each dialing, which decides without I/O; the driver finds out
/// what it asks for.
pub mod find {
    pub use crate::route::file_url::{file_path, file_url};
    pub use crate::route::find::{Fetch, Fetched, FindInput, Machine};
    pub use crate::route::routes::{FindAction, FindRoutes, RouteSource};
}

/// The proxy settings of a desktop or an operating system, read without I/O.
#[cfg(feature = "system-proxy")]
pub mod system {
    pub use crate::route::system::{Desktop, SystemRoutes, SystemSettings, WindowsValues};
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
