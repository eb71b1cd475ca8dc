//! The authenticator of this project: it chooses a scheme.

use super::basic::Basic;
use super::reasons::{Candidate, Progress, because, refused};
use super::scheme::{Scheme, SchemeAction, SchemeInput, seeds};
use super::{Action, Authenticator, Awaiting, Challenge, Credentials, Input};
use std::fmt;
use std::mem;
use wirestack_http::{Refusal, scheme_list};
use wirestack_layer::Seed;

#[cfg(feature = "digest")]
use super::digest::Digest;

/// Logs in by the strongest scheme that the proxy offers and that can be used: Digest (RFC 7616:
/// SHA-512-256, SHA-256, MD5, each with `-sess`, `qop=auth`) before Basic (RFC 7617), and others
/// [by their strength](Scheme::strength).
///
/// A scheme that cannot be used gives way to the next one, unless it has sent credentials. A password that
/// was refused may still be right for a stronger scheme; it is not sent by a weaker one.
///
/// Basic can go with the first request, before a challenge. That saves a round trip, and shows the
/// password to everybody who can read the connection.
///
/// ```
/// use wirestack_dial::auth::{Action, Authenticator, Awaiting, Credentials, Input, Login};
/// use wirestack_layer::Seed;
///
/// let mut login = Login::new("example.org:443", Seed::new([7; 32]))
///     .with_credentials(Credentials::new("ada", "secret"))
///     .at_once(); // by Basic, before the proxy has asked
/// let Action::Authorize(Some(value)) = login.step(Input::Awaiting(&Awaiting::Request)) else {
///     panic!("it has a login")
/// };
/// assert_eq!(value, "Basic YWRhOnNlY3JldA==");
/// let careful = Login::new("example.org:443", Seed::new([8; 32])).asking().without_basic();
/// drop(careful);
/// ```
pub struct Login {
    credentials: Option<Credentials>,
    /// `true` if the user may be asked for credentials.
    asks: bool,
    /// `true` if Basic goes with the first request.
    at_once: bool,
    /// The schemes, the strongest first.
    candidates: Vec<Candidate>,
    /// The index of the scheme that sent the last message, or is about to.
    current: Option<usize>,
    stage: Stage,
    /// The last answer of the proxy, and `true` if its connection can be used again.
    last: Option<(Refusal, bool)>,
    offered: Vec<Challenge>,
    /// `true` while the user is asked.
    is_asking: bool,
    /// The number of challenges that these credentials have answered.
    answered: usize,
}

/// The decision that the layer awaits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Request,
    Challenge,
    Response,
}

impl Login {
    /// Creates a login that waits for a challenge. `target` is the `host:port` of the
    /// CONNECT request. All randomness of the schemes comes from the seed.
    pub fn new(target: impl Into<String>, seed: Seed) -> Self {
        let mut seed = seeds(seed);
        let login = Self {
            credentials: None,
            asks: false,
            at_once: false,
            candidates: Vec::new(),
            current: None,
            stage: Stage::Request,
            last: None,
            offered: Vec::new(),
            is_asking: false,
            answered: 0,
        };
        let login = login.with_scheme(Box::new(Basic::default()));
        #[cfg(feature = "digest")]
        let login = login.with_scheme(Box::new(Digest::new(target.into(), seed())));
        #[cfg(not(feature = "digest"))]
        let _ = (target.into(), seed());
        login
    }

    /// Sets the credentials.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Adds a scheme.
    ///
    /// ```
    /// use wirestack_dial::auth::{Login, Scheme, SchemeAction, SchemeInput};
    /// use wirestack_layer::Seed;
    ///
    /// /// Waits for a challenge, and gives up.
    /// struct Never;
    ///
    /// impl Scheme for Never {
    ///     fn name(&self) -> &str {
    ///         "Token"
    ///     }
    ///
    ///     fn strength(&self) -> u8 {
    ///         50 // before all schemes of the project
    ///     }
    ///
    ///     fn step(&mut self, _: SchemeInput<'_>) -> SchemeAction {
    ///         SchemeAction::Unusable("there is no token".to_owned()) // so the next one is tried
    ///     }
    /// }
    ///
    /// let login = Login::new("example.org:443", Seed::new([7; 32])).with_scheme(Box::new(Never));
    /// drop(login);
    /// ```
    #[must_use]
    pub fn with_scheme(mut self, scheme: Box<dyn Scheme>) -> Self {
        let strength = scheme.strength();
        let weaker = |other: &Candidate| other.scheme.strength() < strength;
        let at = self.candidates.iter().position(weaker);
        let at = at.unwrap_or(self.candidates.len());
        self.candidates.insert(at, Candidate::new(scheme));
        self
    }

    /// Sends Basic with the first request.
    #[must_use]
    pub fn at_once(mut self) -> Self {
        self.at_once = true;
        self
    }

    /// Asks for credentials if there are none, and again if the proxy refused them.
    #[must_use]
    pub fn asking(mut self) -> Self {
        self.asks = true;
        self
    }

    /// Never sends Basic, which shows the password to everybody who sees the bytes.
    #[must_use]
    pub fn without_basic(mut self) -> Self {
        self.candidates.retain(|it| it.scheme.name() != "Basic");
        self
    }

    fn requested(&mut self) -> Action {
        self.stage = Stage::Request;
        if self.current.is_none() && self.at_once && self.credentials.is_some() {
            let mut candidates = self.candidates.iter();
            self.current = candidates.position(|it| it.scheme.name() == "Basic");
        }
        let credentials = self.credentials.clone();
        let credentials = credentials.as_ref();
        self.tell(SchemeInput::Request { credentials })
    }

    fn challenged(&mut self, refusal: &Refusal, reusable: bool) -> Action {
        self.stage = Stage::Challenge;
        self.offered = refusal.proxy_challenges();
        self.last = Some((refusal.clone(), reusable));
        if self.offered.is_empty() {
            let why =
                "407 without Proxy-Authenticate: the proxy does not say which credentials it wants";
            return Action::GiveUp(why.to_owned());
        }
        // Each nonce may be stale, and two schemes may take turns, for ever.
        if self.answered >= MOST_ANSWERS {
            for candidate in &mut self.candidates {
                candidate.refuse();
            }
            self.current = None;
            return self.choose();
        }
        match self.current {
            Some(at) if self.candidates[at].is_offered(&self.offered) => self.challenge(at),
            _ => self.choose(),
        }
    }

    /// Gives the challenges to the strongest scheme that can be used.
    fn choose(&mut self) -> Action {
        for at in 0..self.candidates.len() {
            if !self.may_try(at) {
                continue;
            }
            let lacks = self.candidates[at].lacks_password(self.credentials.as_ref());
            if lacks && self.asks {
                return self.ask(at, false);
            }
            if !lacks {
                return self.challenge(at);
            }
        }
        self.current = None;
        let was_refused = |it: &Candidate| it.is_refused_password() && it.is_offered(&self.offered);
        if let Some(at) = self.candidates.iter().position(was_refused)
            && self.asks
        {
            self.credentials = None;
            return self.ask(at, true);
        }
        let why = refused(&self.candidates, &self.offered)
            .unwrap_or_else(|| because(&self.candidates, &self.offered));
        Action::GiveUp(why)
    }

    /// Returns `true` if the scheme is offered and can answer. What one scheme failed with is not
    /// sent by a weaker one.
    fn may_try(&self, at: usize) -> bool {
        let it = &self.candidates[at];
        let kind = it.scheme.credential_kind();
        let mut stronger = self.candidates[..at].iter();
        let failed = stronger.any(|it| it.is_refused() && it.scheme.credential_kind() == kind);
        !failed && it.is_open() && it.is_offered(&self.offered) && it.check(&self.offered).is_ok()
    }

    fn ask(&mut self, at: usize, again: bool) -> Action {
        let challenge = self.candidates[at].offered(&self.offered).next();
        self.is_asking = true;
        Action::Ask {
            scheme: challenge.map_or_else(String::new, |it| it.scheme().to_owned()),
            realm: challenge.map_or_else(String::new, Challenge::realm),
            again,
        }
    }

    fn given(&mut self, given: Option<Credentials>) -> Action {
        let (true, Some(given)) = (mem::take(&mut self.is_asking), given) else {
            let offer = scheme_list(&self.offered).unwrap_or_else(|| "nothing".to_owned());
            return Action::GiveUp(format!(
                "it offered {offer}, and nobody gave a user and a password"
            ));
        };
        self.credentials = Some(given);
        self.answered = 0;
        for candidate in &mut self.candidates {
            candidate.forget_refusal();
        }
        self.choose()
    }

    /// Gives the last challenges to this scheme.
    fn challenge(&mut self, at: usize) -> Action {
        let Some((refusal, reusable)) = self.last.take() else {
            return Action::GiveUp("an answer to no challenge".to_owned());
        };
        self.current = Some(at);
        let offered: Vec<_> = self.candidates[at]
            .offered(&self.offered)
            .cloned()
            .collect();
        let Candidate { scheme, progress } = &mut self.candidates[at];
        let mut step = || {
            scheme.step(SchemeInput::Challenge {
                offered: &offered,
                credentials: self.credentials.as_ref(),
                refusal: &refusal,
                reusable,
            })
        };
        let mut action = step();
        // It speaks of credentials that were given up before it knew: these have not been sent.
        if action == SchemeAction::Refused && *progress == Progress::Untried {
            action = step();
        }
        self.last = Some((refusal, reusable));
        self.carry_out(at, action)
    }

    /// Gives this input to the present scheme, if there is one.
    fn tell(&mut self, input: SchemeInput<'_>) -> Action {
        let Some(at) = self.current else {
            return match input {
                SchemeInput::Request { .. } | SchemeInput::Response(_) => Action::Authorize(None),
                _ => Action::GiveUp("an answer to no question".to_owned()),
            };
        };
        let action = self.candidates[at].scheme.step(input);
        self.carry_out(at, action)
    }

    fn carry_out(&mut self, at: usize, action: SchemeAction) -> Action {
        let candidate = &mut self.candidates[at];
        match action {
            SchemeAction::Authorize(value) => {
                if value.is_some() {
                    candidate.progress = Progress::Sent;
                }
                self.answered += usize::from(self.stage == Stage::Challenge);
                Action::Authorize(value)
            }
            SchemeAction::Fetch { url, data } => Action::Fetch { url, data },
            SchemeAction::RunBlocking => Action::RunBlocking,
            SchemeAction::GiveUp(why) => Action::GiveUp(why),
            SchemeAction::Refused if self.stage == Stage::Challenge => {
                candidate.progress = Progress::Refused;
                self.choose()
            }
            SchemeAction::Refused => {
                let name = candidate.scheme.name();
                Action::GiveUp(format!(
                    "{name} counts an answer as refused that is not a 407"
                ))
            }
            SchemeAction::Unusable(why) if self.stage == Stage::Response => Action::GiveUp(why),
            SchemeAction::Unusable(why) => {
                candidate.progress = Progress::Unusable(why);
                self.current = None;
                match self.stage {
                    Stage::Challenge => self.choose(),
                    // The challenge of the proxy leads to another scheme.
                    _ => Action::Authorize(None),
                }
            }
        }
    }
}

impl Authenticator for Login {
    fn step(&mut self, input: Input<'_>) -> Action {
        match input {
            Input::Awaiting(Awaiting::Request) => self.requested(),
            Input::Awaiting(Awaiting::Challenge { refusal, reusable }) => {
                self.challenged(refusal, *reusable)
            }
            Input::Awaiting(Awaiting::Response(response)) => {
                self.stage = Stage::Response;
                self.tell(SchemeInput::Response(response))
            }
            Input::Awaiting(_) => Action::Authorize(None),
            Input::Credentials(given) => self.given(given),
            Input::Reply(reply) => self.tell(SchemeInput::Reply(reply)),
            Input::Ran => self.tell(SchemeInput::Ran),
        }
    }

    fn run_blocking(&mut self) {
        if let Some(at) = self.current {
            self.candidates[at].scheme.run_blocking();
        }
    }

    fn is_connection_bound(&self) -> bool {
        let at = self.current;
        at.is_some_and(|at| self.candidates[at].scheme.is_connection_bound())
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

/// The number of challenges that one user and password answer: two schemes, and some stale nonces.
const MOST_ANSWERS: usize = 8;

#[cfg(all(test, feature = "digest"))]
#[path = "client_tests.rs"]
mod tests;
