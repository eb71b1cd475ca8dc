//! Negotiate (RFC 4559) for `wirestack`: a login to HTTP proxies by Kerberos (RFC 4120), from a user
//! and a password. No ticket, no system library, no I/O, no clock.
//!
//! ```
//! use wirestack_dial::Hop;
//! use wirestack_kerberos::Kerberos;
//!
//! let kerberos = Kerberos::new()
//!     .credentials("me@CORP.EXAMPLE", "secret")
//!     .kdc("kdc.corp.example");
//! let hop: Hop = "http://proxy.corp.example:3128".parse()?;
//! let hop = hop.scheme(kerberos.scheme()); // for all dialings with this hop
//! # drop(hop);
//! # Ok::<(), wirestack_dial::RouteError>(())
//! ```
//!
//! # What happens
//!
//! ```text
//!    proxy                dialer: Kerberos             KDC (tcp://kdc.corp.example:88)
//!      | --- 407 Negotiate ---> |                         |
//!      |                        | --- AS-REQ -----------> |   Step::Fetch
//!      |                        | <-- which proof? ------ |   KDC_ERR_PREAUTH_REQUIRED, its clock
//!      |                        |                         |   Step::SpawnBlocking: the password's key
//!      |                        | --- AS-REQ, a proof --> |   Step::Fetch
//!      |                        | <-- ticket of the realm |   kept for the next dialings
//!      |                        | --- TGS-REQ ----------> |   Step::Fetch
//!      |                        | <-- ticket of the proxy |
//!      | <-- CONNECT, ticket -- |                         |
//!      | --- 200, its proof --> |                         |   checked, if there is one
//! ```
//!
//! The driver of `wirestack` carries the messages to the KDC over TCP. The password goes nowhere: the
//! KDC gets a time that is encrypted with its key, and the proxy gets a ticket.
//!
//! # What is taken and refused
//!
//! * **A user** may be written as `user@REALM`, `REALM\user` or `user`.
//! * **The KDC** is named, or read from a `krb5.conf`, or it is the realm as the name of a host, as in
//!   Active Directory. If one does not answer, the next one is asked.
//! * **Encryption** is that of AES: aes256 and aes128, with SHA-1 (RFC 3962) and with SHA-2 (RFC
//!   8009). RC4 and DES are broken, and not spoken.
//! * **Time** is that of the KDC, as it stands in each of its answers. A machine whose clock is wrong
//!   logs in; a KDC and a proxy whose clocks differ are named, with both times.
//! * **The proxy proves itself** if it can: a proof in its 2xx is checked, and a wrong one is
//!   refused. Many proxies give none.
//! * **Referrals** to other realms are followed, five at most.
//! * **The realm refuses the user** (a wrong password, a locked account): the dialing fails, and no
//!   weaker scheme gets the same password. If the KDC is not reached, or does not know the proxy, the
//!   next scheme that the proxy offers is tried.
//!
//! With the feature `ntlm` there is also `SpnegoNtlm`: NTLM inside of Negotiate, for where no KDC can be
//! reached.
//!
//! There are no channel bindings, no delegation, no smart cards and no codes.
//!
//! # Features
//!
//! * `ntlm`: NTLM inside of Negotiate, where no ticket can be had.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod account;
mod client;
mod exchange;
mod failure;
mod kdcs;
mod kerberos;
mod memory;
mod password_key;
mod random;
mod reply;
mod request;
mod scheme;
#[cfg(feature = "ntlm")]
mod spnego_ntlm;
mod time;
mod token;

pub use kerberos::{Kerberos, NotKrb5Conf};
#[cfg(feature = "ntlm")]
pub use spnego_ntlm::SpnegoNtlm;

#[cfg(all(doctest, feature = "ntlm"))]
#[doc = include_str!("../README.md")]
struct Readme;
