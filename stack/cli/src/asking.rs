//! Questions to the person at the terminal, when a proxy wants a user and a password.

use crate::exit::Exit;
use crate::{listen, secret, terminal};
use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::Arc;
use tokio::sync::Mutex;
use wirestack::DialContext;
use wirestack::dial::Credentials;

/// Lets a context ask at the terminal.
pub(crate) fn asking(context: DialContext) -> DialContext {
    let answers = Answers::default();
    context.credentials(move |request| {
        let answers = answers.clone();
        async move {
            // Input that is no terminal is not for the proxy.
            if !std::io::stdin().is_terminal() {
                return None;
            }
            let question = request.to_string();
            let place = (request.hop, request.scheme, request.realm);
            let ask = move || from_person(&question);
            answers.of(place, request.again, ask).await
        }
    })
}

/// The answers of the person: each connection may have the same question, and two at the same time
/// cannot be told apart at a terminal.
#[derive(Clone, Default)]
struct Answers(Arc<Mutex<HashMap<Place, Credentials>>>);

/// The proxy, the scheme and the realm. What was typed for one scheme is not sent by a weaker one.
type Place = (String, String, String);

impl Answers {
    /// Returns the answer for a place. It is asked for unless it is known, and `again` if the known one was
    /// refused.
    async fn of(
        &self,
        place: Place,
        again: bool,
        ask: impl FnOnce() -> Option<Credentials> + Send + 'static,
    ) -> Option<Credentials> {
        let mut known = self.0.lock().await;
        if again {
            known.remove(&place);
        } else if let Some(given) = known.get(&place) {
            return Some(given.clone());
        }
        let asked = tokio::task::spawn_blocking(ask);
        let given = asked.await.ok().flatten()?;
        known.insert(place, given.clone());
        Some(given)
    }
}

fn from_person(question: &str) -> Option<Credentials> {
    let user = terminal::read_line(&format!("{question}\nuser: ")).ok()?;
    match secret::from_terminal("password") {
        Ok(password) => Some(Credentials::new(user.trim(), password.as_bytes().to_vec())),
        // The terminal gave it as a byte, and no signal follows.
        Err(failure) if failure.exit == Exit::Interrupted => {
            listen::remove_unix_sockets();
            std::process::exit(Exit::Interrupted.code());
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(scheme: &str) -> Place {
        ("http://proxy.test".into(), scheme.into(), "r".into())
    }

    #[tokio::test]
    async fn a_person_is_asked_once_and_again_when_the_answer_was_refused() {
        let answers = Answers::default();
        let answer = |password: &'static str| move || Some(Credentials::new("me", password));
        let unasked = || -> Option<Credentials> { panic!("it is known") };
        let is = |given: Option<Credentials>, password: &str| {
            given == Some(Credentials::new("me", password))
        };
        let digest = || place("Digest");
        assert!(answers.of(digest(), false, || None).await.is_none());
        assert!(is(answers.of(digest(), false, answer("one")).await, "one"));
        assert!(is(answers.of(digest(), false, unasked).await, "one"));
        assert!(is(answers.of(digest(), true, answer("two")).await, "two"));
        assert!(is(answers.of(digest(), false, unasked).await, "two"));
        // What was typed for one scheme is not for another one.
        let basic = answers.of(place("Basic"), false, answer("three")).await;
        assert!(is(basic, "three"));
    }
}
