//! NTLM inside of SPNEGO, for a proxy that offers Negotiate where no ticket can be had.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use kerbcore::spnego::{NegTokenInit, NegTokenResp};
use std::fmt;
use wirestack_dial::auth::{Challenge, Ntlm, Scheme, SchemeAction, SchemeContext, SchemeInput};

/// The scheme Negotiate with NTLM inside (MS-NLMP in RFC 4178), for
/// [`Hop::scheme`](wirestack_dial::Hop::scheme). The user and the password are those of the hop.
///
/// It is weaker than a ticket, and is tried behind it: add it beside
/// [`Kerberos::scheme`](crate::Kerberos::scheme) where the KDC may not be reached.
///
/// ```
/// use wirestack_dial::Hop;
/// use wirestack_kerberos::{Kerberos, SpnegoNtlm};
///
/// let hop: Hop = "http://proxy.corp.example:3128".parse()?;
/// let hop = hop
///     .credentials("me@CORP.EXAMPLE", "secret")
///     .on_challenge() // never as Basic before a challenge
///     .scheme(Kerberos::new().scheme())
///     .scheme(|context| Box::new(SpnegoNtlm::new(context)));
/// # drop(hop);
/// # Ok::<(), wirestack_dial::RouteError>(())
/// ```
pub struct SpnegoNtlm(Ntlm);

impl SpnegoNtlm {
    /// Creates the scheme for one proxy.
    pub fn new(context: SchemeContext<'_>) -> Self {
        Self(Ntlm::new(context))
    }
}

impl Scheme for SpnegoNtlm {
    fn name(&self) -> &str {
        "Negotiate"
    }

    fn strength(&self) -> u8 {
        STRENGTH
    }

    fn step(&mut self, input: SchemeInput<'_>) -> SchemeAction {
        let action = match input {
            SchemeInput::Challenge {
                offered,
                credentials,
                refusal,
                reusable,
            } => {
                let unwrapped = offered.iter().map(unwrap).collect::<Result<Vec<_>, _>>();
                match unwrapped {
                    Ok(offered) => self.0.step(SchemeInput::Challenge {
                        offered: &offered,
                        credentials,
                        refusal,
                        reusable,
                    }),
                    Err(why) => SchemeAction::Unusable(format!("its token of Negotiate {why}")),
                }
            }
            other => self.0.step(other),
        };
        match action {
            SchemeAction::Authorize(Some(value)) => wrap(&value),
            other => other,
        }
    }

    fn is_connection_bound(&self) -> bool {
        self.0.is_connection_bound()
    }
}

impl fmt::Debug for SpnegoNtlm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpnegoNtlm").finish_non_exhaustive()
    }
}

/// Between NTLM by itself and a ticket.
const STRENGTH: u8 = 35;

/// Takes the message of NTLM out of SPNEGO. Some proxies send it without that.
fn unwrap(challenge: &Challenge) -> Result<Challenge, &'static str> {
    let text = challenge.rest();
    let token = STANDARD.decode(text).map_err(|_| "is not base64")?;
    if text.is_empty() || token.starts_with(SIGNATURE) {
        return Ok(Challenge::new(format!("NTLM {text}")));
    }
    let answer = NegTokenResp::parse(&token).map_err(|_| "is broken")?;
    if answer.supported_mech.is_some_and(|oid| oid != NTLM_OID_DER) {
        return Err("is for another mechanism than NTLM");
    }
    let message = answer.response_token.unwrap_or_default();
    Ok(Challenge::new(format!("NTLM {}", STANDARD.encode(message))))
}

/// Puts a message of NTLM into SPNEGO.
fn wrap(value: &HeaderValue) -> SchemeAction {
    let text = value
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("NTLM "));
    let message = text.and_then(|text| STANDARD.decode(text).ok());
    let broken = || SchemeAction::GiveUp("a message of NTLM is broken on this side".to_owned());
    let Some(message) = message else {
        return broken();
    };
    let token = if message.get(SIGNATURE.len()) == Some(&FIRST) {
        let first = NegTokenInit {
            mech_types: vec![NTLM_OID_DER.to_vec()],
            mech_token: Some(message),
            mech_list_mic: None,
        };
        first.encode()
    } else {
        let last = NegTokenResp {
            response_token: Some(message),
            ..NegTokenResp::default()
        };
        last.encode()
    };
    match HeaderValue::try_from(format!("Negotiate {}", STANDARD.encode(token))) {
        Ok(mut value) => {
            value.set_sensitive(true);
            SchemeAction::Authorize(Some(value))
        }
        Err(_) => broken(),
    }
}

/// The first octets of each message of NTLM; its type follows.
const SIGNATURE: &[u8] = b"NTLMSSP\0";

/// The type of the first message.
const FIRST: u8 = 1;

/// The mechanism NTLM, `1.3.6.1.4.1.311.2.2.10`, in DER.
const NTLM_OID_DER: &[u8] = &[
    0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a,
];
