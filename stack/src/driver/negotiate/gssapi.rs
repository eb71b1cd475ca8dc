//! The system's GSSAPI. All calls may wait for a key distribution centre.

use super::scheme::{Leg, SecurityContext};
use libgssapi::context::{ClientCtx, CtxFlags, SecurityContext as _};
use libgssapi::error::{Error, MajorFlags};
use libgssapi::name::Name;
use libgssapi::oid::{GSS_MECH_SPNEGO, GSS_NT_HOSTBASED_SERVICE};

/// Begins to log in to the service HTTP of this host, with the ticket of the user or with the
/// client's keytab.
pub(super) fn begin(host: &str) -> Result<Box<dyn SecurityContext>, String> {
    let service = format!("HTTP@{host}");
    let name = Name::new(service.as_bytes(), Some(GSS_NT_HOSTBASED_SERVICE)).map_err(words)?;
    let flags = CtxFlags::GSS_C_MUTUAL_FLAG | CtxFlags::GSS_C_REPLAY_FLAG;
    let context = ClientCtx::new(None, name, flags, Some(GSS_MECH_SPNEGO));
    Ok(Box::new(System(context)))
}

struct System(ClientCtx);

impl SecurityContext for System {
    fn step(&mut self, token: Option<&[u8]>) -> Result<Leg, String> {
        let token = self.0.step(token, None).map_err(words)?;
        Ok(Leg {
            token: token
                .map(|token| token.to_vec())
                .filter(|token| !token.is_empty()),
            is_complete: self.0.is_complete(),
        })
    }
}

/// Returns the words of the system for an error, on the thread that met it: the library keeps them
/// there.
fn words(error: Error) -> String {
    let text = error.to_string();
    let text = text.trim();
    // "Unspecified GSS failure. Minor code may provide more information (the reason)"
    let reason = text
        .strip_prefix("Unspecified GSS failure")
        .and_then(|text| {
            let (_, reason) = text.split_once('(')?;
            reason.strip_suffix(')')
        });
    let reason = reason.unwrap_or(text).to_owned();
    let lacks = MajorFlags::GSS_S_NO_CRED | MajorFlags::GSS_S_CREDENTIALS_EXPIRED;
    if error.major.intersects(lacks) || reason.contains("expired") || reason.contains("ticket") {
        return format!("{reason}: get one with `kinit`");
    }
    reason
}
