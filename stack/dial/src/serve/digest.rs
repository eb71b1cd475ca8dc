//! The server side of Digest authentication (RFC 7616). The crate `digest_auth` computes the
//! hashes.

use crate::auth::digest::{context, hex, read_algorithm};
use crate::auth::{Challenge, Credentials};
use chacha20::ChaCha12Rng;
use chacha20::rand_core::SeedableRng;
use digest_auth::{
    Algorithm, AlgorithmType, AuthorizationHeader, Charset, Qop, WwwAuthenticateHeader,
};
use http::HeaderValue;
use std::time::Duration;
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
        let of = |algo| {
            let header = WwwAuthenticateHeader {
                domain: None,
                realm: self.realm.clone(),
                nonce: nonce.clone(),
                opaque: None,
                stale,
                algorithm: Algorithm::new(algo, false),
                qop: Some(vec![Qop::AUTH]),
                userhash: false,
                charset: Charset::UTF8,
                nc: 0,
            };
            Challenge::new(header.to_string())
        };
        vec![of(AlgorithmType::SHA2_256), of(AlgorithmType::MD5)]
    }

    /// Checks the credentials of a CONNECT to `target`.
    pub(crate) fn verify(&self, value: &HeaderValue, target: &str, now: Instant) -> Verified {
        // The name of a user may have any characters, so `to_str`, which takes ASCII, is not
        // enough.
        let text = str::from_utf8(value.as_bytes()).ok();
        let Some(mut header) = text.and_then(parse_authorization) else {
            return Verified::Invalid;
        };
        // The challenges offer `auth` only, and no `-sess`.
        let offered = header.qop == Some(Qop::AUTH) && !header.algorithm.sess && !header.userhash;
        let issued = self.issued(&header.nonce);
        let ours = header.realm == self.realm && header.uri == target;
        let Some(issued) = issued.filter(|_| offered && ours) else {
            return Verified::Invalid;
        };
        let response = std::mem::take(&mut header.response);
        let Some((user, password)) = self.credentials.as_texts() else {
            return Verified::Invalid;
        };
        // A wrong user costs the same as a wrong password: the same hash, and both comparisons.
        let is_known = secrets_eq(&header.username, user);
        header.digest(&context(user, password, target, None));
        let is_right = secrets_eq(&response.to_ascii_lowercase(), &header.response);
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
        let proof = Algorithm::new(AlgorithmType::SHA2_256, false);
        // The key stands at both ends, so that no text can be appended (a length extension attack).
        let proved = Zeroizing::new(format!("{0}:{age:016x}:{0}", *self.key));
        let proof = proof.hash_str(&proved);
        format!("{age:016x}{proof}")
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

/// Parses credentials, which have the form of a challenge. The parser of `digest_auth` panics at
/// text that is not ASCII.
fn parse_authorization(text: &str) -> Option<AuthorizationHeader> {
    let shown = Challenge::new(text);
    let digits = shown.parameter("nc")?;
    let hex = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let algorithm = match shown.parameter("algorithm") {
        Some(name) => read_algorithm(&name)?,
        None => Algorithm::default(),
    };
    let auth = |qop: String| qop.eq_ignore_ascii_case("auth").then_some(Qop::AUTH);
    let userhash = shown.parameter("userhash");
    Some(AuthorizationHeader {
        realm: shown.parameter("realm")?,
        nonce: shown.parameter("nonce")?,
        opaque: None,
        userhash: userhash.is_some_and(|value| value.eq_ignore_ascii_case("true")),
        algorithm,
        response: shown.parameter("response")?,
        username: shown.parameter("username")?,
        uri: shown.parameter("uri")?,
        qop: shown.parameter("qop").and_then(auth),
        cnonce: shown.parameter("cnonce"),
        nc: u32::from_str_radix(&digits, 16).ok().filter(|_| hex)?,
    })
    .filter(|header| shown.has_scheme("digest") && header.cnonce.is_some())
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
