//! The memory that the dialings of one configuration share: the ticket of the realm, and the KDC that answers.

use crate::account::Account;
use crate::request::Granted;
use crate::time::KerberosTime;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wirestack_dial::auth::Credentials;

/// The memory of all dialings with one configuration.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    ticket: Option<(Account, Credentials, Granted)>,
    kdc: Option<String>,
}

impl Memory {
    /// Returns the ticket of the realm that this account got with this password.
    pub(crate) fn ticket(&self, account: &Account, credentials: &Credentials) -> Option<Granted> {
        let inner = self.lock();
        let (owner, known, ticket) = inner.ticket.as_ref()?;
        (owner == account && known == credentials).then(|| ticket.clone())
    }

    pub(crate) fn keep_ticket(
        &self,
        account: &Account,
        credentials: &Credentials,
        ticket: &Granted,
    ) {
        self.lock().ticket = Some((account.clone(), credentials.clone(), ticket.clone()));
    }

    /// Keeps the clock of the KDC, so that the next request has a time that is nearly right.
    pub(crate) fn keep_time(&self, time: &KerberosTime) {
        if let Some((_, _, ticket)) = &mut self.lock().ticket {
            ticket.time.clone_from(time);
        }
    }

    pub(crate) fn forget_ticket(&self) {
        self.lock().ticket = None;
    }

    /// Returns the KDC that answered last.
    pub(crate) fn kdc(&self) -> Option<String> {
        self.lock().kdc.clone()
    }

    pub(crate) fn keep_kdc(&self, url: &str) {
        let mut inner = self.lock();
        if inner.kdc.as_deref() != Some(url) {
            inner.kdc = Some(url.to_owned());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
