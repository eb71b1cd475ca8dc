//! The key of a shared connection.

use crate::route::hop::Hop;
use crate::route::tls_choice::TlsChoice;
use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The key of a shared connection: equal for the same destination, route, credentials, TLS settings
/// and local address. `Debug` shows nothing of it.
///
/// ```
/// use std::collections::HashMap;
/// use wirestack_dial::{PoolKey, SharedConnection};
///
/// /// The connections of a driver.
/// struct Connections<C>(HashMap<PoolKey, C>);
///
/// impl<C> Connections<C> {
///     fn get(&self, share: &SharedConnection) -> Option<&C> {
///         self.0.get(&share.key())
///     }
/// }
/// ```
#[derive(Clone)]
pub struct PoolKey {
    text: Zeroizing<String>,
    local_address: Option<IpAddr>,
    /// The callback that is asked for credentials, and its address.
    asking: Option<(usize, Arc<dyn Any + Send + Sync>)>,
    /// The hops and the TLS settings. The text names parts of them by their address in memory: as
    /// long as the key is kept, no later settings get that address.
    _named: Arc<(Vec<Hop>, TlsChoice)>,
}

impl PoolKey {
    pub(crate) fn new(text: Zeroizing<String>, hops: &[Hop], tls: &TlsChoice) -> Self {
        let _named = Arc::new((hops.to_vec(), tls.clone()));
        Self {
            text,
            local_address: None,
            asking: None,
            _named,
        }
    }

    /// Returns the key of connections that leave from this address of the machine. `None`: the
    /// system chooses it.
    ///
    /// ```
    /// use std::net::IpAddr;
    /// use wirestack_dial::{PoolKey, SharedConnection};
    ///
    /// fn key(share: &SharedConnection, local_address: IpAddr) -> PoolKey {
    ///     share.key().local_address(Some(local_address))
    /// }
    /// ```
    #[must_use]
    pub fn local_address(mut self, local_address: Option<IpAddr>) -> Self {
        self.local_address = local_address;
        self
    }

    /// Returns the key of connections whose proxies get the credentials that this callback gives. A
    /// connection that one user has logged in at is not for another one, who has another callback.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use wirestack_dial::{PoolKey, SharedConnection};
    ///
    /// type Ask = dyn Fn() -> Option<String> + Send + Sync;
    ///
    /// fn key(share: &SharedConnection, ask: Option<&Arc<Ask>>) -> PoolKey {
    ///     share.key().asking(ask)
    /// }
    /// ```
    #[must_use]
    pub fn asking<T>(mut self, callback: Option<&Arc<T>>) -> Self
    where
        T: ?Sized + Send + Sync + 'static,
    {
        let (hops, _) = &*self._named;
        // Nobody else can ask.
        let callback = callback.filter(|_| hops.iter().any(|hop| hop.login.may_ask()));
        self.asking = callback.map(|callback| {
            let address = Arc::as_ptr(callback).cast::<()>() as usize;
            (address, Arc::new(callback.clone()) as _)
        });
        self
    }

    fn asks_at(&self) -> Option<usize> {
        self.asking.as_ref().map(|(address, _)| *address)
    }
}

impl PartialEq for PoolKey {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
            && self.local_address == other.local_address
            && self.asks_at() == other.asks_at()
    }
}

impl Eq for PoolKey {}

impl Hash for PoolKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
        self.local_address.hash(state);
        self.asks_at().hash(state);
    }
}

impl fmt::Debug for PoolKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PoolKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_callback_has_logged_in_is_not_shared_with_another_one() {
        type Ask = dyn Fn() -> u8 + Send + Sync;
        let (one, other): (Arc<Ask>, Arc<Ask>) = (Arc::new(|| 1), Arc::new(|| 2));
        let tls = TlsChoice::new(None);
        let key = |hop: &str, ask: Option<&Arc<Ask>>| {
            let hop: Hop = hop.parse().unwrap();
            let hop = if ask.is_some() { hop.asking() } else { hop };
            PoolKey::new("a".to_owned().into(), &[hop], &tls).asking(ask)
        };
        let http = "http://proxy.test:3128";
        assert_eq!(key(http, Some(&one)), key(http, Some(&one.clone())));
        assert_ne!(key(http, Some(&one)), key(http, Some(&other)));
        assert_ne!(key(http, Some(&one)), key(http, None));
        // A hop that asks nobody is the same for all.
        let plain: Hop = http.parse().unwrap();
        let plain = || PoolKey::new("a".to_owned().into(), std::slice::from_ref(&plain), &tls);
        assert_eq!(plain().asking(Some(&one)), plain().asking(Some(&other)));
    }
}
