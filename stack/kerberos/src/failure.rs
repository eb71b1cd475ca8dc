//! The reasons why there is no ticket, in words of a user.

use crate::time::KerberosTime;
use kerbcore::messages::KrbError;
use wirestack_layer::Escaped;

/// The reason why there is no ticket, or no trust in the proxy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the user has no realm: write user@REALM, or set `Kerberos::realm`")]
    NoRealm,
    #[error("the user or the realm is empty: write user@REALM")]
    NoUser,
    #[error("the user and the password have to be UTF-8")]
    NotUtf8,
    #[error("there is no user and no password: set `Kerberos::credentials`")]
    NoCredentials,
    #[error("no KDC of {realm} answered: {}", .tried.join("; "))]
    Unreached { realm: String, tried: Vec<String> },
    #[error("wrong password of {account} ({code})")]
    WrongPassword { account: String, code: &'static str },
    #[error("{realm} knows no user {account} (KDC_ERR_C_PRINCIPAL_UNKNOWN)")]
    UnknownUser { account: String, realm: String },
    #[error(
        "{realm} knows no service {service} (KDC_ERR_S_PRINCIPAL_UNKNOWN): name the proxy as it is \
         registered there, or set `Kerberos::service`"
    )]
    UnknownService { service: String, realm: String },
    #[error(
        "{account} may not log in: the account is locked, disabled or over (KDC_ERR_CLIENT_REVOKED)"
    )]
    Revoked { account: String },
    #[error("the password of {account} has expired: change it first (KDC_ERR_KEY_EXPIRED)")]
    PasswordExpired { account: String },
    #[error(
        "{account} has no key that is spoken here, which are those of AES: change the password once (KDC_ERR_ETYPE_NOSUPP)"
    )]
    NoCommonKey { account: String },
    #[error("{realm} wants more than a password of {account}: a smart card or a code")]
    OtherPreauthentication { account: String, realm: String },
    #[error(
        "{realm} finds the time {ours} wrong, and says that it is {theirs} (KRB_AP_ERR_SKEW): do the clocks of its KDCs differ?"
    )]
    Skew {
        realm: String,
        ours: KerberosTime,
        theirs: KerberosTime,
    },
    #[error("{realm} refused: {what}")]
    Refused { realm: String, what: String },
    #[error("{url} asks for {iterations} rounds of a password's key, and {min} to {max} are taken")]
    Iterations {
        url: String,
        iterations: u32,
        min: u32,
        max: u32,
    },
    #[error("{realm} refers to other realms without an end: {limit} were asked")]
    Referrals { realm: String, limit: usize },
    #[error("an answer to no question")]
    Unexpected,
}

impl Failure {
    /// Returns the reason for which a realm refuses a user.
    pub(crate) fn of_user(error: &KrbError, account: String, realm: String) -> Self {
        match error.error_code {
            code::PREAUTH_FAILED => Self::WrongPassword {
                account,
                code: "KDC_ERR_PREAUTH_FAILED",
            },
            code::BAD_INTEGRITY => Self::WrongPassword {
                account,
                code: "KRB_AP_ERR_BAD_INTEGRITY",
            },
            code::C_PRINCIPAL_UNKNOWN => Self::UnknownUser { account, realm },
            code::CLIENT_REVOKED => Self::Revoked { account },
            code::KEY_EXPIRED => Self::PasswordExpired { account },
            code::ETYPE_NOSUPP => Self::NoCommonKey { account },
            _ => Self::Refused {
                realm,
                what: describe(error),
            },
        }
    }

    /// Returns `true` if the realm refused the user: another scheme must not send the same password
    /// in a weaker way.
    pub(crate) fn is_refusal_of_user(&self) -> bool {
        matches!(
            self,
            Self::WrongPassword { .. }
                | Self::UnknownUser { .. }
                | Self::Revoked { .. }
                | Self::PasswordExpired { .. }
        )
    }
}

/// Shows an error of a KDC or of a service: the name of its code, and its own words.
pub(crate) fn describe(error: &KrbError) -> String {
    let code = match NAMES.iter().find(|(code, _)| *code == error.error_code) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("error {}", error.error_code),
    };
    match error.e_text.as_deref() {
        None | Some("") => code,
        Some(text) => format!("{code}, \"{}\"", Escaped::excerpt(text)),
    }
}

/// Shows a text of a peer.
pub(crate) fn shown(text: &str) -> String {
    Escaped::excerpt(text).to_string()
}

/// The codes of errors (RFC 4120 §7.5.9).
pub(crate) mod code {
    pub(crate) const C_PRINCIPAL_UNKNOWN: i32 = 6;
    pub(crate) const S_PRINCIPAL_UNKNOWN: i32 = 7;
    pub(crate) const ETYPE_NOSUPP: i32 = 14;
    pub(crate) const CLIENT_REVOKED: i32 = 18;
    pub(crate) const KEY_EXPIRED: i32 = 23;
    pub(crate) const PREAUTH_FAILED: i32 = 24;
    pub(crate) const PREAUTH_REQUIRED: i32 = 25;
    pub(crate) const BAD_INTEGRITY: i32 = 31;
    pub(crate) const SKEW: i32 = 37;
}

/// The codes that have no sentence of their own.
const NAMES: [(i32, &str); 20] = [
    (1, "KDC_ERR_NAME_EXP"),
    (2, "KDC_ERR_SERVICE_EXP"),
    (9, "KDC_ERR_NULL_KEY"),
    (12, "KDC_ERR_POLICY"),
    (13, "KDC_ERR_BADOPTION"),
    (14, "KDC_ERR_ETYPE_NOSUPP"),
    (18, "KDC_ERR_CLIENT_REVOKED"),
    (25, "KDC_ERR_PREAUTH_REQUIRED"),
    (29, "KDC_ERR_SVC_UNAVAILABLE"),
    (31, "KRB_AP_ERR_BAD_INTEGRITY"),
    (32, "KRB_AP_ERR_TKT_EXPIRED"),
    (33, "KRB_AP_ERR_TKT_NYV"),
    (34, "KRB_AP_ERR_REPEAT"),
    (35, "KRB_AP_ERR_NOT_US"),
    (37, "KRB_AP_ERR_SKEW"),
    (41, "KRB_AP_ERR_MODIFIED"),
    (44, "KRB_AP_ERR_BADKEYVER"),
    (45, "KRB_AP_ERR_NOKEY"),
    (60, "KRB_ERR_GENERIC"),
    (68, "KDC_ERR_WRONG_REALM"),
];
