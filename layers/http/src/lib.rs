//! The semantics of HTTP (RFC 9110) that HTTP/1.1 and HTTP/2 share, without I/O.
//!
//! A proxy that wants to know its client answers a CONNECT with 407 and its challenges, in either
//! version:
//!
//! ```
//! use http::header::{HeaderMap, HeaderValue, PROXY_AUTHENTICATE};
//! use wirestack_http::{basic_credentials, challenges};
//!
//! let mut fields = HeaderMap::new();
//! let offered = HeaderValue::from_static("Negotiate, Basic realm=\"a, b\"");
//! fields.insert(PROXY_AUTHENTICATE, offered);
//!
//! let challenges = challenges(&fields, &PROXY_AUTHENTICATE);
//! assert_eq!(challenges[0].scheme(), "Negotiate");
//! assert!(challenges[1].has_scheme("basic"));
//! assert_eq!(challenges[1].realm(), "a, b");
//!
//! let answer = basic_credentials("Aladdin", "open sesame")?;
//! assert_eq!(answer, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
//! # Ok::<(), wirestack_layer::Error>(())
//! ```
//!
//! # Contents
//!
//! * [`grammar`]: tokens, quoted strings and lists (RFC 9110 §5.6).
//! * [`Challenge`], [`challenges`]: the schemes that a server or proxy accepts (RFC 9110 §11).
//! * [`basic_credentials`], [`read_basic_credentials`], [`basic_challenge`], [`BadCredentials`]:
//!   Basic authentication (RFC 7617).
//! * [`ProxyClient`], [`Awaiting`], [`Challenged`]: the client of a proxy, whose application
//!   answers the challenges.
//! * [`Refusal`]: a final response that refuses. [`status_text`], [`scheme_list`],
//!   [`shown_url`]: a status, the schemes of challenges, and a URL of a peer as texts.
//! * [`is_secret`], [`mark_secrets`], [`SafeDebug`]: the secrets in fields and URIs.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod basic;
mod challenge;
pub mod grammar;
mod host;
mod proxy_client;
mod refusal;
mod secret;
mod words;

pub use basic::{BadCredentials, basic_challenge, basic_credentials, read_basic_credentials};
pub use challenge::{Challenge, challenges};
pub use proxy_client::{Awaiting, Challenged, ProxyClient};
pub use refusal::{Refusal, status_text};
pub use secret::{SafeDebug, is_secret, mark_secrets};
pub use words::{scheme_list, shown_url};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
