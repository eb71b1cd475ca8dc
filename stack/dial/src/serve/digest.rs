//! The server side of Digest authentication (RFC 7616).

use crate::auth::digest::hex;
use crate::auth::digest_response::{Algorithm, Auth, Hash, Request};
use crate::auth::{Challenge, Credentials};
use chacha20::ChaCha12Rng;
use chacha20::rand_core::SeedableRng;
use http::HeaderValue;
use std::time::Duration;
use wirestack_http::grammar::quote;
use wirestack_layer::{Instant, Seed, constant_time_eq};
use zeroize::Zeroizing;

/// The check of the Digest responses of clients.
///
/// A nonce contains its age and a proof that this server created it, so the server stores no
/// nonces. A client may use a nonce more than once: an attacker who can replay the request for a
/// tunnel can use the tunnel itself as well.
#[derive(Clone)]
pub(crate) struct DigestVerifier {
    realm: String,
    credentials: Credentials,
    key: Zeroizing<String>,
    created: Instant,
}

/// The result of checking the Digest response of a client.
pub(crate) enum Verified {
    Valid,
    /// The response is right, but its nonce is too old.
    Stale,
    Invalid,
}

impl DigestVerifier {
    pub(crate) fn new(realm: &str, credentials: Credentials, seed: Seed, now: Instant) -> Self {
        Self {
            realm: realm.to_owned(),
            credentials,
            key: Zeroizing::new(hex(&mut ChaCha12Rng::from_seed(seed.into_bytes()))),
            created: now,
        }
    }

    /// Returns the challenges, the strongest first.
    pub(crate) fn challenges(&self, stale: bool, now: Instant) -> Vec<Challenge> {
        let age = now.saturating_duration_since(self.created).as_secs();
        let nonce = self.nonce(age);
        let realm = quote(&self.realm);
        let stale = if stale { ", stale=true" } else { "" };
        let of = |algorithm: Hash| {
            let algorithm = Algorithm::from(algorithm);
            Challenge::new(format!(
                "Digest realm={realm}, qop=\"auth\"{stale}, algorithm={algorithm}, \
                 nonce=\"{nonce}\", charset=UTF-8"
            ))
        };
        vec![of(Hash::Sha256), of(Hash::Md5)]
    }

    /// Checks the credentials of a CONNECT to `target`.
    pub(crate) fn verify(&self, value: &HeaderValue, target: &str, now: Instant) -> Verified {
        // The name of a user may have any characters, so `to_str`, which takes ASCII, is not
        // enough.
        let text = str::from_utf8(value.as_bytes()).ok();
        let Some(sent) = text.and_then(read) else {
            return Verified::Invalid;
        };
        let issued = self.issued(&sent.nonce);
        let ours = sent.realm == self.realm && sent.uri == target;
        let Some(issued) = issued.filter(|_| ours) else {
            return Verified::Invalid;
        };
        let Some((user, password)) = self.credentials.as_texts() else {
            return Verified::Invalid;
        };
        let wanted = Request {
            algorithm: sent.hash.into(),
            realm: &self.realm,
            nonce: &sent.nonce,
            user,
            password,
            target,
            auth: Some(Auth {
                count: sent.count,
                cnonce: &sent.cnonce,
            }),
        };
        // A wrong user costs the same as a wrong password: the same hash, and both comparisons.
        let is_known = secrets_eq(&sent.user, user);
        let is_right = secrets_eq(&sent.response.to_ascii_lowercase(), &wanted.response());
        if !(is_known & is_right) {
            return Verified::Invalid;
        }
        let age = now.saturating_duration_since(self.created).as_secs();
        if age.saturating_sub(issued) > NONCE_LIFETIME.as_secs() {
            Verified::Stale
        } else {
            Verified::Valid
        }
    }

    fn nonce(&self, age: u64) -> String {
        // The key stands at both ends, so that no text can be appended (a length extension attack).
        let age = format!("{age:016x}");
        let proof = Hash::Sha256.of(&[&self.key, &age, &self.key]);
        format!("{age}{}", *proof)
    }

    /// Returns the age of the server when it issued a nonce; `None` if it did not issue it.
    fn issued(&self, nonce: &str) -> Option<u64> {
        let age = u64::from_str_radix(nonce.get(..16)?, 16).ok()?;
        secrets_eq(nonce, &self.nonce(age)).then_some(age)
    }
}

fn secrets_eq(one: &str, other: &str) -> bool {
    constant_time_eq(one.as_bytes(), other.as_bytes())
}

/// The parameters of an answer to the challenges of this server.
struct Sent {
    realm: String,
    nonce: String,
    hash: Hash,
    response: String,
    user: String,
    uri: String,
    count: u32,
    cnonce: String,
}

/// Reads credentials, which have the form of a challenge; `None` for what the challenges do not offer:
/// they offer `auth` only, and neither `-sess` nor `userhash`.
fn read(text: &str) -> Option<Sent> {
    let sent = Challenge::new(text);
    let is = |name, word: &str| {
        let value = sent.parameter(name);
        value.is_some_and(|value| value.eq_ignore_ascii_case(word))
    };
    let algorithm = match sent.parameter("algorithm") {
        Some(name) => Algorithm::parse(&name)?,
        None => Hash::Md5.into(),
    };
    let count = sent.parameter("nc")?;
    let is_count = count.len() == 8 && count.bytes().all(|byte| byte.is_ascii_hexdigit());
    let offered = is("qop", "auth") && !algorithm.session && !is("userhash", "true");
    if !(sent.has_scheme("digest") && offered && is_count) {
        return None;
    }
    Some(Sent {
        realm: sent.parameter("realm")?,
        nonce: sent.parameter("nonce")?,
        hash: algorithm.hash,
        response: sent.parameter("response")?,
        user: sent.parameter("username")?,
        uri: sent.parameter("uri")?,
        count: u32::from_str_radix(&count, 16).ok()?,
        cnonce: sent.parameter("cnonce")?,
    })
}

/// The time in which a nonce may be used.
const NONCE_LIFETIME: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::digest::Digest;
    use chacha20::rand_core::Rng;

    const TARGET: &str = "example.org:443";

    fn client() -> Digest {
        Digest::new(TARGET.into(), Seed::new([1; 32]))
    }

    #[test]
    fn both_sides_agree_and_a_nonce_grows_stale() {
        let start = Instant::ORIGIN;
        let right = Credentials::new("m\u{fc}\"e", "se\\cret");
        let verifier = DigestVerifier::new("a \"realm\"", right.clone(), Seed::new([2; 32]), start);
        let offered = verifier.challenges(false, start);
        assert!(offered[0].to_string().contains("SHA-256"));
        for offer in &offered {
            let mut client = client();
            let value = client.answer(offer, &right).unwrap();
            assert_eq!(format!("{value:?}"), "Sensitive");
            let at = |seconds| start + Duration::from_secs(seconds);
            let passes = |seconds, target| verifier.verify(&value, target, at(seconds));
            assert!(matches!(passes(300, TARGET), Verified::Valid));
            assert!(matches!(passes(301, TARGET), Verified::Stale));
            assert!(matches!(passes(0, "example.org:22"), Verified::Invalid));
            let again = client.again(&right).unwrap().unwrap();
            assert!(String::from_utf8_lossy(again.as_bytes()).contains("nc=00000002"));
            let wrong = Credentials::new("me", "guess");
            let value = self::client().answer(offer, &wrong).unwrap();
            assert!(matches!(
                verifier.verify(&value, TARGET, start),
                Verified::Invalid
            ));
        }
        let foreign = DigestVerifier::new("a \"realm\"", right.clone(), Seed::new([3; 32]), start);
        let offer = &foreign.challenges(false, start)[0];
        let value = client().answer(offer, &right).unwrap();
        assert!(matches!(
            verifier.verify(&value, TARGET, start),
            Verified::Invalid
        ));
    }

    #[test]
    fn junk_is_borne() {
        let start = Instant::ORIGIN;
        let right = Credentials::new("me", "secret");
        let verifier = DigestVerifier::new("r", right.clone(), Seed::new([2; 32]), start);
        let offer = verifier.challenges(false, start).remove(0);
        let value = client().answer(&offer, &right).unwrap();
        let value = value.as_bytes().to_vec();
        let mut random = ChaCha12Rng::from_seed([7; 32]);
        let mut below = |n: usize| {
            let mut bytes = [0; 4];
            random.fill_bytes(&mut bytes);
            u32::from_le_bytes(bytes) as usize % n
        };
        for _ in 0..20_000 {
            let mut shown = value.clone();
            let mut offered = offer.as_str().to_owned().into_bytes();
            for text in [&mut shown, &mut offered] {
                for _ in 0..=below(4) {
                    let (at, with) = (below(text.len()), b"\"=, \\a\t\xff0"[below(9)]);
                    match below(3) {
                        0 => text[at] = with,
                        1 => text.insert(at, with),
                        _ => drop(text.remove(at)),
                    }
                }
            }
            let shown = String::from_utf8_lossy(&shown).into_owned();
            if let Ok(shown) = HeaderValue::try_from(shown) {
                verifier.verify(&shown, TARGET, start);
            }
            let offered = Challenge::new(String::from_utf8_lossy(&offered));
            if Digest::best(std::slice::from_ref(&offered)).is_some() {
                let _ = client().answer(&offered, &right);
            }
        }
    }
}
