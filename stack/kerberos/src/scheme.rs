//! Negotiate (RFC 4559) as a scheme of a proxy's login.

use crate::account::Account;
use crate::client::{Client, Progress};
use crate::failure::Failure;
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
    pub fn scheme(
        self,
    ) -> impl Fn(SchemeContext<'_>) -> Box<dyn Scheme> + Send + Sync + 'static {
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
                seed: context.seed,
                random: None,
                state: State::Idle,
            })
        }
    }
}
