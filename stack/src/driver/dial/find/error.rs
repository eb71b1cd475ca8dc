//! The reasons that a file was not got.

use std::io;

/// The reason that a file was not got.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("the URL of the file must begin with http://, https:// or file:///")]
    Scheme,
    #[error("the path in the URL is not one of this machine, write file:///path")]
    Path,
    #[error("the file cannot be read: {0}")]
    File(#[source] io::Error),
    #[error("the file is longer than {0} bytes")]
    Long(usize),
    #[error("the server redirected more than {MAX_REDIRECTS} times")]
    Redirects,
    #[error("the server redirected to {0}, which is not followed: from https only https is")]
    Redirect(String),
    #[error("the response of the server cannot be read: {0}")]
    Http(#[source] hyper::Error),
}

/// The redirects that are followed, one after another.
pub(super) const MAX_REDIRECTS: usize = 5;
