//! The account of a user at a realm, read from the name that the user knows.

use crate::failure::Failure;
use kerbcore::types::PrincipalName;
use std::fmt;
use wirestack_layer::Escaped;

/// A user of a realm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: PrincipalName,
    pub(crate) realm: String,
}

impl Account {
    /// Reads `user@realm`, `REALM\user` or `user`. The realm that was set wins; the default one is
    /// for a name without a realm.
    ///
    /// Realms are in upper case by custom, and people write domains in lower case. One that was set
    /// is taken as it is.
    pub(crate) fn read(
        text: &str,
        set: Option<&str>,
        default: Option<&str>,
    ) -> Result<Self, Failure> {
        let (user, written) = match (text.split_once('\\'), text.rsplit_once('@')) {
            (Some((realm, user)), _) => (user, Some(realm)),
            (None, Some((user, realm))) => (user, Some(realm)),
            (None, None) => (text, None),
        };
        let realm = match (set, written) {
            (Some(set), _) => set.to_owned(),
            (None, Some(written)) => written.to_uppercase(),
            (None, None) => default.ok_or(Failure::NoRealm)?.to_owned(),
        };
        if user.is_empty() || realm.is_empty() {
            return Err(Failure::NoUser);
        }
        // Behind the `@` may be another domain than the realm: an alias, which the realm resolves.
        let is_alias = text.contains('@')
            && set
                .zip(written)
                .is_some_and(|(set, written)| !set.eq_ignore_ascii_case(written));
        let name = if is_alias {
            PrincipalName {
                name_type: NT_ENTERPRISE,
                name_string: vec![text.to_owned()],
            }
        } else {
            PrincipalName {
                name_type: NT_PRINCIPAL,
                name_string: user.split('/').map(str::to_owned).collect(),
            }
        };
        Ok(Self { name, realm })
    }

    /// Returns the salt of the password if the realm names none (RFC 4120 §4).
    pub(crate) fn default_salt(&self) -> String {
        format!("{}{}", self.realm, self.name.name_string.concat())
    }
}

/// Shows the account as `user@REALM`.
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.name_string.join("/");
        let (name, realm) = (Escaped::excerpt(&name), Escaped::excerpt(&self.realm));
        write!(f, "{name}@{realm}")
    }
}

/// The type of a user's name (RFC 4120 §6.2).
const NT_PRINCIPAL: i32 = 1;

/// The type of an alias that looks like an address of electronic mail (RFC 6806 §5).
const NT_ENTERPRISE: i32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, set: Option<&str>) -> Option<(String, i32)> {
        let account = Account::read(text, set, Some("DEFAULT.TEST")).ok()?;
        Some((account.to_string(), account.name.name_type))
    }

    #[test]
    fn a_user_is_read_as_people_write_it() {
        for (text, set, wanted) in [
            ("me", None, Some(("me@DEFAULT.TEST", 1))),
            ("me@corp.test", None, Some(("me@CORP.TEST", 1))),
            ("corp\\me", None, Some(("me@CORP", 1))),
            ("me", Some("lower.test"), Some(("me@lower.test", 1))),
            ("me@corp.test", Some("CORP.TEST"), Some(("me@CORP.TEST", 1))),
            (
                "me@mail.test",
                Some("CORP.TEST"),
                Some(("me@mail.test@CORP.TEST", 10)),
            ),
            ("CORP\\me", Some("CORP.TEST"), Some(("me@CORP.TEST", 1))),
            ("me/admin@corp.test", None, Some(("me/admin@CORP.TEST", 1))),
            ("", None, None),
            ("@corp.test", None, None),
            ("me@", None, None),
            ("\\me", None, None),
        ] {
            let wanted = wanted.map(|(shown, kind)| (shown.to_owned(), kind));
            assert_eq!(read(text, set), wanted, "{text} {set:?}");
        }
        assert!(Account::read("me", None, None).is_err());
    }
}
