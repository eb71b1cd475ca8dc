//! Digest authentication (RFC 7616), for both sides; the arithmetic is of `digest_auth`.

use super::{Challenge, Credentials};
use crate::Instant;
use crate::Seed;
use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use digest_auth::{
    Algorithm, AlgorithmType, AuthContext, AuthorizationHeader, Charset, HttpMethod, Qop,
    WwwAuthenticateHeader,
};
use http::HeaderValue;
use std::str::FromStr;
use std::time::Duration;

/// What a client knows.
pub(super) struct Digest {
    target: String,
    random: ChaCha12Rng,
    prompt: Option<Prompt>,
}

struct Prompt {
    header: WwwAuthenticateHeader,
    /// One for each nonce of the server: what `-sess` makes of both holds as long as they do.
    cnonce: String,
}

impl Digest {
    pub(super) fn new(target: String, seed: Seed) -> Self {
        Self {
            target,
            random: ChaCha12Rng::from_seed(seed.into_bytes()),
            prompt: None,
        }
    }
    /// The strongest challenge that can be answered.
    pub(super) fn best(offered: &[Challenge]) -> Option<Challenge> {
        let digests = offered.iter().filter(|it| it.is("digest"));
        let known = digests.filter_map(|it| Some((strength(read(it)?.algorithm), it)));
        // `max_by_key` takes the last of equals, and a server names first what it prefers.
        let best = known.rev().max_by_key(|(strength, _)| *strength);
        best.map(|(_, challenge)| challenge.clone())
    }
    pub(super) fn answer(
        &mut self,
        challenge: &Challenge,
        credentials: &Credentials,
    ) -> Result<HeaderValue, String> {
        let header = read(challenge).ok_or("a Digest challenge that is not spoken here")?;
        let cnonce = hex(&mut self.random);
        let prompt = Prompt { header, cnonce };
        respond(self.prompt.insert(prompt), &self.target, credentials)
    }
    /// Uses the server's last nonce once more, if there is one.
    pub(super) fn again(
        &mut self,
        credentials: &Credentials,
    ) -> Option<Result<HeaderValue, String>> {
        let prompt = self.prompt.as_mut()?;
        Some(respond(prompt, &self.target, credentials))
    }
}

fn respond(
    prompt: &mut Prompt,
    target: &str,
    credentials: &Credentials,
) -> Result<HeaderValue, String> {
    let header = prompt.header.respond(&context(
        &credentials.user,
        &credentials.password,
        target,
        Some(&prompt.cnonce),
    ));
    let header = header.map_err(|error| error.to_string())?.to_string();
    let value = HeaderValue::try_from(header);
    let mut value = value.map_err(|_| "credentials with a control character".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

fn context<'a>(
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
        Some(name) => Algorithm::from_str(&name).ok()?,
        None => Algorithm::default(),
    };
    let qop = match challenge.parameter("qop") {
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
        charset: match is("charset", "utf-8") {
            true => Charset::UTF8,
            false => Charset::ASCII,
        },
        nc: 0,
    })
}

fn strength(algorithm: Algorithm) -> u8 {
    match algorithm.algo {
        AlgorithmType::MD5 => 0,
        AlgorithmType::SHA2_256 => 1,
        AlgorithmType::SHA2_512_256 => 2,
    }
}

/// What a server knows: who may pass, and which nonces are its own.
///
/// A nonce holds its age and a proof that it is of this server, so that none has to be remembered. It
/// can be used again while it is fresh: on a tunnel's request, whoever could replay it could as well
/// use the tunnel.
#[derive(Clone)]
pub(crate) struct Examiner {
    realm: String,
    credentials: Credentials,
    key: String,
    born: Instant,
}

/// What a server makes of a request.
pub(crate) enum Examined {
    Passed,
    /// The answer is right, and the nonce too old.
    Stale,
    Failed,
}

impl Examiner {
    pub(crate) fn new(realm: &str, credentials: Credentials, seed: Seed, now: Instant) -> Self {
        Self {
            realm: realm.to_owned(),
            credentials,
            key: hex(&mut ChaCha12Rng::from_seed(seed.into_bytes())),
            born: now,
        }
    }
    /// The challenges, the stronger one first.
    pub(crate) fn challenges(&self, stale: bool, now: Instant) -> Vec<String> {
        let age = now.saturating_duration_since(self.born).as_secs();
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
            header.to_string()
        };
        vec![of(AlgorithmType::SHA2_256), of(AlgorithmType::MD5)]
    }
    /// Judges the credentials of a CONNECT to `target`.
    pub(crate) fn examine(&self, value: &HeaderValue, target: &str, now: Instant) -> Examined {
        let shown = str::from_utf8(value.as_bytes()).ok(); // a user's name may be any
        let Some(mut header) = shown.and_then(authorization) else {
            return Examined::Failed;
        };
        // "auth" is all that was offered, and `-sess` was not.
        let offered = header.qop == Some(Qop::AUTH) && !header.algorithm.sess && !header.userhash;
        let issued = self.issued(&header.nonce);
        let ours = header.realm == self.realm && header.username == self.credentials.user;
        let Some(issued) = issued.filter(|_| offered && ours && header.uri == target) else {
            return Examined::Failed;
        };
        let shown = std::mem::take(&mut header.response);
        let Credentials { user, password } = &self.credentials;
        header.digest(&context(user, password, target, None));
        if !crate::gate::same(&shown.to_ascii_lowercase(), &header.response) {
            return Examined::Failed;
        }
        let age = now.saturating_duration_since(self.born).as_secs();
        match age.saturating_sub(issued) > FRESH.as_secs() {
            true => Examined::Stale,
            false => Examined::Passed,
        }
    }
    fn nonce(&self, age: u64) -> String {
        let proof = Algorithm::new(AlgorithmType::SHA2_256, false);
        // The key is as long as the hash and comes first and last: nothing can be appended to it.
        let proof = proof.hash_str(&format!("{0}:{age:016x}:{0}", self.key));
        format!("{age:016x}{proof}")
    }
    /// When a nonce was issued, if it was issued here.
    fn issued(&self, nonce: &str) -> Option<u64> {
        let age = u64::from_str_radix(nonce.get(..16)?, 16).ok()?;
        crate::gate::same(nonce, &self.nonce(age)).then_some(age)
    }
}

/// Reads credentials. They have the form of a challenge, and the parser of `digest_auth` panics at
/// what is not ASCII.
fn authorization(text: &str) -> Option<AuthorizationHeader> {
    let shown = Challenge::new(text);
    let digits = shown.parameter("nc")?;
    let hex = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let algorithm = match shown.parameter("algorithm") {
        Some(name) => Algorithm::from_str(&name).ok()?,
        None => Algorithm::default(),
    };
    let auth = |qop: String| qop.eq_ignore_ascii_case("auth").then_some(Qop::AUTH);
    let userhash = shown.parameter("userhash");
    Some(AuthorizationHeader {
        realm: shown.parameter("realm")?,
        nonce: shown.parameter("nonce")?,
        opaque: None,
        userhash: userhash.is_some_and(|it| it.eq_ignore_ascii_case("true")),
        algorithm,
        response: shown.parameter("response")?,
        username: shown.parameter("username")?,
        uri: shown.parameter("uri")?,
        qop: shown.parameter("qop").and_then(auth),
        cnonce: shown.parameter("cnonce"),
        nc: u32::from_str_radix(&digits, 16).ok().filter(|_| hex)?,
    })
    .filter(|header| shown.is("digest") && header.cnonce.is_some())
}

fn hex(random: &mut impl Rng) -> String {
    let mut bytes = [0; 32];
    random.fill_bytes(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How long a nonce is good for.
const FRESH: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {

    use super::*;

    const TARGET: &str = "example.org:443";

    fn challenges(texts: &[String]) -> Vec<Challenge> {
        texts.iter().map(Challenge::new).collect()
    }

    fn client() -> Digest {
        Digest::new(TARGET.into(), Seed::new([1; 32]))
    }

    #[test]
    fn both_sides_agree_and_a_nonce_grows_stale() {
        let start = Instant::ORIGIN;
        let right = Credentials::new("m\u{fc}\"e", "se\\cret");
        let examiner = Examiner::new("a \"realm\"", right.clone(), Seed::new([2; 32]), start);
        let offered = challenges(&examiner.challenges(false, start));
        assert!(offered[0].to_string().contains("SHA-256"));
        for offer in &offered {
            let mut client = client();
            let value = client.answer(offer, &right).unwrap();
            assert_eq!(format!("{value:?}"), "Sensitive");
            let at = |seconds| start + Duration::from_secs(seconds);
            let passes = |seconds, target| examiner.examine(&value, target, at(seconds));
            assert!(matches!(passes(300, TARGET), Examined::Passed));
            assert!(matches!(passes(301, TARGET), Examined::Stale));
            assert!(matches!(passes(0, "example.org:22"), Examined::Failed));
            let again = client.again(&right).unwrap().unwrap();
            assert!(String::from_utf8_lossy(again.as_bytes()).contains("nc=00000002"));
            let wrong = Credentials::new("me", "guess");
            let value = self::client().answer(offer, &wrong).unwrap();
            assert!(matches!(
                examiner.examine(&value, TARGET, start),
                Examined::Failed
            ));
        }
        let foreign = Examiner::new("a \"realm\"", right.clone(), Seed::new([3; 32]), start);
        let offer = &challenges(&foreign.challenges(false, start))[0];
        let value = client().answer(offer, &right).unwrap();
        assert!(matches!(
            examiner.examine(&value, TARGET, start),
            Examined::Failed
        ));
    }

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

    #[test]
    fn junk_is_borne() {
        let start = Instant::ORIGIN;
        let right = Credentials::new("me", "secret");
        let examiner = Examiner::new("r", right.clone(), Seed::new([2; 32]), start);
        let offer = examiner.challenges(false, start).remove(0);
        let value = client().answer(&Challenge::new(&*offer), &right).unwrap();
        let value = value.as_bytes().to_vec();
        let mut random = ChaCha12Rng::from_seed([7; 32]);
        let mut below = |n: usize| {
            let mut bytes = [0; 4];
            random.fill_bytes(&mut bytes);
            u32::from_le_bytes(bytes) as usize % n
        };
        for _ in 0..20_000 {
            let mut shown = value.clone();
            let mut offered = offer.clone().into_bytes();
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
                examiner.examine(&shown, TARGET, start);
            }
            let offered = Challenge::new(String::from_utf8_lossy(&offered));
            if Digest::best(std::slice::from_ref(&offered)).is_some() {
                let _ = client().answer(&offered, &right);
            }
        }
    }
}
