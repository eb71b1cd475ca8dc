//! Digest authentication (RFC 7616) of a client; `digest_auth` computes the hashes.

use super::{Challenge, Credentials, Scheme, SchemeAction, SchemeInput};
use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use digest_auth::{
    Algorithm, AlgorithmType, AuthContext, Charset, HttpMethod, Qop, WwwAuthenticateHeader,
};
use http::HeaderValue;
use std::str::FromStr;
use wirestack_layer::Seed;

/// The state of a client: the last challenge and how often it was answered.
pub(crate) struct Digest {
    target: String,
    random: ChaCha12Rng,
    prompt: Option<Prompt>,
    /// `true` if the last challenge was answered with the present credentials.
    sent: bool,
}

struct Prompt {
    header: WwwAuthenticateHeader,
    /// One for each nonce of the server: the session key of `-sess` is a hash of both.
    cnonce: String,
}

impl Digest {
    pub(crate) fn new(target: String, seed: Seed) -> Self {
        Self {
            target,
            random: ChaCha12Rng::from_seed(seed.into_bytes()),
            prompt: None,
            sent: false,
        }
    }

    /// Returns the strongest challenge that can be answered.
    pub(crate) fn best(offered: &[Challenge]) -> Option<Challenge> {
        let digests = offered.iter().filter(|it| it.has_scheme("digest"));
        let known = digests.filter_map(|it| Some((strength(read(it)?.algorithm), it)));
        // `max_by_key` returns the last of equal elements, and a server names its favourite first.
        let best = known.rev().max_by_key(|(strength, _)| *strength);
        best.map(|(_, challenge)| challenge.clone())
    }

    pub(crate) fn answer(
        &mut self,
        challenge: &Challenge,
        credentials: &Credentials,
    ) -> Result<HeaderValue, String> {
        let header = read(challenge).ok_or("a Digest challenge that is not spoken here")?;
        let cnonce = hex(&mut self.random);
        let prompt = Prompt { header, cnonce };
        respond(self.prompt.insert(prompt), &self.target, credentials)
    }

    /// Answers with the server's last nonce once more, if there is one.
    pub(crate) fn again(
        &mut self,
        credentials: &Credentials,
    ) -> Option<Result<HeaderValue, String>> {
        let prompt = self.prompt.as_mut()?;
        Some(respond(prompt, &self.target, credentials))
    }
}

impl Scheme for Digest {
    fn name(&self) -> &str {
        "Digest"
    }

    fn strength(&self) -> u8 {
        20
    }

    fn check(&self, offered: &[Challenge]) -> Result<(), String> {
        match Self::best(offered) {
            Some(_) => Ok(()),
            None => Err(
                "Digest comes with an algorithm or a qop that is not spoken here, or \
                         without a realm or a nonce"
                    .to_owned(),
            ),
        }
    }

    fn step(&mut self, input: SchemeInput<'_>) -> SchemeAction {
        let value = match input {
            SchemeInput::Request {
                credentials: Some(known),
            } => self.again(known),
            SchemeInput::Challenge {
                offered,
                credentials: Some(known),
                ..
            } => {
                let Some(best) = Self::best(offered) else {
                    return SchemeAction::Refused;
                };
                if self.sent && !is_stale(&best) {
                    self.sent = false;
                    return SchemeAction::Refused;
                }
                self.sent = true;
                Some(self.answer(&best, known))
            }
            _ => None,
        };
        match value.transpose() {
            Ok(value) => SchemeAction::Authorize(value),
            Err(why) => SchemeAction::GiveUp(why),
        }
    }
}

fn is_stale(challenge: &Challenge) -> bool {
    let stale = challenge.parameter("stale");
    stale.is_some_and(|stale| stale.eq_ignore_ascii_case("true"))
}

fn respond(
    prompt: &mut Prompt,
    target: &str,
    credentials: &Credentials,
) -> Result<HeaderValue, String> {
    let (user, password) = credentials
        .as_texts()
        .ok_or("Digest needs a user and a password in UTF-8, and they are not")?;
    let context = context(user, password, target, Some(&prompt.cnonce));
    let header = prompt.header.respond(&context);
    let header = header.map_err(|error| error.to_string())?.to_string();
    let value = HeaderValue::try_from(header);
    let mut value = value.map_err(|_| "credentials with a control character".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Returns the values of a CONNECT that `digest_auth` hashes.
pub(crate) fn context<'a>(
    user: &'a str,
    password: &'a str,
    target: &'a str,
    cnonce: Option<&'a str>,
) -> AuthContext<'a> {
    let method = HttpMethod::CONNECT;
    let mut context = AuthContext::new_with_method(user, password, target, None::<&[u8]>, method);
    if let Some(cnonce) = cnonce {
        context.set_custom_cnonce(cnonce);
    }
    context
}

/// Reads a challenge; `None` for one that cannot be answered.
fn read(challenge: &Challenge) -> Option<WwwAuthenticateHeader> {
    let algorithm = match challenge.parameter("algorithm") {
        Some(name) => read_algorithm(&name)?,
        None => Algorithm::default(),
    };
    // Some old servers send an empty one, which offers nothing.
    let qop = challenge.parameter("qop").filter(|qop| !qop.is_empty());
    let qop = match qop {
        None if algorithm.sess => return None, // it needs a cnonce, which only goes with a qop
        None => None,
        Some(offered) => {
            let mut offered = offered.split(',');
            let auth = offered.any(|it| it.trim().eq_ignore_ascii_case("auth"));
            Some(auth.then(|| vec![Qop::AUTH])?)
        }
    };
    let is = |name, word: &str| {
        let value = challenge.parameter(name);
        value.is_some_and(|value| value.eq_ignore_ascii_case(word))
    };
    Some(WwwAuthenticateHeader {
        domain: None,
        realm: challenge.parameter("realm")?,
        nonce: challenge.parameter("nonce")?,
        opaque: challenge.parameter("opaque"),
        stale: is("stale", "true"),
        algorithm,
        qop,
        userhash: is("userhash", "true"),
        charset: if is("charset", "utf-8") {
            Charset::UTF8
        } else {
            Charset::ASCII
        },
        nc: 0,
    })
}

/// Reads the name of an algorithm, in upper or lower case (RFC 7616 §3.3 has a token).
pub(crate) fn read_algorithm(name: &str) -> Option<Algorithm> {
    let name = name.to_ascii_uppercase();
    let name = match name.strip_suffix("-SESS") {
        Some(name) => format!("{name}-sess"),
        None => name,
    };
    Algorithm::from_str(&name).ok()
}

fn strength(algorithm: Algorithm) -> u8 {
    match algorithm.algo {
        AlgorithmType::MD5 => 0,
        AlgorithmType::SHA2_256 => 1,
        AlgorithmType::SHA2_512_256 => 2,
    }
}

/// Draws 32 bytes, in hexadecimal digits.
pub(crate) fn hex(random: &mut impl Rng) -> String {
    let mut bytes = [0; 32];
    random.fill_bytes(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn the_strongest_challenge_that_can_be_answered_is_chosen() {
        let of = |algorithm: &str, more: &str| {
            let text = format!("Digest realm=\"r\", nonce=\"n\", algorithm={algorithm}{more}");
            Challenge::new(text)
        };
        let auth = ", qop=\"auth-int, auth\"";
        let best = |offered: &[Challenge]| Digest::best(offered).map(|it| it.to_string());
        let (md5, sha) = (of("MD5", auth), of("SHA-256", auth));
        assert_eq!(best(&[md5.clone(), sha.clone()]), Some(sha.to_string()));
        assert_eq!(best(&[sha.clone(), md5.clone()]), Some(sha.to_string()));
        let session = of("SHA-256-sess", auth);
        assert_eq!(best(&[session.clone(), sha]), Some(session.to_string()));
        let longer = of("SHA-512-256", auth);
        assert_eq!(best(&[longer.clone(), session]), Some(longer.to_string()));
        // RFC 9110 §5.6.6 and RFC 7616 §3.3: names and these values in any case.
        for (text, wanted) in [
            ("DIGEST REALM=r, NONCE=n, ALGORITHM=md5, QOP=AUTH", 0),
            (
                "digest realm=r, nonce=n, algorithm=\"sha-256\", qop=\" auth-int , Auth \"",
                1,
            ),
            (
                "Digest realm=r, nonce=n, algorithm=Sha-256-SESS, qop=auth, stale=TRUE",
                1,
            ),
            (
                "Digest realm=r, nonce=n, algorithm=sha-512-256-Sess, qop=\"auth\"",
                2,
            ),
            ("Digest realm=r, nonce=n, qop=\"\"", 0),
            ("Digest, realm=\"\\r\", , nonce=n, unknown=\"a, b\", x", 0),
        ] {
            let header = read(&Challenge::new(text)).expect(text);
            assert_eq!(strength(header.algorithm), wanted, "{text}");
            assert_eq!(
                header.algorithm.sess,
                text.to_lowercase().contains("-sess"),
                "{text}"
            );
            assert_eq!((&*header.realm, &*header.nonce), ("r", "n"), "{text}");
            let mut digest = Digest::new("h:1".into(), Seed::new([1; 32]));
            let credentials = Credentials::new("m\u{fc}", "secret");
            let value = digest.answer(&Challenge::new(text), &credentials).unwrap();
            let value = String::from_utf8_lossy(value.as_bytes());
            assert!(
                value.contains("username=\"m\u{fc}\"") && value.contains("response="),
                "{value}"
            );
        }
        let mut digest = Digest::new("h:1".into(), Seed::new([1; 32]));
        let latin1 = Credentials::new(*b"m\xfc", "secret");
        assert!(digest.answer(&md5, &latin1).unwrap_err().contains("UTF-8"));
        for odd in [
            of("SHA-1", auth),
            of("MD5", ", qop=\"auth-int\""),
            of("MD5-sess", ""),
            Challenge::new("Digest realm=\"r\", algorithm=MD5"),
            Challenge::new("Digest nonce=\"n\", algorithm=MD5"),
            Challenge::new("Digest"),
            Challenge::new("Basic realm=\"r\", nonce=\"n\""),
        ] {
            assert_eq!(best(std::slice::from_ref(&odd)), None, "{odd}");
            assert_eq!(best(&[odd, md5.clone()]), Some(md5.to_string()));
        }
    }
}
