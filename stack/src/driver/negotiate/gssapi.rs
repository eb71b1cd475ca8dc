//! The system's GSSAPI. All calls may wait for a key distribution centre.

use super::scheme::{Failure, Leg, SecurityContext};
use libgssapi::context::{ClientCtx, CtxFlags, SecurityContext as _};
use libgssapi::credential::{Cred, CredUsage};
use libgssapi::error::{Error, MajorFlags};
use libgssapi::name::Name;
use libgssapi::oid::{GSS_MECH_KRB5, GSS_MECH_SPNEGO, GSS_NT_HOSTBASED_SERVICE, OidSet};

/// Begins to log in to the service HTTP of this host, with the ticket of the user or with the
/// client's keytab.
pub(super) fn begin(host: &str) -> Result<Box<dyn SecurityContext>, Failure> {
    let service = format!("HTTP@{host}");
    let name = Name::new(service.as_bytes(), Some(GSS_NT_HOSTBASED_SERVICE)).map_err(words)?;
    let flags = CtxFlags::GSS_C_MUTUAL_FLAG | CtxFlags::GSS_C_REPLAY_FLAG;
    let context = ClientCtx::new(None, name, flags, Some(GSS_MECH_SPNEGO));
    Ok(Box::new(System(context)))
}

struct System(ClientCtx);

impl SecurityContext for System {
    fn step(&mut self, token: Option<&[u8]>) -> Result<Leg, Failure> {
        let token = self.0.step(token, None).map_err(explained)?;
        let token = token.map(|token| token.to_vec());
        Ok(Leg {
            token: token.filter(|token| !token.is_empty()),
            is_complete: self.0.is_complete(),
        })
    }
}

/// Returns the words of the system for the error of a step. Without a ticket they tell only that
/// nothing could be negotiated, and looking for one tells why.
fn explained(error: Error) -> Failure {
    if !is(error, MajorFlags::GSS_S_NO_CRED) {
        return words(error);
    }
    let kerberos = OidSet::singleton(GSS_MECH_KRB5);
    let found = kerberos
        .and_then(|mechanisms| Cred::acquire(None, None, CredUsage::Initiate, Some(&mechanisms)));
    words(found.err().unwrap_or(error))
}

/// Returns the words of the system for an error, on the thread that met it: the library keeps them
/// there.
fn words(error: Error) -> Failure {
    let text = error.to_string().replace('\0', "");
    // "Unspecified GSS failure. Minor code may provide more information (the reason)"
    let reason = text
        .split_once(" (")
        .and_then(|(_, reason)| reason.trim().strip_suffix(')'));
    // If the mechanism has nothing to add, the words of GSSAPI itself stand before.
    let general = text.split(" (").next().unwrap_or_default();
    let reason = reason.filter(|reason| !matches!(*reason, "" | "Unknown error"));
    let reason = reason.unwrap_or(general).trim();
    let lacks = is(error, MajorFlags::GSS_S_NO_CRED)
        || is(error, MajorFlags::GSS_S_CREDENTIALS_EXPIRED)
        || reason.contains("expired");
    let advice = if lacks {
        "get one with `kinit`"
    } else if reason.contains("not found in Kerberos database") {
        "name the proxy as its realm does"
    } else {
        ""
    };
    let words = reason.to_owned();
    Failure { words, advice }
}

/// Returns `true` if this is the reason of the routine. Reasons are numbers, and no flags.
fn is(error: Error, reason: MajorFlags) -> bool {
    error.major.bits() & ROUTINE == reason.bits()
}

const ROUTINE: u32 = 0xff << 16;
