//! The choice of schemes in the login to a proxy.

use crate::route::hop::Hop;

impl Hop {
    /// Keeps the credentials back until an HTTP proxy asks for them, as
    /// [`on_challenge`](Self::on_challenge) does, and never sends them by Basic: a password that
    /// only Negotiate, NTLM or Digest may carry is never read by anybody on the way.
    ///
    /// ```
    /// use wirestack_dial::Hop;
    ///
    /// let hop: Hop = "http://me:secret@proxy.test:3128".parse()?;
    /// let hop = hop.without_basic();
    /// # drop(hop);
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    #[must_use]
    pub fn without_basic(self) -> Self {
        let mut hop = self.on_challenge();
        hop.login.without_basic = true;
        hop
    }
}
