//! The memory that the dialings of one configuration share: the ticket of the realm, and the KDCs that answer.

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
    /// The KDCs that answered, the last one first.
    kdcs: Vec<String>,
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

    /// Returns the KDCs that answered, of all realms, the last one first.
    pub(crate) fn kdcs(&self) -> Vec<String> {
        self.lock().kdcs.clone()
    }

    pub(crate) fn keep_kdc(&self, url: &str) {
        let kdcs = &mut self.lock().kdcs;
        match kdcs.iter().position(|it| it == url) {
            Some(at) => kdcs[..=at].rotate_right(1),
            None => {
                kdcs.truncate(KDCS_KEPT - 1);
                kdcs.insert(0, url.to_owned());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of KDCs that are remembered: of the home realm, and of those that it refers to.
const KDCS_KEPT: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_kdcs_that_answered_are_kept_and_no_more() {
        let memory = Memory::default();
        for n in [1, 2, 3, 1, 1] {
            memory.keep_kdc(&n.to_string());
        }
        assert_eq!(memory.kdcs(), ["1", "3", "2"]);
        for n in 10..30 {
            memory.keep_kdc(&n.to_string());
        }
        let kept = memory.kdcs();
        assert_eq!((kept.len(), &*kept[0], &*kept[7]), (8, "29", "22"));
    }
}
