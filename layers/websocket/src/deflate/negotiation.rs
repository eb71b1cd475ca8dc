//! The parameters of permessage-deflate (RFC 7692 §7.1), offered, answered and checked.

use super::settings::{Compression, Deflate, MAX_BITS, MIN_BITS, NAME};
use crate::WebSocketError;
use crate::extension::Extension;
use std::fmt::Write;

/// The parameters of one offer or of one response.
#[derive(Debug, Default)]
struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: Option<Bits>,
}

/// A client's window: limited to a value, or offered to be limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bits {
    Any,
    AtMost(u8),
}

/// Returns the offer of a client.
pub(crate) fn offer(settings: &Deflate) -> String {
    let mut offer = NAME.to_owned();
    if settings.server_no_context_takeover {
        offer += "; server_no_context_takeover";
    }
    if settings.client_no_context_takeover {
        offer += "; client_no_context_takeover";
    }
    match settings.server_bits() {
        MAX_BITS => {}
        bits => bounded(&mut offer, "server", bits),
    }
    match settings.client_bits() {
        MAX_BITS => offer += "; client_max_window_bits",
        bits => bounded(&mut offer, "client", bits),
    }
    offer
}

/// Returns the parameters that a server agrees to, and its answer; `None` if it declines all
/// offers.
pub(crate) fn answer(offers: &[Extension], settings: &Deflate) -> Option<(Compression, String)> {
    let offers = offers.iter().filter(|offer| offer.name == NAME);
    let asked = offers.filter_map(Parameters::read).next()?;
    let server_bits = settings.server_bits();
    let client_bits = settings.client_bits();
    let agreed = Compression {
        server_no_context_takeover: asked.server_no_context_takeover
            || settings.server_no_context_takeover,
        client_no_context_takeover: asked.client_no_context_takeover
            || settings.client_no_context_takeover,
        server_max_window_bits: asked
            .server_max_window_bits
            .map_or(server_bits, |bits| bits.min(server_bits)),
        client_max_window_bits: match asked.client_max_window_bits {
            None => MAX_BITS, // "the client cannot be told"
            Some(Bits::Any) => client_bits,
            Some(Bits::AtMost(bits)) => bits.min(client_bits),
        },
    };
    let mut answer = NAME.to_owned();
    if agreed.server_no_context_takeover {
        answer += "; server_no_context_takeover";
    }
    if agreed.client_no_context_takeover {
        answer += "; client_no_context_takeover";
    }
    if asked.server_max_window_bits.is_some() || agreed.server_max_window_bits < MAX_BITS {
        bounded(&mut answer, "server", agreed.server_max_window_bits);
    }
    if agreed.client_max_window_bits < MAX_BITS {
        bounded(&mut answer, "client", agreed.client_max_window_bits);
    }
    Some((agreed, answer))
}

/// Checks the answer of a server to [`offer`].
pub(crate) fn check(answer: &Extension, settings: &Deflate) -> Result<Compression, WebSocketError> {
    if answer.name != NAME {
        return Err(WebSocketError::UnofferedExtension(answer.name.clone()));
    }
    let agreed = Parameters::read(answer).and_then(|answer| {
        let server_bits = match answer.server_max_window_bits {
            None => MAX_BITS,
            Some(bits) => bits,
        };
        let client_bits = match answer.client_max_window_bits {
            None => settings.client_bits(),
            Some(Bits::AtMost(bits)) if bits <= settings.client_bits() => bits,
            Some(_) => return None,
        };
        let keeps = settings.server_no_context_takeover && !answer.server_no_context_takeover;
        (server_bits <= settings.server_bits() && !keeps).then_some(Compression {
            server_no_context_takeover: answer.server_no_context_takeover,
            client_no_context_takeover: answer.client_no_context_takeover
                || settings.client_no_context_takeover,
            server_max_window_bits: server_bits,
            client_max_window_bits: client_bits,
        })
    });
    agreed.ok_or_else(|| WebSocketError::BadExtension(answer.to_string()))
}

impl Parameters {
    /// Reads the parameters. Returns `None` if one is unknown, repeated or has an invalid value: a
    /// server declines such an offer, and a client fails on such a response (RFC 7692 §7.1).
    fn read(extension: &Extension) -> Option<Self> {
        let mut found = Self::default();
        for (name, value) in &extension.parameters {
            let fresh = match (name.as_str(), value) {
                ("server_no_context_takeover", None) => {
                    !std::mem::replace(&mut found.server_no_context_takeover, true)
                }
                ("client_no_context_takeover", None) => {
                    !std::mem::replace(&mut found.client_no_context_takeover, true)
                }
                ("server_max_window_bits", Some(value)) => {
                    found.server_max_window_bits.replace(bits(value)?).is_none()
                }
                ("client_max_window_bits", value) => {
                    let value = match value {
                        None => Bits::Any,
                        Some(value) => Bits::AtMost(bits(value)?),
                    };
                    found.client_max_window_bits.replace(value).is_none()
                }
                _ => false,
            };
            if !fresh {
                return None;
            }
        }
        Some(found)
    }
}

impl Deflate {
    fn server_bits(&self) -> u8 {
        self.server_max_window_bits.clamp(MIN_BITS, MAX_BITS)
    }

    fn client_bits(&self) -> u8 {
        self.client_max_window_bits.clamp(MIN_BITS, MAX_BITS)
    }
}

/// "a decimal integer value without leading zeroes between 8 to 15, inclusive"
fn bits(value: &str) -> Option<u8> {
    let plain = value.bytes().all(|byte| byte.is_ascii_digit()) && !value.starts_with('0');
    let bits = value.parse().ok().filter(|_| plain)?;
    (MIN_BITS..=MAX_BITS).contains(&bits).then_some(bits)
}

fn bounded(text: &mut String, side: &str, bits: u8) {
    // Writing to a `String` cannot fail.
    let _ = write!(text, "; {side}_max_window_bits={bits}");
}
