//! Digest authentication (RFC 7616) of a client.

use super::digest_response::{Algorithm, Auth, Hash, Request};
use super::{Challenge, Credentials, Scheme, SchemeAction, SchemeInput};
use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use http::HeaderValue;
use std::fmt::Write as _;
use wirestack_http::grammar::quote;
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
    terms: Terms,
    /// One for each nonce of the server: the session key of `-sess` is a hash of both.
    cnonce: String,
    /// How often this nonce was answered.
    count: u32,
}

/// The parameters of a challenge that can be answered.
struct Terms {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// `false` for servers of RFC 2069, which offer no `qop`.
    auth: bool,
    /// `true` if the server wants the hash of the user's name in place of the name.
    userhash: bool,
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
        let known = digests.filter_map(|it| Some((read(it)?.algorithm.hash, it)));
        // `max_by_key` returns the last of equal elements, and a server names its favourite first.
        let best = known.rev().max_by_key(|(strength, _)| *strength);
        best.map(|(_, challenge)| challenge.clone())
    }

    pub(crate) fn answer(
        &mut self,
        challenge: &Challenge,
        credentials: &Credentials,
    ) -> Result<HeaderValue, String> {
        let terms = read(challenge).ok_or("a Digest challenge that is not spoken here")?;
        let cnonce = hex(&mut self.random);
        let count = 0;
        let prompt = Prompt {
            terms,
            cnonce,
            count,
        };
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
                match self.answer(&best, known) {
                    Err(why) if !self.sent => return SchemeAction::Unusable(why),
                    answer => {
                        self.sent = true;
                        Some(answer)
                    }
                }
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
    if [user, target].iter().any(|it| {
        it.bytes()
            .any(|byte| byte.is_ascii_control() && byte != b'\t')
    }) {
        return Err("credentials with a control character".to_owned());
    }
    prompt.count = prompt.count.wrapping_add(1);
    let Terms {
        realm,
        nonce,
        opaque,
        algorithm,
        auth,
        userhash,
    } = &prompt.terms;
    let auth = auth.then_some(Auth {
        count: prompt.count,
        cnonce: &prompt.cnonce,
    });
    let request = Request {
        algorithm: *algorithm,
        realm,
        nonce,
        user,
        password,
        target,
        auth,
    };
    let name = if *userhash {
        quote(&algorithm.hash.of(&[user, realm]))
    } else {
        quote(user)
    };
    let (realm, nonce, uri) = (quote(realm), quote(nonce), quote(target));
    let mut text = format!("Digest username={name}, realm={realm}, nonce={nonce}, uri={uri}");
    if let Some(Auth { count, cnonce }) = auth {
        let _ = write!(text, ", qop=auth, nc={count:08x}, cnonce=\"{cnonce}\"");
    }
    let _ = write!(text, ", response=\"{}\"", *request.response());
    if let Some(opaque) = opaque {
        let _ = write!(text, ", opaque={}", quote(opaque));
    }
    // Servers of RFC 2069 do not know it.
    if auth.is_some() || algorithm.hash != Hash::Md5 {
        let _ = write!(text, ", algorithm={algorithm}");
    }
    if *userhash {
        text.push_str(", userhash=true");
    }
    let value = HeaderValue::try_from(text);
    let mut value = value.map_err(|_| "a challenge with a control character".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Reads a challenge; `None` for one that cannot be answered.
fn read(challenge: &Challenge) -> Option<Terms> {
    let algorithm = match challenge.parameter("algorithm") {
        Some(name) => Algorithm::parse(&name)?,
        None => Hash::Md5.into(),
    };
    // Some old servers send an empty one, which offers nothing.
    let qop = challenge.parameter("qop").filter(|qop| !qop.is_empty());
    let is_auth = |word: &str| word.trim().eq_ignore_ascii_case("auth");
    match &qop {
        None if algorithm.session => return None, // it needs a cnonce, which only goes with a qop
        Some(offered) if !offered.split(',').any(is_auth) => return None,
        _ => {}
    }
    let userhash = challenge.parameter("userhash");
    Some(Terms {
        realm: challenge.parameter("realm")?,
        nonce: challenge.parameter("nonce")?,
        opaque: challenge.parameter("opaque"),
        algorithm,
        auth: qop.is_some(),
        userhash: userhash.is_some_and(|value| value.eq_ignore_ascii_case("true")),
    })
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
            (
                "DIGEST REALM=r, NONCE=n, ALGORITHM=md5, QOP=AUTH",
                Hash::Md5,
            ),
            (
                "digest realm=r, nonce=n, algorithm=\"sha-256\", qop=\" auth-int , Auth \"",
                Hash::Sha256,
            ),
            (
                "Digest realm=r, nonce=n, algorithm=Sha-256-SESS, qop=auth, stale=TRUE",
                Hash::Sha256,
            ),
            (
                "Digest realm=r, nonce=n, algorithm=sha-512-256-Sess, qop=\"auth\"",
                Hash::Sha512_256,
            ),
            ("Digest realm=r, nonce=n, qop=\"\"", Hash::Md5),
            (
                "Digest, realm=\"\\r\", , nonce=n, unknown=\"a, b\", x",
                Hash::Md5,
            ),
        ] {
            let header = read(&Challenge::new(text)).expect(text);
            assert_eq!(header.algorithm.hash, wanted, "{text}");
            assert_eq!(
                header.algorithm.session,
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
