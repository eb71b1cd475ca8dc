//! Proxy auto-config (PAC) for wirestack: a script that names the proxies for each target.
//!
//! Nothing here touches a socket or a clock. A [`Pac`] is a source of routes for the
//! [`Dialer`](wirestack_dial::Dialer) of `wirestack-dial`; the driver gets the file, looks names up
//! and lends a thread. With `wirestack` and its feature `pac`, it is one line of a builder:
//! `connect(url).pac("http://wpad.corp.example/proxy.pac")`.
//!
//! ```
//! use wirestack_dial::find::{FindAction, FindInput, Machine, RouteSource};
//! use wirestack_layer::Instant;
//! use wirestack_pac::Pac;
//!
//! let script = r#"
//!     function FindProxyForURL(url, host) {
//!         return dnsDomainIs(host, ".corp.example") ? "DIRECT" : "PROXY proxy.corp.example:3128";
//!     }"#;
//! let pac = Pac::script(script);
//!
//! // A dialer does this, and its driver answers.
//! let now = Instant::ORIGIN;
//! let mut finder = pac.finder(&"wss://chat.example.org".parse()?);
//! let FindAction::AskMachine = finder.step(FindInput::Start, now) else { panic!() };
//! let input = FindInput::Machine(Machine::default());
//! let FindAction::RunBlocking = finder.step(input, now) else { panic!() };
//! finder.run_blocking();
//! let FindAction::Found(routes) = finder.step(FindInput::Ran, now) else { panic!() };
//! assert_eq!(routes.to_string(), "http://proxy.corp.example:3128");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a script sees
//!
//! * The URL without user, password and fragment; of `https` and `wss` also without path and query,
//!   as in browsers. `ws` and `wss` stay what they are, as in browsers. A stream (`tcp`, `tls`) is
//!   shown as `https`, because a tunnel is what a proxy is asked for.
//! * The host without port and brackets.
//! * The time, the addresses of this machine, and the addresses of the names that it asks for.
//!
//! It is not asked about this machine and its link: see [`Pac::also_for_local`].
//!
//! # Which functions there are
//!
//! All of Netscape's: `isPlainHostName`, `dnsDomainIs`, `localHostOrDomainIs`, `isResolvable`,
//! `isInNet`, `dnsResolve`, `convert_addr`, `myIpAddress`, `dnsDomainLevels`, `shExpMatch`,
//! `weekdayRange`, `dateRange`, `timeRange`, `alert` (a note in the trace). Microsoft's for IPv6:
//! `isResolvableEx`, `isInNetEx`, `dnsResolveEx`, `myIpAddressEx`, `sortIpAddressList`,
//! `getClientVersion`; and `FindProxyForURLEx` goes before `FindProxyForURL`.
//!
//! Ranges of days, dates and times may go over the end of a week, month, year or day. The last hour of
//! `timeRange(9, 17)` is within, as in browsers. Patterns of `shExpMatch` may have what a regular
//! expression has, as in browsers.
//!
//! # What a hostile script can do
//!
//! Name a proxy, and use [bounded](PacLimits) time and memory. It has no `BigInt` function, `Proxy`,
//! `Promise` and typed arrays. Each run has an engine of its own, so nothing stays from run to run. If a
//! run does not end all the same, later dialings fail, and no more threads are spent.
//!
//! # When it is broken
//!
//! A file that cannot be got, a script that does not parse, that throws or that returns nonsense is an
//! error of the dialing, unless the user says [`direct_if_broken`](Pac::direct_if_broken).
//!
//! # How long a file is used
//!
//! As long as its server says (`Cache-Control`, `Expires`), but at least one minute and at most
//! twelve hours, and one hour if it says nothing. Then the server is asked if the file has changed
//! (`ETag`, `Last-Modified`). While the server cannot be reached, the old file is used, and the trace
//! says so. A file of this machine is read for each dialing.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod cache;
mod error;
mod finder;
mod freshness;
mod functions;
mod limits;
mod pac;
mod question;
mod script;

pub use error::PacError;
pub use limits::PacLimits;
pub use pac::Pac;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
