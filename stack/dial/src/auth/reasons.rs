//! The schemes of a login, each with what became of it, and the words for that.

use super::scheme::{CredentialKind, Scheme};
use super::{Challenge, Credentials};
use wirestack_http::scheme_list;
use wirestack_layer::Escaped;

/// A scheme of a login.
pub(crate) struct Candidate {
    pub(crate) scheme: Box<dyn Scheme>,
    pub(crate) progress: Progress,
}

/// The use that was made of a scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Untried,
    /// It sent a message.
    Sent,
    /// The proxy refused its credentials.
    Refused,
    /// It cannot be used, for this reason.
    Unusable(String),
}

impl Candidate {
    pub(crate) fn new(scheme: Box<dyn Scheme>) -> Self {
        let progress = Progress::Untried;
        Self { scheme, progress }
    }

    /// Returns the challenges with its name.
    pub(crate) fn offered<'a>(
        &self,
        challenges: &'a [Challenge],
    ) -> impl Iterator<Item = &'a Challenge> {
        let name = self.scheme.name();
        challenges.iter().filter(move |it| it.has_scheme(name))
    }

    pub(crate) fn is_offered(&self, challenges: &[Challenge]) -> bool {
        self.offered(challenges).next().is_some()
    }

    pub(crate) fn check(&self, challenges: &[Challenge]) -> Result<(), String> {
        let offered: Vec<_> = self.offered(challenges).cloned().collect();
        self.scheme.check(&offered)
    }

    /// Returns `true` if it may still be tried.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.progress, Progress::Untried | Progress::Sent)
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.progress == Progress::Refused
    }

    pub(crate) fn is_refused_password(&self) -> bool {
        self.is_refused() && self.wants_password()
    }

    pub(crate) fn lacks_password(&self, credentials: Option<&Credentials>) -> bool {
        self.wants_password() && credentials.is_none()
    }

    /// Counts it as refused, unless it was not tried.
    pub(crate) fn refuse(&mut self) {
        if self.progress == Progress::Sent {
            self.progress = Progress::Refused;
        }
    }

    /// Lets it be tried with another password.
    pub(crate) fn forget_refusal(&mut self) {
        if self.is_open() || self.is_refused_password() {
            self.progress = Progress::Untried;
        }
    }

    fn wants_password(&self) -> bool {
        self.scheme.credential_kind() == CredentialKind::Password
    }

    /// Returns the reason why it was not tried, if it gave one.
    fn unusable(&self, challenges: &[Challenge]) -> Option<String> {
        match &self.progress {
            Progress::Unusable(why) => Some(why.clone()),
            Progress::Untried => self.check(challenges).err(),
            _ => None,
        }
    }
}

/// Returns the text about refused credentials, if some were.
pub(crate) fn refused(candidates: &[Candidate], offered: &[Challenge]) -> Option<String> {
    let refused = candidates.iter().find(|it| it.is_refused())?;
    let what = match refused.scheme.credential_kind() {
        CredentialKind::Password => "the user or the password",
        CredentialKind::Ticket => "the ticket",
    };
    let name = refused.offered(offered).next();
    let name = name.map_or(refused.scheme.name(), Challenge::scheme);
    let mut text = format!("it refused {what} ({})", Escaped::excerpt(name));
    for it in candidates.iter().filter(|it| it.is_offered(offered)) {
        if let Some(why) = it.unusable(offered) {
            text.push_str("; ");
            text.push_str(&why);
        }
    }
    Some(text)
}

/// Returns the text about an offer of which nothing could be used.
pub(crate) fn because(candidates: &[Candidate], offered: &[Challenge]) -> String {
    let offer = scheme_list(offered).unwrap_or_else(|| "nothing".to_owned());
    let mut why: Vec<String> = Vec::new();
    let (mut lacking, mut any_other, mut any_known) = (Vec::new(), false, false);
    for name in names(offered) {
        let mut of_name = Vec::new();
        for it in candidates {
            if !it.scheme.name().eq_ignore_ascii_case(name) {
                continue;
            }
            any_known = true;
            match it.unusable(offered) {
                Some(why) => {
                    any_other = true;
                    of_name.push(why);
                }
                None => lacking.push(it.scheme.name()),
            }
        }
        if of_name.is_empty() && !lacking.iter().any(|it| it.eq_ignore_ascii_case(name)) {
            any_known |= switch(name).is_some();
            let unknown = || format!("{} is not spoken here", Escaped::new(name).at_most(32));
            of_name.push(switch(name).map_or_else(unknown, str::to_owned));
        }
        why.extend(of_name);
    }
    if !lacking.is_empty() && !any_other {
        return format!(
            "it offered {offer}, and there is no user and no password: give them, as in \
             http://user:password@proxy"
        );
    }
    if !any_known {
        let mut spoken: Vec<_> = candidates.iter().map(|it| it.scheme.name()).collect();
        spoken.dedup();
        spoken.reverse();
        let are = if spoken.len() == 1 { "is" } else { "are" };
        return format!(
            "it offered {offer}, and only {} {are} spoken here: `Hop::authenticator` takes others",
            listed(&spoken)
        );
    }
    if !lacking.is_empty() {
        let want = if lacking.len() == 1 { "wants" } else { "want" };
        why.push(format!("{} {want} a user and a password", listed(&lacking)));
    }
    let names: Vec<_> = names(offered)
        .into_iter()
        .map(|name| Escaped::new(name).at_most(32).to_string())
        .collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    format!("it offers {}: {}", listed(&names), why.join("; "))
}

/// Returns the way to switch on a scheme that is known, and not there.
fn switch(name: &str) -> Option<&'static str> {
    const SWITCHES: [(&str, &str); 3] = [
        (
            "Negotiate",
            "Negotiate is off: `Hop::default_credentials` sends the ticket of the user (feature \
             `negotiate`), `Kerberos` gets one from a password (feature `kerberos`)",
        ),
        ("NTLM", "NTLM is off: enable the feature `ntlm`"),
        ("Digest", "Digest is off: enable the feature `digest`"),
    ];
    let mut switches = SWITCHES.iter();
    let found = switches.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, text)| *text)
}

/// Returns the names of the schemes as the proxy wrote them, each once.
fn names(offered: &[Challenge]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for challenge in offered {
        let name = challenge.scheme();
        if names.len() < NAMES_SHOWN && !names.iter().any(|it| it.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    names
}

/// Joins words as a sentence does: `a, b and c`.
fn listed(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The number of schemes that an error tells about.
const NAMES_SHOWN: usize = 8;
