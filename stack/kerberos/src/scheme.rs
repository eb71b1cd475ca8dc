//! Negotiate (RFC 4559) as a scheme of a proxy's login.

use crate::account::Account;
use crate::client::{Client, Progress};
use crate::failure::Failure;
use crate::kdcs::Kdcs;
use crate::kerberos::Kerberos;
use crate::random::Random;
use crate::time::{KerberosTime, read_http_date};
use crate::token::{Login, TokenError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{DATE, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE};
use kerbcore::types::PrincipalName;
use std::sync::Arc;
use wirestack_dial::auth::{
    Challenge, CredentialKind, Credentials, Scheme, SchemeAction, SchemeContext, SchemeInput,
};
use wirestack_layer::{Escaped, Seed};

impl Kerberos {
    /// Makes the scheme of each dialing, for [`Hop::scheme`](wirestack_dial::Hop::scheme).
    pub fn scheme(self) -> impl Fn(SchemeContext<'_>) -> Box<dyn Scheme> + Send + Sync + 'static {
        let kdcs = Arc::new(self.kdcs.clone());
        let settings = Arc::new(self);
        move |context| {
            let host = context.host;
            let service = match &settings.service {
                Some(service) => service.clone(),
                None => format!("HTTP/{host}"),
            };
            Box::new(Negotiate {
                settings: settings.clone(),
                kdcs: kdcs.clone(),
                service,
                seed: Some(context.seed),
                state: State::Idle,
                client: None,
            })
        }
    }
}

/// Logs in to one proxy with a ticket, which it gets from a KDC.
struct Negotiate {
    settings: Arc<Kerberos>,
    kdcs: Arc<Kdcs>,
    /// The name of the proxy as a service.
    service: String,
    /// `None` once it is used.
    seed: Option<Seed>,
    state: State,
    client: Option<Client>,
}

enum State {
    Idle,
    /// A ticket is on its way.
    Asking,
    /// The proxy has the token.
    Sent(Box<Login>),
}

impl Scheme for Negotiate {
    fn name(&self) -> &str {
        NAME
    }

    fn strength(&self) -> u8 {
        STRENGTH
    }

    fn credential_kind(&self) -> CredentialKind {
        match self.settings.credentials {
            Some(_) => CredentialKind::Ticket,
            None => CredentialKind::Password,
        }
    }

    fn step(&mut self, input: SchemeInput<'_>) -> SchemeAction {
        match input {
            SchemeInput::Request { credentials } => self.begin(credentials),
            SchemeInput::Challenge {
                offered,
                credentials,
                refusal,
                ..
            } => match std::mem::replace(&mut self.state, State::Idle) {
                State::Sent(login) => {
                    SchemeAction::GiveUp(self.refused(&login, offered, refusal.headers.get(DATE)))
                }
                State::Idle | State::Asking => self.begin(credentials),
            },
            SchemeInput::Response(response) => self.check_proof(response.headers()),
            SchemeInput::Reply(reply) => self.go_on(|client| client.reply(reply)),
            SchemeInput::Ran => self.go_on(Client::derived),
            _ => self.failed(&Failure::Unexpected),
        }
    }

    fn run_blocking(&mut self) {
        if let Some(client) = &mut self.client {
            client.derive();
        }
    }
}

impl Negotiate {
    /// Asks for a ticket. A second login in the same dialing gets a new one, whose time is fresh.
    fn begin(&mut self, credentials: Option<&Credentials>) -> SchemeAction {
        self.state = State::Asking;
        match self.client_for(credentials) {
            Ok(()) => self.go_on(Client::start),
            Err(failure) => self.failed(&failure),
        }
    }

    /// Makes the client, if there is none for these credentials.
    fn client_for(&mut self, given: Option<&Credentials>) -> Result<(), Failure> {
        let own = self.settings.credentials.as_ref();
        let credentials = own.or(given).ok_or(Failure::NoCredentials)?;
        let has_other = |client: &Client| client.credentials() != credentials;
        let random = match (self.client.take(), self.seed.take()) {
            (Some(client), _) if !has_other(&client) => {
                self.client = Some(client);
                return Ok(());
            }
            (Some(client), _) => client.into_random(),
            (None, Some(seed)) => Random::new(seed),
            (None, None) => return Err(Failure::Unexpected),
        };
        let account = self.read_account(credentials);
        let service = PrincipalName {
            name_type: NT_SRV_INST,
            name_string: self.service.split('/').map(str::to_owned).collect(),
        };
        let (kdcs, memory) = (self.kdcs.clone(), self.settings.memory.clone());
        let credentials = credentials.clone();
        self.client = Some(Client::new(
            account?,
            credentials,
            service,
            kdcs,
            memory,
            random,
        ));
        Ok(())
    }

    fn read_account(&self, credentials: &Credentials) -> Result<Account, Failure> {
        let user = str::from_utf8(&credentials.user).map_err(|_| Failure::NotUtf8)?;
        str::from_utf8(&credentials.password).map_err(|_| Failure::NotUtf8)?;
        let settings = &self.settings;
        Account::read(
            user,
            settings.realm.as_deref(),
            settings.default_realm.as_deref(),
        )
    }

    fn go_on(
        &mut self,
        next: impl FnOnce(&mut Client) -> Result<Progress, Failure>,
    ) -> SchemeAction {
        let (State::Asking, Some(client)) = (&self.state, &mut self.client) else {
            return self.failed(&Failure::Unexpected);
        };
        match next(client) {
            Ok(Progress::Fetch { url, data }) => SchemeAction::Fetch {
                url,
                data: data.into(),
            },
            Ok(Progress::Derive) => SchemeAction::RunBlocking,
            Ok(Progress::Done(granted)) => {
                let (token, login) = Login::new(client.random(), &granted);
                self.state = State::Sent(Box::new(login));
                let field = format!("{NAME} {}", STANDARD.encode(token));
                match HeaderValue::try_from(field) {
                    Ok(mut value) => {
                        value.set_sensitive(true);
                        SchemeAction::Authorize(Some(value))
                    }
                    Err(_) => self.failed(&Failure::Unexpected),
                }
            }
            Err(failure) => self.failed(&failure),
        }
    }

    fn failed(&mut self, failure: &Failure) -> SchemeAction {
        self.state = State::Idle;
        let service = Escaped::excerpt(&self.service);
        let why = format!("no ticket for {service}: {failure}");
        if failure.is_refusal_of_user() {
            SchemeAction::GiveUp(why)
        } else {
            SchemeAction::Unusable(why)
        }
    }

    /// Returns the text about a proxy that does not take a ticket: with its reason if it gives one,
    /// and with both clocks if they differ.
    fn refused(&self, login: &Login, offered: &[Challenge], date: Option<&HeaderValue>) -> String {
        let account = self
            .client
            .as_ref()
            .map(|client| client.account().to_string());
        let account = account.unwrap_or_default();
        let service = Escaped::excerpt(&self.service);
        let mut text = format!("it refused the ticket of {account} for {service}");
        let mut answers = offered.iter().filter_map(|it| read_token(it.rest()));
        let answer = answers
            .next()
            .map(|token| token.and_then(|token| login.check(&token)));
        let said = match answer {
            Some(Err(TokenError::Service { what, time })) => {
                text.push_str(&format!(" ({what})"));
                Some(time)
            }
            _ => date.and_then(|date| read_http_date(date.to_str().ok()?)),
        };
        if let Some(theirs) = said
            && let Some(difference) = difference(&theirs, login.time())
            && difference > MAX_SKEW
        {
            text.push_str(&format!(
                ": its clock says {theirs}, and that of the KDC says {}",
                login.time()
            ));
        } else {
            text.push_str(": may this user use it, and has it the key of this service?");
        }
        text
    }

    /// Checks the proof of the proxy in its 2xx. Many give none.
    fn check_proof(&mut self, fields: &HeaderMap) -> SchemeAction {
        let State::Sent(login) = std::mem::replace(&mut self.state, State::Idle) else {
            return SchemeAction::Authorize(None);
        };
        for token in tokens(fields) {
            if let Err(error) = token.and_then(|token| login.check(&token)) {
                let service = Escaped::excerpt(&self.service);
                return SchemeAction::GiveUp(format!(
                    "its answer to the ticket for {service} is not taken: {error}; somebody may \
                     have come between"
                ));
            }
        }
        SchemeAction::Authorize(None)
    }
}

const NAME: &str = "Negotiate";
const STRENGTH: u8 = 40;

/// The type of the name of a service (RFC 4120 §6.2).
const NT_SRV_INST: i32 = 2;

/// The seconds by which clocks may differ (RFC 4120 §3.2.3).
const MAX_SKEW: u64 = 300;

/// Returns the tokens of Negotiate in a 2xx.
fn tokens(fields: &HeaderMap) -> impl Iterator<Item = Result<Vec<u8>, TokenError>> {
    let names = [
        PROXY_AUTHENTICATE,
        HeaderName::from_static("proxy-authentication-info"),
    ];
    let values = names.into_iter().flat_map(|name| fields.get_all(name));
    values.filter_map(|value| {
        let challenge = Challenge::new(String::from_utf8_lossy(value.as_bytes()));
        challenge
            .has_scheme(NAME)
            .then(|| read_token(challenge.rest()))?
    })
}

/// Reads a token; `None` if there is none.
fn read_token(text: &str) -> Option<Result<Vec<u8>, TokenError>> {
    let read = || STANDARD.decode(text).map_err(|_| TokenError::Broken);
    (!text.is_empty()).then(read)
}

fn difference(one: &KerberosTime, other: &KerberosTime) -> Option<u64> {
    Some(one.seconds()?.abs_diff(other.seconds()?))
}
