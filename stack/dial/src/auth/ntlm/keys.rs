//! The keys and proofs of NTLMv2 (MS-NLMP §3.3.2).

use hmac::{Hmac, KeyInit, Mac};
use md4::{Digest, Md4};
use md5::Md5;
use zeroize::Zeroizing;

/// A user with a domain, and the key of the password.
pub(super) struct Account {
    pub(super) user: String,
    pub(super) domain: String,
    key: Zeroizing<[u8; 16]>,
}

impl Account {
    /// Reads `user`, `DOMAIN\user` or `user@domain`. The last goes whole, without a domain: the
    /// domain controller takes it apart (MS-NLMP §2.2.1.3).
    pub(super) fn new(user: &str, password: &str) -> Self {
        let (domain, user) = user.split_once('\\').unwrap_or(("", user));
        let password = utf16(password);
        let hash: [u8; 16] = Md4::digest(&*password).into();
        let hash = Zeroizing::new(hash);
        let name: String = user.chars().map(upper).chain(domain.chars()).collect();
        Self {
            user: user.to_owned(),
            domain: domain.to_owned(),
            key: Zeroizing::new(hmac_md5(&hash, &[&utf16(&name)])),
        }
    }
}

/// The answer to a challenge.
pub(super) struct Response {
    /// The response of LMv2.
    pub(super) lm: [u8; 24],
    /// The response of NTLMv2.
    pub(super) nt: Vec<u8>,
    /// The key of the session, which signs the messages.
    key: Zeroizing<[u8; 16]>,
}

impl Response {
    pub(super) fn new(
        account: &Account,
        server: [u8; 8],
        client: [u8; 8],
        time: u64,
        target: &[u8],
    ) -> Self {
        let mut rest = vec![1, 1, 0, 0, 0, 0, 0, 0];
        rest.extend(time.to_le_bytes());
        rest.extend(client);
        rest.extend([0; 4]);
        rest.extend(target);
        rest.extend([0; 4]);
        let proof = hmac_md5(&account.key, &[&server, &rest]);
        let mut lm = [0; 24];
        lm[..16].copy_from_slice(&hmac_md5(&account.key, &[&server, &client]));
        lm[16..].copy_from_slice(&client);
        Self {
            lm,
            nt: [&proof[..], &rest].concat(),
            key: Zeroizing::new(hmac_md5(&account.key, &[&proof])),
        }
    }

    /// Returns the code that signs the three messages.
    pub(super) fn sign(&self, messages: &[&[u8]]) -> [u8; 16] {
        hmac_md5(&self.key, messages)
    }
}

/// Returns a text in UTF-16, as all texts of NTLM are here.
pub(super) fn utf16(text: &str) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * text.len()));
    for unit in text.encode_utf16() {
        bytes.extend(unit.to_le_bytes());
    }
    bytes
}

fn hmac_md5(key: &[u8; 16], parts: &[&[u8]]) -> [u8; 16] {
    // A key of HMAC may have any length.
    let Ok(mut mac) = Hmac::<Md5>::new_from_slice(key) else {
        return [0; 16];
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Makes a character upper case, as Windows does: one for one.
fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// MS-NLMP §4.2.4.
    #[test]
    fn the_example_of_the_standard_comes_out() {
        let account = Account::new("Domain\\User", "Password");
        assert_eq!(hex(&*account.key), "0c868a403bfd7a93a3001ef22ef02e3f");
        let mut target = vec![2, 0, 12, 0];
        target.extend(&*utf16("Domain"));
        target.extend([1, 0, 12, 0]);
        target.extend(&*utf16("Server"));
        target.extend([0; 4]);
        let server = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
        let response = Response::new(&account, server, [0xaa; 8], 0, &target);
        assert_eq!(hex(&response.nt[..16]), "68cd0ab851e51c96aabc927bebef6a1c");
        assert_eq!(
            hex(&response.lm),
            "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa"
        );
        assert_eq!(hex(&*response.key), "8de40ccadbc14a82f15cb0ad0de95ca3");
    }

    #[test]
    fn the_forms_of_a_user_are_read() {
        for (text, user, domain) in [
            ("me", "me", ""),
            ("CORP\\me", "me", "CORP"),
            ("me@corp.test", "me@corp.test", ""),
            ("CORP\\a\\b", "a\\b", "CORP"),
            ("\\me", "me", ""),
            ("", "", ""),
        ] {
            let account = Account::new(text, "x");
            assert_eq!((&*account.user, &*account.domain), (user, domain), "{text}");
        }
        let keys =
            ["CORP\\m\u{fc}ller", "CORP\\M\u{dc}LLER"].map(|user| Account::new(user, "x").key);
        assert_eq!(keys[0], keys[1]);
        assert_eq!(upper('\u{df}'), '\u{df}');
    }
}
