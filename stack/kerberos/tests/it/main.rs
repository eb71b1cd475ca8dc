//! Logins by Kerberos in a network that does not exist: a dialer, a proxy and a KDC, without I/O.

mod errors;
mod hostile;
mod kdc;
mod login;
mod network;
mod ntlm;
mod proof;
mod proxy;

use kdc::Kdc;
use network::{Network, dial};
use wirestack_kerberos::Kerberos;

const USER: &str = "me@CORP.TEST";
const PASSWORD: &str = "the-secret-of-me";

/// The settings of the user, with the KDC of the network.
fn kerberos() -> Kerberos {
    Kerberos::new().credentials(USER, PASSWORD).kdc("kdc.test")
}
