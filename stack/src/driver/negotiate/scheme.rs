//! The scheme Negotiate over any implementation of GSSAPI.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::header::{HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE};
use http::{Response, Version};
use std::{fmt, mem};
use wirestack_dial::auth::{Challenge, CredentialKind, Scheme, SchemeAction, SchemeInput};
use wirestack_http::challenges;
use wirestack_layer::Escaped;

/// The conversation that logs in, as GSSAPI has it.
pub(super) trait SecurityContext: Send {
    /// Takes the token of the proxy, if it sent one, and returns the next one for it. It may block.
    fn step(&mut self, token: Option<&[u8]>) -> Result<Leg, Failure>;
}

/// One step of the conversation.
pub(super) struct Leg {
    /// The token for the proxy.
    pub(super) token: Option<Vec<u8>>,
    /// `true` if both sides have shown who they are.
    pub(super) is_complete: bool,
}

/// The reason why a conversation failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// The words of the system.
    pub(super) words: String,
    /// The remedy, or an empty text.
    pub(super) advice: &'static str,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped::excerpt(&self.words).fmt(f)?;
        match self.advice {
            "" => Ok(()),
            advice => write!(f, ": {advice}"),
        }
    }
}

/// Begins a conversation with the service HTTP of a host. It may block.
pub(super) type Begin = fn(&str) -> Result<Box<dyn SecurityContext>, Failure>;

/// The scheme Negotiate (RFC 4559) with a ticket of the user.
pub(super) struct Negotiate {
    host: String,
    begin: Begin,
    state: State,
    /// `true` if the next token belongs to the connection of the last one.
    is_bound: bool,
    restarts: usize,
}

enum State {
    Idle,
    /// Work for a thread that may wait.
    Working(Stage, Option<Box<dyn SecurityContext>>, Vec<u8>),
    /// The work is done.
    Worked(Stage, Result<(Box<dyn SecurityContext>, Leg), Failure>),
    /// A token is under way.
    Sent(Box<dyn SecurityContext>),
    /// The proxy has opened the tunnel.
    Done,
}

/// The message that the work is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    First,
    Next,
    Response,
}

impl Negotiate {
    pub(super) fn new(host: &str, begin: Begin) -> Self {
        Self {
            host: host.to_owned(),
            begin,
            state: State::Idle,
            is_bound: false,
            restarts: 0,
        }
    }

    fn work(
        &mut self,
        stage: Stage,
        context: Option<Box<dyn SecurityContext>>,
        token: Vec<u8>,
    ) -> SchemeAction {
        self.is_bound = stage == Stage::Next;
        self.state = State::Working(stage, context, token);
        SchemeAction::RunBlocking
    }

    fn challenged(
        &mut self,
        offered: &[Challenge],
        version: Version,
        reusable: bool,
    ) -> SchemeAction {
        let State::Sent(context) = mem::replace(&mut self.state, State::Idle) else {
            return self.work(Stage::First, None, Vec::new());
        };
        // Without a token it is the beginning again: the ticket was not taken.
        let mut tokens = offered.iter().map(Challenge::rest);
        let Some(token) = tokens.find(|token| !token.is_empty()) else {
            return SchemeAction::Refused;
        };
        if version == Version::HTTP_2 {
            return SchemeAction::GiveUp(OVER_HTTP2.to_owned());
        }
        if !reusable {
            return self.begin_again();
        }
        match decode(token) {
            Ok(token) => self.work(Stage::Next, Some(context), token),
            Err(why) => SchemeAction::GiveUp(format!("its token of Negotiate {why}")),
        }
    }

    fn begin_again(&mut self) -> SchemeAction {
        self.restarts += 1;
        if self.restarts > MOST_RESTARTS {
            return SchemeAction::GiveUp(CLOSES.to_owned());
        }
        self.work(Stage::First, None, Vec::new())
    }

    fn responded(&mut self, response: &Response<()>) -> SchemeAction {
        let State::Sent(context) = mem::replace(&mut self.state, State::Done) else {
            return SchemeAction::Authorize(None);
        };
        match final_token(response.headers()) {
            // Many proxies send no proof, squid among them.
            None => SchemeAction::Authorize(None),
            Some(Ok(token)) => self.work(Stage::Response, Some(context), token),
            Some(Err(why)) => SchemeAction::GiveUp(format!("its proof of Negotiate {why}")),
        }
    }

    fn worked(&mut self) -> SchemeAction {
        let State::Worked(stage, result) = mem::replace(&mut self.state, State::Idle) else {
            return SchemeAction::GiveUp("the work for Negotiate was not done".to_owned());
        };
        let service = format!("HTTP/{}", self.host);
        let (context, leg) = match result {
            Ok(leg) => leg,
            Err(why) => {
                return match stage {
                    Stage::First => {
                        SchemeAction::Unusable(format!("no ticket for {service}: {why}"))
                    }
                    Stage::Next => SchemeAction::GiveUp(format!(
                        "its token of Negotiate is wrong for {service}: {why}"
                    )),
                    Stage::Response => SchemeAction::GiveUp(format!(
                        "its proof of Negotiate that it is {service} is wrong: {why}"
                    )),
                };
            }
        };
        match (stage, leg) {
            (
                Stage::Response,
                Leg {
                    is_complete: true, ..
                },
            ) => {
                self.state = State::Done;
                SchemeAction::Authorize(None)
            }
            (Stage::Response, _) => SchemeAction::GiveUp(format!(
                "its proof of Negotiate that it is {service} is not complete"
            )),
            (
                _,
                Leg {
                    token: Some(token), ..
                },
            ) => {
                self.state = State::Sent(context);
                send(&token)
            }
            // Both sides are content, and the proxy says 407 nevertheless.
            _ => SchemeAction::Refused,
        }
    }
}

impl Scheme for Negotiate {
    fn name(&self) -> &str {
        "Negotiate"
    }

    fn strength(&self) -> u8 {
        40
    }

    fn credential_kind(&self) -> CredentialKind {
        CredentialKind::Ticket
    }

    fn step(&mut self, input: SchemeInput<'_>) -> SchemeAction {
        match input {
            SchemeInput::Challenge {
                offered,
                refusal,
                reusable,
                ..
            } => self.challenged(offered, refusal.version, reusable),
            SchemeInput::Request { .. } => match self.state {
                State::Idle => SchemeAction::Authorize(None),
                State::Done => self.work(Stage::First, None, Vec::new()),
                _ => self.begin_again(),
            },
            SchemeInput::Response(response) => self.responded(response),
            SchemeInput::Ran => self.worked(),
            _ => SchemeAction::Authorize(None),
        }
    }

    fn run_blocking(&mut self) {
        let State::Working(stage, context, token) = mem::replace(&mut self.state, State::Idle)
        else {
            return;
        };
        let context = match context {
            Some(context) => Ok(context),
            None => (self.begin)(&self.host),
        };
        let result = context.and_then(|mut context| {
            let token = (!token.is_empty()).then_some(&*token);
            let leg = context.step(token)?;
            Ok((context, leg))
        });
        self.state = State::Worked(stage, result);
    }

    fn is_connection_bound(&self) -> bool {
        self.is_bound
    }
}

/// Returns the token of a 2xx, which RFC 4559 §5 puts into the field of challenges, and others into
/// that of RFC 9110 §11.7.3.
fn final_token(fields: &HeaderMap) -> Option<Result<Vec<u8>, &'static str>> {
    let info = HeaderName::from_static("proxy-authentication-info");
    let all = [PROXY_AUTHENTICATE, info].map(|name| challenges(fields, &name));
    let mut own = all.iter().flatten().filter(|it| it.has_scheme("Negotiate"));
    let token = own.find_map(|it| Some(it.rest()).filter(|token| !token.is_empty()))?;
    Some(decode(token))
}

fn decode(token: &str) -> Result<Vec<u8>, &'static str> {
    if token.len() > MOST_CHARACTERS {
        return Err("is longer than 64 KiB");
    }
    BASE64.decode(token).map_err(|_| "is not base64")
}

fn send(token: &[u8]) -> SchemeAction {
    match HeaderValue::try_from(format!("Negotiate {}", BASE64.encode(token))) {
        Ok(mut value) => {
            value.set_sensitive(true);
            SchemeAction::Authorize(Some(value))
        }
        Err(_) => SchemeAction::GiveUp("a token of Negotiate does not fit into a field".to_owned()),
    }
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
const MOST_CHARACTERS: usize = 64 * 1024;
const MOST_RESTARTS: usize = 2;
const CLOSES: &str = "it closes its connection between the messages of Negotiate, which all go over \
     one";
const OVER_HTTP2: &str = "Negotiate wants more than one message, which logs a connection in, and \
     requests of HTTP/2 share theirs: speak HTTP/1.1 to the proxy";

#[cfg(test)]
mod tests;
