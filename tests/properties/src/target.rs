//! The list of targets.

use crate::layers::{Case, connect, http2, nest, proxy_header, socks, tls, upgrade, websocket};
use crate::logins;
use crate::texts::{TEXTS, Text};
use wirestack_laws::fuzz::Script;

/// A function that takes any bytes, and panics if a property is broken.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name, which is that of its fuzz target and of the folder of its corpus.
    pub name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A layer in one of several cases, which the first byte chooses.
    Layer { cases: u8, case: fn(u8) -> Case },
    /// A text.
    Text(Text),
    /// Messages of one protocol or another.
    Messages {
        check: fn(&[u8]),
        seeds: fn() -> Vec<Vec<u8>>,
    },
}

impl Target {
    /// Runs the target with these bytes.
    ///
    /// # Panics
    ///
    /// If a property is broken.
    pub fn run(&self, data: &[u8]) {
        match self.kind {
            Kind::Layer { cases, case } => {
                let mut script = Script::new(data);
                case(script.byte() % cases).run(&mut script);
            }
            Kind::Text(text) => {
                if let Ok(data) = std::str::from_utf8(data) {
                    (text.check)(data);
                }
            }
            Kind::Messages { check, .. } => check(data),
        }
    }

    /// Returns inputs from which a fuzzer starts.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        match self.kind {
            Kind::Layer { cases, case } => {
                let all = (0..cases).flat_map(|number| {
                    let seeds = case(number).seeds().into_iter();
                    seeds.map(move |seed| [&[number][..], &seed].concat())
                });
                all.collect()
            }
            Kind::Text(text) => text
                .seeds
                .iter()
                .map(|text| text.as_bytes().to_vec())
                .collect(),
            Kind::Messages { seeds, .. } => seeds(),
        }
    }
}

/// The name of a layer, the number of its cases, and the cases.
type Layer = (&'static str, u8, fn(u8) -> Case);

/// The name of a protocol, its check, and messages to start from.
type Messages = (&'static str, fn(&[u8]), fn() -> Vec<Vec<u8>>);

/// Returns all targets.
pub fn targets() -> Vec<Target> {
    let layers: [Layer; 9] = [
        ("socks", socks::CASES, socks::case),
        ("connect", connect::CASES, connect::case),
        ("upgrade", upgrade::CASES, upgrade::case),
        ("proxy_header", proxy_header::CASES, proxy_header::case),
        ("tls", tls::CASES, tls::case),
        ("http2", http2::CASES, http2::case),
        ("websocket", websocket::CASES, websocket::case),
        ("opening", websocket::OPENINGS, websocket::opening),
        ("nest", nest::CASES, nest::case),
    ];
    let layers = layers.map(|(name, cases, case)| Target {
        name,
        kind: Kind::Layer { cases, case },
    });
    let texts = TEXTS.iter().map(|text| Target {
        name: text.name,
        kind: Kind::Text(*text),
    });
    let messages: [Messages; 2] = [
        ("ntlm", logins::ntlm, logins::challenges_of_ntlm),
        ("negotiate", logins::negotiate, logins::words_of_kerberos),
    ];
    let messages = messages.map(|(name, check, seeds)| Target {
        name,
        kind: Kind::Messages { check, seeds },
    });
    layers.into_iter().chain(texts).chain(messages).collect()
}

/// Returns the target with this name.
///
/// # Panics
///
/// If there is none.
pub fn target(name: &str) -> Target {
    let found = targets().into_iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("no target is called {name}"))
}
