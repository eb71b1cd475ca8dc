//! TLS 1.2 (RFC 5246) and 1.3 (RFC 8446) as sans-I/O layers, client and server, through `rustls`.
//!
//! [`Client`] and [`Server`] are [layers](wirestack_layer::Layer): TLS records on the wire side,
//! bytes on the application side, and whatever carries bytes may lie below or above, TLS included.
//! Each connection is given its own `rustls` configuration, which [`ClientSettings`] and
//! [`ServerSettings`] make from PEM, names and a few choices. The cryptography is the one that the
//! features name, never what the process happens to have installed.
//!
//! ```
//! # #[cfg(feature = "aws-lc-rs")] {
//! # use wirestack_layer::Instant;
//! use wirestack_layer::{Flow, Layer, Pipe, Flows};
//! use wirestack_tls::{Client, ClientSettings, Server, ServerSettings, server_name};
//!
//! let made = rcgen::generate_simple_self_signed(["example.org".to_owned()]).unwrap();
//! let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
//! let trust = ClientSettings::new().without_system_roots().ca_certificates(&*chain);
//!
//! let mut client = Client::new(trust.build()?, server_name("example.org")?)?;
//! let mut server = Server::new(ServerSettings::new(&*chain, &*key).build()?)?;
//!
//! let [mut there, mut back, mut request, mut response] = <[Pipe; 4]>::default();
//! let [mut heard, mut answer] = <[Pipe; 2]>::default();
//! request.write(b"hello");
//! # let now = Instant::ORIGIN;
//! while heard.is_empty() {
//!     client.process(Flows::new(&mut back, &mut there, &mut request, &mut response), now);
//!     server.process(Flows::new(&mut there, &mut back, &mut answer, &mut heard), now);
//! }
//! assert_eq!(heard.unread(), b"hello");
//! assert_eq!(client.status().facts.to_string(), "TLSv1.3 TLS13_AES_256_GCM_SHA384");
//! # }
//! # Ok::<(), wirestack_layer::Error>(())
//! ```
//!
//! ```text
//!   application bytes      |          ^
//!                      +---v----------+---+
//!                      |   TLS session    |   <- certificates, keys, ALPN
//!                      +---+----------^---+
//!   records                v          |       handshake, data, alerts
//! ```
//!
//! # Contents
//!
//! * [`Client`], [`Server`]: the layers; [`Tls`] has what they share.
//! * [`ClientSettings`], [`ServerSettings`], [`Versions`]: configurations made easy (with the feature
//!   `aws-lc-rs` or `ring`; without them, give whole configurations of your own).
//! * [`server_name`]: whom the client expects, from the host of a URL.
//! * [`TlsError`]: what can go wrong.
//! * [`rustls`]: the library below, for everything that the settings do not cover.
//!
//! # How a session ends
//!
//! The end of what the application sends becomes `close_notify`, and the peer's `close_notify`
//! becomes the end of what the application receives. In TLS 1.3 the two directions end each for
//! itself; in TLS 1.2 the first `close_notify` ends both, and whoever said it need not wait for the
//! other's (RFC 5246 §7.2.1). Any other wire that ends without it arrives above as
//! [`TlsError::Truncated`]: an attacker could have cut it. An application that aborts ends the wire
//! without `close_notify`, so that the peer sees a truncation as well. When this side finds a fault,
//! its alert leaves before the application hears of it.
//!
//! # What is not sans-I/O here
//!
//! `rustls` takes its random numbers from its provider, and reads the system's clock to see whether a
//! certificate is valid; a configuration of your own can give it another clock and another
//! generator. [`ClientSettings::build`] reads the system's roots, and
//! [`key_log`](ClientSettings::key_log) appends to a file.
//!
//! # Debug builds
//!
//! `rustls` 0.23 asserts that nothing goes wrong after it has said `close_notify`; a peer that then
//! sends a bad record trips this. Its release builds do not; for the others, turn it off:
//!
//! ```toml
//! [profile.dev.package.rustls]
//! debug-assertions = false
//! ```

mod error;
mod name;
mod record;
mod session;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod settings;

pub use error::TlsError;
pub use name::server_name;
pub use rustls;
pub use session::{Client, Server, Tls};
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use settings::{ClientSettings, ServerSettings, Versions};

/// What errors and traces call these layers.
const NAME: &str = "tls";

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
