//! NTLM authentication (MS-NLMP, MS-NTHT) of a client.

mod keys;
mod message;

use super::{Challenge, Credentials, Scheme, SchemeAction, SchemeContext, SchemeInput};
use crate::date::seconds;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::header::DATE;
use http::{HeaderValue, Version};
use keys::{Account, Response};
use message::ServerChallenge;
use std::fmt;
use wirestack_http::Refusal;
use zeroize::Zeroizing;

/// The scheme NTLM: NTLMv2, in three messages on one connection.
///
/// A [`Hop`](crate::Hop) with the feature `ntlm` has it, and uses it if the proxy asks. The user is
/// `user`, `DOMAIN\user` or `user@domain`, in UTF-8. NTLM sends no password, but what it sends can be
/// tried against guesses of it by everybody who can read the connection, and passed on by the
/// proxy: prefer Negotiate, and a proxy over TLS.
///
/// The answer names the service (`HTTP/host`) and is signed, if the proxy sends its time. It has no
/// channel binding. The time in it is that of the proxy, so that no clock is needed.
///
/// HTTP/2 cannot carry NTLM, as it has no requests that own a connection.
///
/// ```
/// use wirestack_dial::Hop;
/// use wirestack_dial::auth::Ntlm;
///
/// // The hop has the scheme already: this one sends the name of the machine, which some proxies check.
/// let hop: Hop = "http://proxy.test:3128".parse()?;
/// let hop = hop
///     .credentials(r"CORP\ada", "secret")
///     .on_challenge()
///     .scheme(|context| Box::new(Ntlm::new(context).with_workstation("PC-7")));
/// drop(hop);
/// # Ok::<(), wirestack_dial::RouteError>(())
/// ```
pub struct Ntlm {
    /// The service principal of the proxy.
    service: String,
    workstation: String,
    /// The random numbers of the answers that are left.
    nonces: [Option<[u8; 8]>; NONCES],
    state: State,
    /// The number of times that it began anew because a connection ended between two messages.
    restarts: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// The first message is under way.
    Negotiating,
    /// The answer to the challenge is under way.
    Authenticating,
    /// The proxy has opened the tunnel.
    Done,
}

impl Ntlm {
    /// Creates the scheme for one proxy.
    pub fn new(context: SchemeContext<'_>) -> Self {
        let seed = context.seed.into_bytes();
        let mut nonces = [None; NONCES];
        for (nonce, bytes) in nonces.iter_mut().zip(seed.chunks_exact(8)) {
            *nonce = bytes.try_into().ok();
        }
        Self {
            service: format!("HTTP/{}", context.host),
            workstation: String::new(),
            nonces,
            state: State::Idle,
            restarts: 0,
        }
    }

    /// Sets the name of this machine that is sent. It is empty by default: some companies let users
    /// log in from their own machine only.
    #[must_use]
    pub fn with_workstation(mut self, name: impl Into<String>) -> Self {
        self.workstation = name.into();
        self
    }

    fn begin(&mut self) -> SchemeAction {
        self.state = State::Negotiating;
        send(&message::NEGOTIATE)
    }

    fn begin_again(&mut self) -> SchemeAction {
        self.restarts += 1;
        match self.state {
            _ if self.restarts <= MOST_RESTARTS => self.begin(),
            State::Authenticating => SchemeAction::GiveUp(CLOSES.to_owned()),
            _ => SchemeAction::Unusable(CLOSES.to_owned()),
        }
    }

    fn challenged(
        &mut self,
        offered: &[Challenge],
        credentials: &Credentials,
        refusal: &Refusal,
        reusable: bool,
    ) -> SchemeAction {
        if refusal.version == Version::HTTP_2 {
            return SchemeAction::Unusable(OVER_HTTP2.to_owned());
        }
        match self.state {
            State::Idle if credentials.as_texts().is_none() => SchemeAction::Unusable(
                "NTLM needs a user and a password in UTF-8, and they are not".to_owned(),
            ),
            State::Idle | State::Done => self.begin(),
            State::Authenticating => {
                self.state = State::Idle;
                SchemeAction::Refused
            }
            State::Negotiating => {
                let mut tokens = offered.iter().map(Challenge::rest);
                let Some(token) = tokens.find(|token| !token.is_empty()) else {
                    return SchemeAction::Unusable(NO_CHALLENGE.to_owned());
                };
                if !reusable {
                    return self.begin_again();
                }
                match self.answer(token, credentials, refusal) {
                    Ok(value) => {
                        self.state = State::Authenticating;
                        value
                    }
                    Err(why) => SchemeAction::Unusable(format!("its challenge of NTLM {why}")),
                }
            }
        }
    }

    /// Returns the answer to a challenge.
    fn answer(
        &mut self,
        token: &str,
        credentials: &Credentials,
        refusal: &Refusal,
    ) -> Result<SchemeAction, &'static str> {
        if token.len() > MOST_CHARACTERS {
            return Err("is longer than 16 KiB");
        }
        let bytes = BASE64.decode(token).map_err(|_| "is not base64")?;
        let challenge = ServerChallenge::read(&bytes)?;
        let (user, password) = credentials.as_texts().ok_or("meets no text")?;
        let mut nonces = self.nonces.iter_mut();
        let nonce = nonces.find_map(Option::take).ok_or("comes too often")?;
        let account = Account::new(user, password);
        let time = challenge.time().unwrap_or_else(|| date(refusal));
        let target = challenge.answered(&self.service);
        let response = Response::new(&account, challenge.nonce, nonce, time, &target);
        let message = challenge.authenticate(&account, &response, &self.workstation, &bytes);
        Ok(send(&message?))
    }
}

impl Scheme for Ntlm {
    fn name(&self) -> &str {
        "NTLM"
    }

    fn strength(&self) -> u8 {
        30
    }

    fn step(&mut self, input: SchemeInput<'_>) -> SchemeAction {
        match input {
            SchemeInput::Challenge {
                offered,
                credentials: Some(credentials),
                refusal,
                reusable,
            } => self.challenged(offered, credentials, refusal, reusable),
            SchemeInput::Request { .. } => match self.state {
                State::Idle => SchemeAction::Authorize(None),
                State::Done => self.begin(),
                State::Negotiating | State::Authenticating => self.begin_again(),
            },
            SchemeInput::Response(_) => {
                self.state = State::Done;
                SchemeAction::Authorize(None)
            }
            _ => SchemeAction::Authorize(None),
        }
    }

    fn is_connection_bound(&self) -> bool {
        true
    }
}

impl fmt::Debug for Ntlm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ntlm")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

fn send(message: &[u8]) -> SchemeAction {
    let text = Zeroizing::new(format!("NTLM {}", BASE64.encode(message)));
    match HeaderValue::try_from(text.as_str()) {
        Ok(mut value) => {
            value.set_sensitive(true);
            SchemeAction::Authorize(Some(value))
        }
        Err(_) => SchemeAction::GiveUp("a message of NTLM does not fit into a field".to_owned()),
    }
}

/// Returns the time of the response, in tenths of a microsecond since 1601.
fn date(refusal: &Refusal) -> u64 {
    let date = refusal.headers.get(DATE);
    let date = date.and_then(|date| seconds(date.to_str().ok()?.trim_ascii()));
    date.map_or(0, |date| (date + SECONDS_1601_TO_1970) * 10_000_000)
}

const SECONDS_1601_TO_1970: u64 = 11_644_473_600;
/// Some proxies leave out the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
const MOST_CHARACTERS: usize = 16 * 1024;
const MOST_RESTARTS: usize = 2;
/// One for each answer: the user may be asked again.
const NONCES: usize = 4;
const CLOSES: &str = "it closes its connection between the messages of NTLM, which all go over one";
const NO_CHALLENGE: &str = "it answers the first message of NTLM with no challenge";
const OVER_HTTP2: &str = "NTLM logs a connection in, and requests of HTTP/2 share theirs: speak \
     HTTP/1.1 to the proxy";

#[cfg(test)]
mod tests;
