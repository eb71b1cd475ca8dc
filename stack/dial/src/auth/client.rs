//! The authenticator for a user and a password.

use super::{Action, Authenticator, Awaiting, Challenge, Credentials, Input};
use http::HeaderValue;
use wirestack_http::{basic_credentials, scheme_list};
use wirestack_layer::{Escaped, Seed};

#[cfg(feature = "digest")]
use super::digest::Digest;

/// Logs in with a user and a password, by the strongest scheme that the proxy offers: Digest (RFC
/// 7616: SHA-512-256, SHA-256, MD5, each with `-sess`, `qop=auth`) before Basic (RFC 7617).
///
/// Basic can go with the first request, before a challenge. That saves a round trip, and shows the
/// password to everybody who can read the connection.
pub struct Login {
    credentials: Option<Credentials>,
    /// `true` if the user may be asked for credentials.
    asks: bool,
    /// `true` if Basic goes with the first request.
    at_once: bool,
    /// The scheme of the last request.
    sent: Sent,
    offered: Vec<Challenge>,
    unanswered: Option<Challenge>,
    /// The number of challenges that these credentials have answered.
    answered: usize,
    #[cfg(feature = "digest")]
    digest: Digest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Nothing,
    Basic,
    #[cfg(feature = "digest")]
    Digest,
}

impl Login {
    /// Creates a login that waits for a challenge. `target` is the `host:port` of the
    /// CONNECT request. The nonces of Digest are drawn from the seed.
    pub fn new(target: impl Into<String>, seed: Seed) -> Self {
        #[cfg(not(feature = "digest"))]
        let _ = (target.into(), seed);
        Self {
            credentials: None,
            asks: false,
            at_once: false,
            sent: Sent::Nothing,
            offered: Vec::new(),
            unanswered: None,
            answered: 0,
            #[cfg(feature = "digest")]
            digest: Digest::new(target.into(), seed),
        }
    }

    /// Sets the credentials.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
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

    fn challenged(&mut self, challenges: Vec<Challenge>) -> Action {
        self.offered = challenges;
        if self.offered.is_empty() {
            let why =
                "407 without Proxy-Authenticate: the proxy does not say which credentials it wants";
            return Action::GiveUp(why.to_owned());
        }
        let Some(best) = self.best() else {
            let offer = self.offer();
            return Action::GiveUp(format!(
                "it offered {offer}, and {SPOKEN} spoken here: `Hop::authenticator` takes others"
            ));
        };
        let digest = best.has_scheme("digest");
        let refused = match self.sent {
            Sent::Nothing => false,
            Sent::Basic => !digest, // a password that Basic refused may still be right for Digest
            #[cfg(feature = "digest")]
            Sent::Digest => digest && !is_stale(&best),
        };
        let ask = || Action::Ask {
            scheme: best.scheme().to_owned(),
            realm: best.realm(),
            again: refused,
        };
        // Each nonce may be stale, and two schemes may take turns, for ever.
        let refused = refused || self.answered >= MOST_ANSWERS;
        if refused && self.asks {
            self.credentials = None;
            let ask = ask();
            self.unanswered = Some(best);
            return ask;
        }
        if refused {
            let scheme = Escaped::excerpt(best.scheme());
            return Action::GiveUp(format!("it refused the user or the password ({scheme})"));
        }
        if self.credentials.is_none() && self.asks {
            let ask = ask();
            self.unanswered = Some(best);
            return ask;
        }
        self.answer(&best)
    }

    /// Returns the strongest challenge that can be answered.
    fn best(&self) -> Option<Challenge> {
        #[cfg(feature = "digest")]
        if let Some(best) = Digest::best(&self.offered) {
            return Some(best);
        }
        self.offered
            .iter()
            .find(|challenge| challenge.has_scheme("basic"))
            .cloned()
    }

    fn offer(&self) -> String {
        scheme_list(&self.offered).unwrap_or_else(|| "nothing".to_owned())
    }

    fn answer(&mut self, challenge: &Challenge) -> Action {
        self.answered += 1;
        let Some(credentials) = self.credentials.clone() else {
            return Action::GiveUp(format!(
                "it offered {}, and there is no user and no password: give them, as in \
                 http://user:password@proxy",
                self.offer()
            ));
        };
        #[cfg(feature = "digest")]
        if challenge.has_scheme("digest") {
            self.sent = Sent::Digest;
            return send(self.digest.answer(challenge, &credentials));
        }
        let _ = challenge;
        self.basic(&credentials)
    }

    fn basic(&mut self, credentials: &Credentials) -> Action {
        self.sent = Sent::Basic;
        let value = basic_credentials(&credentials.user, &credentials.password);
        send(value.map_err(|error| error.to_string()))
    }
}

/// The number of challenges that one user and password answer: two schemes, and some stale nonces.
const MOST_ANSWERS: usize = 8;

fn send(value: Result<HeaderValue, String>) -> Action {
    match value {
        Ok(value) => Action::Authorize(Some(value)),
        Err(why) => Action::GiveUp(why),
    }
}

/// The schemes that are spoken here, and the verb behind them.
#[cfg(feature = "digest")]
const SPOKEN: &str = "only Basic and Digest are";
#[cfg(not(feature = "digest"))]
const SPOKEN: &str = "only Basic is (and Digest, with the feature `digest`)";

#[cfg(feature = "digest")]
fn is_stale(challenge: &Challenge) -> bool {
    let stale = challenge.parameter("stale");
    stale.is_some_and(|stale| stale.eq_ignore_ascii_case("true"))
}

impl Authenticator for Login {
    fn step(&mut self, input: Input<'_>) -> Action {
        match input {
            Input::Awaiting(Awaiting::Request) => {
                #[cfg(feature = "digest")]
                if let (Sent::Digest, Some(credentials)) = (self.sent, &self.credentials)
                    && let Some(value) = self.digest.again(credentials)
                {
                    return send(value);
                }
                match self.credentials.clone() {
                    Some(credentials) if self.at_once => self.basic(&credentials),
                    _ => Action::Authorize(None),
                }
            }
            Input::Awaiting(Awaiting::Challenge { refusal, .. }) => {
                self.challenged(refusal.proxy_challenges())
            }
            Input::Awaiting(_) => Action::Authorize(None),
            Input::Credentials(given) => match (given, self.unanswered.take()) {
                (Some(given), Some(challenge)) => {
                    self.credentials = Some(given);
                    self.answered = 0;
                    self.answer(&challenge)
                }
                _ => Action::GiveUp(format!(
                    "it offered {}, and nobody gave a user and a password",
                    self.offer()
                )),
            },
            Input::Reply(_) | Input::Ran => Action::GiveUp("an answer to no question".into()),
        }
    }
}

#[cfg(all(test, feature = "digest"))]
mod tests {
    use super::*;
    use http::StatusCode;
    use http::header::{HeaderMap, PROXY_AUTHENTICATE};
    use wirestack_http::Refusal;

    fn login() -> Login {
        let login = Login::new("example.org:443", Seed::new([1; 32]));
        login.with_credentials(Credentials::new("me", "secret"))
    }

    fn digest(nonce: &str, stale: bool) -> Challenge {
        let stale = if stale { ", stale=TRUE" } else { "" };
        let text = format!("Digest realm=\"r\", nonce=\"{nonce}\", qop=\"auth\"{stale}");
        Challenge::new(text)
    }

    fn told(login: &mut Login, challenges: &[Challenge]) -> Action {
        let mut fields = HeaderMap::new();
        for challenge in challenges {
            let value = HeaderValue::from_str(challenge.as_str()).unwrap();
            fields.append(PROXY_AUTHENTICATE, value);
        }
        let refusal = Refusal::new(StatusCode::PROXY_AUTHENTICATION_REQUIRED, fields);
        login.step(Input::Awaiting(&Awaiting::Challenge {
            refusal,
            reusable: true,
        }))
    }

    const START: Input<'_> = Input::Awaiting(&Awaiting::Request);

    fn sent(action: Action) -> String {
        match action {
            Action::Authorize(value) => value.map_or_else(String::new, |value| {
                assert!(value.is_sensitive());
                value.to_str().unwrap().to_owned()
            }),
            other => panic!("wanted Authorize, saw {other:?}"),
        }
    }

    #[test]
    fn a_stale_nonce_is_no_wrong_password() {
        let mut login = login();
        assert_eq!(sent(login.step(START)), "");
        assert!(sent(told(&mut login, &[digest("one", false)])).contains("nonce=\"one\""));
        let again = sent(told(&mut login, &[digest("two", true)]));
        assert!(
            again.contains("nonce=\"two\"") && again.contains("nc=00000001"),
            "{again}"
        );
        let refused = Action::GiveUp("it refused the user or the password (Digest)".into());
        assert_eq!(told(&mut login, &[digest("three", false)]), refused);
    }

    #[test]
    fn a_proxy_that_refuses_every_answer_is_given_up() {
        let basic = Challenge::new("Basic realm=\"r\"");
        let stale = [digest("one", true)];
        for rounds in [[&stale[..], &stale], [&stale, std::slice::from_ref(&basic)]] {
            let mut login = login();
            assert_eq!(sent(login.step(START)), "");
            let mut actions = (0..20).map(|round| told(&mut login, rounds[round % 2]));
            let last = actions.find(|action| matches!(action, Action::GiveUp(_)));
            assert!(last.is_some(), "{rounds:?}");
        }
    }

    #[test]
    fn the_last_nonce_is_used_on_a_new_connection() {
        let mut login = login();
        login.step(START);
        told(&mut login, &[digest("one", false)]);
        let again = sent(login.step(START));
        assert!(
            again.contains("nonce=\"one\"") && again.contains("nc=00000002"),
            "{again}"
        );
    }

    #[test]
    fn basic_at_once_and_then_what_is_stronger() {
        let basic = Challenge::new("Basic realm=\"r\"");
        let mut login = login().at_once();
        assert_eq!(sent(login.step(START)), "Basic bWU6c2VjcmV0");
        let offered = [basic.clone(), digest("one", false)];
        assert!(sent(told(&mut login, &offered)).starts_with("Digest "));
        let mut login = self::login().at_once();
        login.step(START);
        let refused = Action::GiveUp("it refused the user or the password (Basic)".into());
        assert_eq!(told(&mut login, &[basic]), refused);
    }

    #[test]
    fn pitfall_73_a_407_without_a_challenge_says_so_and_odd_challenges_are_read() {
        for mut login in [login(), login().at_once(), login().asking()] {
            login.step(START);
            let wanted =
                "407 without Proxy-Authenticate: the proxy does not say which credentials it wants";
            assert_eq!(told(&mut login, &[]), Action::GiveUp(wanted.into()));
            let mut again = self::login();
            assert_eq!(
                told(&mut again, &[Challenge::new(" , ")]),
                Action::GiveUp(wanted.into())
            );
        }
        for (offered, scheme) in [
            (&["Basic, realm=\"x\""][..], "Basic "),
            (&["BASIC realm=x"], "Basic "),
            (
                &["Negotiate, NTLM, basic realm=\"x\", charset=utf-8"],
                "Basic ",
            ),
            (
                &[
                    "NTLM TlRM==",
                    "digest realm=r, nonce=n, algorithm=sha-256, qop=auth",
                ],
                "Digest ",
            ),
            (
                &["Digest realm=r, nonce=n, algorithm=SHA-9, Basic realm=x"],
                "Basic ",
            ),
            (
                &["Basic realm=x, Digest realm=r, nonce=n, algorithm=md5"],
                "Digest ",
            ),
        ] {
            let mut login = login();
            login.step(START);
            let offered: Vec<_> = offered.iter().map(|text| Challenge::new(*text)).collect();
            let sent = sent(told(&mut login, &offered));
            assert!(sent.starts_with(scheme), "{offered:?}: {sent}");
        }
    }

    #[test]
    fn others_are_asked_until_they_give_up() {
        let mut login = Login::new("example.org:443", Seed::new([1; 32])).asking();
        login.step(START);
        for again in [false, true] {
            let asked = told(&mut login, &[digest("one", false)]);
            let wanted = Action::Ask {
                scheme: "Digest".into(),
                realm: "r".into(),
                again,
            };
            assert_eq!(asked, wanted);
            let given = Some(Credentials::new("me", "guess"));
            assert!(sent(login.step(Input::Credentials(given))).starts_with("Digest "));
        }
        told(&mut login, &[digest("one", false)]);
        let nobody = login.step(Input::Credentials(None));
        let wanted = "it offered Digest, and nobody gave a user and a password";
        assert_eq!(nobody, Action::GiveUp(wanted.into()));
    }
}
