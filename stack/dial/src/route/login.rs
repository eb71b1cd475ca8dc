//! The settings of the authentication to one proxy.

#[cfg(feature = "ntlm")]
use crate::auth::Ntlm;
use crate::auth::{Authenticator, CredentialKind, Credentials, Login, Scheme};
use crate::auth::{Challenge, SchemeAction, SchemeContext, SchemeInput, seeds};
use std::fmt;
use std::sync::Arc;
use wirestack_layer::Seed;

/// The authentication of a client to its proxy.
#[derive(Clone)]
pub(crate) struct ProxyLogin {
    pub(crate) credentials: Option<Credentials>,
    /// Sends Basic credentials with the first request.
    pub(crate) at_once: bool,
    /// Never sends Basic.
    pub(crate) without_basic: bool,
    /// Asks the user for credentials when the proxy wants some.
    pub(crate) asks: bool,
    /// Sends the ticket of the user who is logged in.
    pub(crate) default_credentials: bool,
    /// The name of this machine for NTLM.
    #[cfg(feature = "ntlm")]
    pub(crate) workstation: String,
    /// The schemes that the caller added.
    pub(crate) schemes: Vec<Arc<MakeScheme>>,
    /// The caller's own authenticator, in place of all schemes.
    pub(crate) custom: Option<Arc<MakeAuthenticator>>,
}

pub(crate) type MakeAuthenticator = dyn Fn(&str) -> Box<dyn Authenticator> + Send + Sync;
pub(crate) type MakeScheme = dyn Fn(SchemeContext<'_>) -> Box<dyn Scheme> + Send + Sync;

impl ProxyLogin {
    /// Creates the settings of a URL: Basic goes at once, if there are credentials.
    pub(crate) fn of(credentials: Option<Credentials>) -> Self {
        Self {
            credentials,
            at_once: true,
            without_basic: false,
            asks: false,
            default_credentials: false,
            #[cfg(feature = "ntlm")]
            workstation: String::new(),
            schemes: Vec::new(),
            custom: None,
        }
    }

    /// Returns `true` if the first request carries all credentials that the proxy will ever get.
    pub(crate) fn is_at_once(&self) -> bool {
        let waits = self.asks || self.default_credentials || !self.schemes.is_empty();
        self.at_once && !waits && self.custom.is_none()
    }

    /// Returns `true` if the user may be asked for credentials.
    pub(crate) fn may_ask(&self) -> bool {
        self.asks || self.custom.is_some()
    }

    /// Returns `true` if the first request goes without credentials, so that nothing is decided before
    /// the proxy asks for some.
    pub(crate) fn begins_in_silence(&self) -> bool {
        self.custom.is_none() && !(self.at_once && self.credentials.is_some())
    }

    /// Creates the authenticator for the challenges of the proxy at `host` and `port` when it is
    /// asked for `target`. `ticket` makes the scheme of the user who is logged in.
    pub(crate) fn log_in(
        &self,
        (host, port): (&str, u16),
        target: String,
        seed: Seed,
        ticket: Option<&MakeScheme>,
    ) -> Box<dyn Authenticator> {
        if let Some(make) = &self.custom {
            return make(&target);
        }
        let mut seeds = seeds(seed);
        let mut login = Login::new(target.clone(), seeds());
        if let Some(credentials) = &self.credentials {
            login = login.with_credentials(credentials.clone());
        }
        if self.at_once {
            login = login.at_once();
        }
        if self.asks {
            login = login.asking();
        }
        if self.without_basic {
            login = login.without_basic();
        }
        let mut context = || SchemeContext {
            host,
            port,
            target: &target,
            seed: seeds(),
        };
        if self.default_credentials {
            login = login.with_scheme(match ticket {
                Some(make) => make(context()),
                None => Box::new(NoTicket),
            });
        }
        #[cfg(feature = "ntlm")]
        {
            let ntlm = Ntlm::new(context()).with_workstation(&self.workstation);
            login = login.with_scheme(Box::new(ntlm));
        }
        for make in &self.schemes {
            login = login.with_scheme(make(context()));
        }
        Box::new(login)
    }
}

/// Shows the scheme of each part that tells two logins apart, for the key of a shared connection.
impl fmt::Debug for ProxyLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schemes = self.schemes.iter().map(Arc::as_ptr);
        let schemes: Vec<_> = schemes.map(<*const MakeScheme>::cast::<()>).collect();
        let custom = self.custom.as_ref().map(Arc::as_ptr);
        let mut shown = f.debug_struct("ProxyLogin");
        #[cfg(feature = "ntlm")]
        shown.field("workstation", &self.workstation);
        shown
            .field("at_once", &self.at_once)
            .field("without_basic", &self.without_basic)
            .field("asks", &self.asks)
            .field("default_credentials", &self.default_credentials)
            .field("schemes", &schemes)
            .field(
                "custom",
                &custom.map(<*const MakeAuthenticator>::cast::<()>),
            )
            .finish_non_exhaustive()
    }
}

/// Stands for the ticket of the user where no driver knows it.
struct NoTicket;

impl Scheme for NoTicket {
    fn name(&self) -> &str {
        "Negotiate"
    }

    fn strength(&self) -> u8 {
        40
    }

    fn credential_kind(&self) -> CredentialKind {
        CredentialKind::Ticket
    }

    fn check(&self, _: &[Challenge]) -> Result<(), String> {
        Err(NO_TICKET.to_owned())
    }

    fn step(&mut self, _: SchemeInput<'_>) -> SchemeAction {
        SchemeAction::Unusable(NO_TICKET.to_owned())
    }
}

const NO_TICKET: &str = "Negotiate is off: enable the feature `negotiate`";
