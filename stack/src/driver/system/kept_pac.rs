//! The proxy auto-config file that the settings of the system name.

use wirestack_dial::Routes;
use wirestack_layer::{Error, origin};

/// The file of the last dialing, which has its content in memory.
#[derive(Debug, Default)]
pub(super) struct KeptPac {
    #[cfg(feature = "pac")]
    last: std::sync::Mutex<Option<(String, wirestack_pac::Pac)>>,
}

impl KeptPac {
    /// Returns the routes that the file at this URL finds.
    #[cfg(feature = "pac")]
    pub(super) fn routes(&self, url: &str) -> Result<Routes, Error> {
        let last = self.last.lock();
        let mut last = last.unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((of, pac)) = &*last
            && of == url
        {
            return Ok(pac.clone().into());
        }
        let pac = wirestack_pac::Pac::url(url);
        let pac = pac.map_err(|error| Error::local(origin::ROUTE, error))?;
        *last = Some((url.to_owned(), pac.clone()));
        Ok(pac.into())
    }

    /// Fails: without the feature, no file can be followed.
    #[cfg(not(feature = "pac"))]
    pub(super) fn routes(&self, url: &str) -> Result<Routes, Error> {
        let url = wirestack_http::shown_url(url).to_string();
        Err(Error::local(origin::ROUTE, NoPac(url)))
    }
}

#[cfg(not(feature = "pac"))]
#[derive(Debug, thiserror::Error)]
#[error(
    "they name the proxy auto-config file {}, which needs the feature `pac`: enable it, or name the \
     proxy with `via`",
    wirestack_layer::Escaped::excerpt(.0)
)]
struct NoPac(String);
