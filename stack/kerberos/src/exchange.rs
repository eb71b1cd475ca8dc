//! One message for a realm, and the KDCs that it is tried at.

use crate::failure::{Failure, shown};
use std::error::Error as _;
use wirestack_layer::Error;

/// A message for a realm.
#[derive(Default)]
pub(crate) struct Exchange {
    pub(crate) realm: String,
    /// The number that the answer repeats.
    pub(crate) nonce: u32,
    data: Vec<u8>,
    /// The KDCs that are left, the next one last.
    urls: Vec<String>,
    /// The KDC that has the message.
    pub(crate) url: String,
    /// The KDCs that failed, each with its error.
    tried: Vec<String>,
}

impl Exchange {
    pub(crate) fn new(realm: String, nonce: u32, data: Vec<u8>, mut urls: Vec<String>) -> Self {
        urls.reverse();
        Self {
            realm,
            nonce,
            data,
            urls,
            ..Self::default()
        }
    }

    /// Returns the next KDC and the message.
    pub(crate) fn next(&mut self) -> Result<(String, Vec<u8>), Failure> {
        let Some(url) = self.urls.pop() else {
            return Err(Failure::Unreached {
                realm: shown(&self.realm),
                tried: std::mem::take(&mut self.tried),
            });
        };
        self.url.clone_from(&url);
        Ok((url, self.data.clone()))
    }

    /// Notes why the KDC did not help.
    pub(crate) fn failed(&mut self, why: &str) {
        self.tried.push(format!("{}: {why}", shown(&self.url)));
    }
}

/// Returns the text of an error without the part of the driver that raised it.
pub(crate) fn cause(error: &Error) -> String {
    error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string)
}
