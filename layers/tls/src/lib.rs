//! TLS 1.2 (RFC 5246) and 1.3 (RFC 8446) as sans-I/O layers, client and server, through `rustls`.
//!
//! [`Client`] and [`Server`] are [layers](wirestack_layer::Layer): TLS records on the wire side,
//! bytes on the application side. Any layer that carries bytes may lie below or above, TLS
//! included. Each connection is given its own `rustls` configuration, which [`ClientSettings`] and
//! [`ServerSettings`] make from PEM, names and a few choices. The features of this crate choose the
//! cryptography; a default that the process has installed is never used.
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
//! * [`Client`], [`Server`]: the layers; [`Tls`] has the methods that both share.
//! * [`ClientSettings`], [`ServerSettings`], [`TlsVersions`]: settings that make a configuration;
//!   they need the feature `aws-lc-rs` or `ring`. Without these features, make whole configurations
//!   with `rustls`.
//! * [`Certificates`]: authorities to trust beside the system's, and a certificate of the client, as
//!   files or in memory.
//! * [`server_name`]: the name that a client expects, from the host of a URL.
//! * [`TlsError`]: the causes of errors.
//! * [`rustls`]: the library below, for all that the settings do not cover.
//!
//! # All that can happen
//!
//! There is nothing to decide while a session runs: its configuration has decided.
//!
//! | fact | read from | since when |
//! |---|---|---|
//! | the name that the client asks for | [`Server::server_name`] | its ClientHello is read |
//! | the version, the cipher suite | [`Tls::version`], [`Tls::suite`] | they are negotiated |
//! | the protocol chosen by ALPN | [`Tls::alpn`] | it is negotiated |
//! | the peer's certificates | [`Tls::peer_certificates`] | they are verified |
//! | open | [`is_open`](wirestack_layer::Layer::is_open) | the handshake is done |
//! | the peer has sent all | `to_app` finishes | its `close_notify` is read |
//! | TLS 1.2: the peer reads no more | `from_app`: [`TlsError::Closed`] | its `close_notify` is read |
//! | the wire was cut | `to_app` aborts, [`TlsError::Truncated`] | it ends without `close_notify` |
//! | it was cut in the handshake | `to_app` aborts, [`TlsError::CutHandshake`] | it ends |
//! | this side found a fault | `to_app` aborts, with the [`TlsError`] | its alert is in `to_wire` |
//! | the peer found a fault | `to_app` aborts, [`TlsError::Alert`] | its alert is read |
//!
//! # How a session ends
//!
//! When the application finishes, `close_notify` is sent; when the peer's `close_notify` arrives,
//! the application receives the end. In TLS 1.3 the two directions end separately. In TLS 1.2 the
//! first `close_notify` ends both, and the side that sent it need not wait for the other's (RFC
//! 5246 §7.2.1). A wire that ends in any other way is an abort with [`TlsError::Truncated`],
//! because an attacker could have cut it. An application that aborts ends the wire without
//! `close_notify`, so that the peer sees a truncation as well. When this side finds a fault, its
//! alert leaves before the application gets the error.
//!
//! # Where this crate is not sans-I/O
//!
//! `rustls` takes random numbers from its provider, and reads the system's clock to check the dates
//! of certificates; a configuration of your own can give it another generator and another clock.
//! [`ClientSettings::build`] reads the system's roots, or those that `SSL_CERT_FILE` and
//! `SSL_CERT_DIR` name, and the files of [`Certificates`]; [`key_log`](Settings::key_log) appends
//! to a file.
//!
//! # Debug builds
//!
//! `rustls` 0.23 asserts that nothing fails after it has sent `close_notify`; a peer that then
//! sends a bad record trips this assertion. Release builds do not have it. For other builds, turn
//! it off:
//!
//! ```toml
//! [profile.dev.package.rustls]
//! debug-assertions = false
//! ```
//!
//! # Features
//!
//! On by default: `aws-lc-rs`, `platform-verifier`.
//!
//! * `aws-lc-rs`: The cryptography of aws-lc-rs, with key exchange that resists quantum computers.
//! * `pkcs12`: Certificates of clients in PKCS #12 files.
//! * `platform-verifier`: The roots that the system trusts, which is where corporate CAs live.
//! * `ring`: The cryptography of ring; aws-lc-rs is preferred where both are on.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod certificate;
mod certificates;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod environment;
mod error;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod files;
mod name;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod pem;
mod phase;
#[cfg(all(feature = "pkcs12", any(feature = "aws-lc-rs", feature = "ring")))]
mod pkcs12;
mod record;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod roots;
mod sending;
mod session;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod settings;
#[cfg_attr(
    not(any(feature = "aws-lc-rs", feature = "ring")),
    allow(dead_code, reason = "only the settings make verifiers")
)]
mod verifier;
mod words;

pub use certificate::Issuer;
pub use certificates::Certificates;
pub use error::{BadCertificate, TlsError};
pub use name::server_name;
pub use rustls;
pub use session::{Client, Server, Tls};
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use settings::{ClientRole, ClientSettings, ServerRole, ServerSettings, Settings, TlsVersions};

/// The name of these layers in errors and traces.
const NAME: &str = "tls";

#[cfg(all(doctest, feature = "aws-lc-rs"))]
#[doc = include_str!("../README.md")]
struct Readme;
