//! The rules of the options of a way, which a file has to keep too.

use crate::exit::Failure;
use crate::way::Way;

/// Refuses the limits of these names that are 0. It could be meant as "no limit", and nothing would get through.
pub(crate) fn at_least_one(limits: &[(&str, bool)]) -> Result<(), Failure> {
    match limits.iter().find(|(_, is_zero)| *is_zero) {
        Some((name, _)) => Err(Failure::usage(format!("--{name} takes a number from 1"))),
        None => Ok(()),
    }
}

impl Way {
    /// Checks what the parser of options checks of them: a file may say anything.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let ways = [
            !self.via.is_empty(),
            self.stack.is_some(),
            self.direct,
            self.system_proxy,
            self.pac.is_some(),
        ];
        if ways.into_iter().filter(|is_named| *is_named).count() > 1 {
            return Err(Failure::usage(
                "one of via, stack, direct, system-proxy and pac names the way, and not two",
            ));
        }
        for (one, other, names) in [
            (&self.cert, &self.key, "cert and key"),
            (
                &self.proxy_cert,
                &self.proxy_key,
                "proxy-cert and proxy-key",
            ),
        ] {
            if one.is_some() != other.is_some() {
                return Err(Failure::usage(format!("{names} belong together")));
            }
        }
        for (is_named, name) in [
            (self.proxy_password_file.is_some(), "proxy-password-file"),
            (self.kdc.is_some(), "kdc"),
        ] {
            if is_named && self.proxy_user.is_none() {
                return Err(Failure::usage(format!("{name} wants a proxy-user")));
            }
        }
        Ok(())
    }
}
