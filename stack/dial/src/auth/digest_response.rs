//! The algorithms and the response of Digest authentication (RFC 7616 §3.4), for client and server.

use md5::Md5;
use sha2::digest::Digest;
use sha2::{Sha256, Sha512_256};
use std::fmt;
use zeroize::Zeroizing;

/// An algorithm of Digest authentication (RFC 7616 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Algorithm {
    pub(crate) hash: Hash,
    /// `true` for `-sess`: the key is made for one session.
    pub(crate) session: bool,
}

/// A hash function, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hash {
    Md5,
    Sha256,
    Sha512_256,
}

/// The values of a CONNECT from which the response is computed.
pub(crate) struct Request<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) realm: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
    pub(crate) target: &'a str,
    /// `None` for servers of RFC 2069, which offer no `qop`.
    pub(crate) auth: Option<Auth<'a>>,
}

/// The values that the quality of protection `auth` adds.
#[derive(Clone, Copy)]
pub(crate) struct Auth<'a> {
    pub(crate) count: u32,
    pub(crate) cnonce: &'a str,
}

impl Algorithm {
    /// Reads a name, in upper or lower case (RFC 7616 §3.3 has a token).
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_uppercase();
        let (hash, session) = match name.strip_suffix("-SESS") {
            Some(hash) => (hash, true),
            None => (&*name, false),
        };
        let hash = HASHES.into_iter().find(|it| it.name() == hash)?;
        Some(Self { hash, session })
    }
}

impl From<Hash> for Algorithm {
    fn from(hash: Hash) -> Self {
        Self {
            hash,
            session: false,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hash.name())?;
        f.write_str(if self.session { "-sess" } else { "" })
    }
}

impl Hash {
    /// Returns the hash of the parts, joined by colons, in hexadecimal digits.
    pub(crate) fn of(self, parts: &[&str]) -> Zeroizing<String> {
        match self {
            Self::Md5 => digits::<Md5>(parts),
            Self::Sha256 => digits::<Sha256>(parts),
            Self::Sha512_256 => digits::<Sha512_256>(parts),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512_256 => "SHA-512-256",
        }
    }
}

impl Request<'_> {
    /// Computes the response.
    pub(crate) fn response(&self) -> Zeroizing<String> {
        let Algorithm { hash, session } = self.algorithm;
        let mut key = hash.of(&[self.user, self.realm, self.password]);
        if let Some(auth) = self.auth.filter(|_| session) {
            key = hash.of(&[&key, self.nonce, auth.cnonce]);
        }
        let request = hash.of(&["CONNECT", self.target]);
        match self.auth {
            Some(Auth { count, cnonce }) => {
                let count = format!("{count:08x}");
                hash.of(&[&key, self.nonce, &count, cnonce, "auth", &request])
            }
            None => hash.of(&[&key, self.nonce, &request]),
        }
    }
}

fn digits<D: Digest>(parts: &[&str]) -> Zeroizing<String> {
    let mut hash = D::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            hash.update(b":");
        }
        hash.update(part.as_bytes());
    }
    let hash = hash.finalize();
    Zeroizing::new(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

const HASHES: [Hash; 3] = [Hash::Md5, Hash::Sha256, Hash::Sha512_256];

#[cfg(test)]
mod tests {
    use super::*;
    use chacha20::ChaCha12Rng;
    use chacha20::rand_core::{Rng, SeedableRng};
    use digest_auth::{AuthContext, AuthorizationHeader, HttpMethod, Qop};
    use std::str::FromStr;

    #[test]
    fn the_hashes_are_those_of_the_rfcs() {
        // RFC 7616 §3.9.1: its keys and requests, of which a CONNECT has none.
        let key = |hash: Hash| hash.of(&["Mufasa", "http-auth@example.org", "Circle of Life"]);
        let md5 = "3d78807defe7de2157e2b0b6573a855f";
        let sha = "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232";
        assert_eq!(*key(Hash::Md5), md5);
        assert_eq!(*key(Hash::Sha256), sha);
        // FIPS 180-4, SHA-512/256 of "abc".
        let abc = "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23";
        assert_eq!(*Hash::Sha512_256.of(&["abc"]), abc);
    }

    #[test]
    fn the_response_is_that_of_digest_auth() {
        let seed = [9; 32];
        println!("seed {seed:?}");
        let mut random = ChaCha12Rng::from_seed(seed);
        for round in 0..600 {
            let mut text = || {
                let mut bytes = [0; 13];
                random.fill_bytes(&mut bytes);
                let mut text: String = bytes[1..].iter().map(|&byte| char::from(byte)).collect();
                text.truncate(text.floor_char_boundary(usize::from(bytes[0] % 13)));
                text
            };
            let (user, password, realm, nonce) = (text(), text(), text(), text());
            let (cnonce, target) = (text(), text());
            let algorithm = Algorithm {
                hash: HASHES[round % 3],
                session: round % 2 == 0,
            };
            let with_auth = algorithm.session || round % 4 == 1;
            let auth = Auth {
                count: round as u32 * 7_000_001,
                cnonce: &cnonce,
            };
            let ours = Request {
                algorithm,
                realm: &realm,
                nonce: &nonce,
                user: &user,
                password: &password,
                target: &target,
                auth: with_auth.then_some(auth),
            };
            let mut theirs = AuthorizationHeader {
                realm: realm.clone(),
                nonce: nonce.clone(),
                opaque: None,
                userhash: false,
                algorithm: digest_auth::Algorithm::from_str(&algorithm.to_string()).unwrap(),
                response: String::new(),
                username: String::new(),
                uri: target.clone(),
                qop: with_auth.then_some(Qop::AUTH),
                cnonce: Some(cnonce.clone()),
                nc: auth.count,
            };
            let method = HttpMethod::CONNECT;
            let none = None::<&[u8]>;
            let context = AuthContext::new_with_method(&*user, &*password, &*target, none, method);
            theirs.digest(&context);
            assert_eq!(*ours.response(), theirs.response, "{algorithm}, {round}");
        }
    }

    #[test]
    fn an_algorithm_is_read_in_any_case() {
        for (text, wanted) in [
            ("md5", Some("MD5")),
            ("MD5-SESS", Some("MD5-sess")),
            ("Sha-256-sEss", Some("SHA-256-sess")),
            ("sha-512-256", Some("SHA-512-256")),
            ("SHA-1", None),
            ("-sess", None),
            ("", None),
        ] {
            let read = Algorithm::parse(text).map(|it| it.to_string());
            assert_eq!(read.as_deref(), wanted, "{text}");
        }
    }
}
