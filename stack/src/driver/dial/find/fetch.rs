//! Getting a file: from a web server, without any proxy, or from this machine.

use super::error::{FetchError, MAX_REDIRECTS};
use super::http1;
use crate::driver::dial::context::DialContext;
use crate::driver::error::{no_runtime_error, seeds};
use crate::driver::runtime::run_blocking;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use wirestack_dial::find::{Fetch, Fetched, file_path};
use wirestack_dial::{DialError, Dialer, Plan, Routes, Target, Timeouts};
use wirestack_http::{is_secret, shown_url};
use wirestack_layer::{Error, decode_text, origin};
use wirestack_tls::Certificates;
use wirestack_tls::rustls::ClientConfig;

/// The TLS settings of a dialing, whole or as certificates beside those of the system.
type FetchTls = (Option<Arc<ClientConfig>>, Certificates);

/// Gets a file, and follows redirects.
pub(super) async fn fetch(
    context: DialContext,
    mut fetch: Fetch,
    tls: FetchTls,
    timeouts: Timeouts,
) -> Result<Fetched, Error> {
    let url = fetch.url.split('#').next().unwrap_or_default();
    if url.starts_with("file:") {
        return read_file(&context, url, fetch.limit).await;
    }
    let mut target: Target = url.parse().map_err(local)?;
    if !matches!(target.scheme(), "http" | "https") {
        return Err(local(FetchError::Scheme));
    }
    for _ in 0..=MAX_REDIRECTS {
        let response = get(&context, target.clone(), &fetch, tls.clone(), timeouts).await?;
        let Some(location) = location(&response) else {
            return Ok(response);
        };
        let to = redirected(&target, &location)?;
        if to.origin() != target.origin() {
            leave_secrets(&mut fetch.headers);
        }
        target = to;
    }
    Err(Error::peer(origin::DIALER, FetchError::Redirects))
}

/// Sends one request, on a connection of its own.
async fn get(
    context: &DialContext,
    target: Target,
    fetch: &Fetch,
    tls: FetchTls,
    timeouts: Timeouts,
) -> Result<Fetched, Error> {
    let request = http1::request(&target, &fetch.headers)?;
    let (tls, certificates) = tls;
    let plan = Plan::stream(Routes::direct(), target, tls, Some(HTTP1)).map_err(local)?;
    let plan = plan.with_certificates(&certificates).map_err(local)?;
    let now = context.find_runtime().map_err(no_runtime_error)?.now();
    let dialer = Dialer::new(plan, timeouts, seeds(), now);
    let (io, _) = context.dial(dialer).await.map_err(not_reached)?;
    http1::exchange(io, request, fetch.limit).await
}

fn not_reached(error: DialError) -> Error {
    if error.is_temporary() {
        Error::peer(origin::DIALER, error)
    } else {
        Error::local(origin::DIALER, error)
    }
}

/// Returns the URL that a response redirects to.
fn location(response: &Fetched) -> Option<String> {
    if !matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers.get(header::LOCATION)?;
    Some(decode_text(location.as_bytes()).into_owned())
}

/// Returns the target of a redirect. [`Target::join`] leaves out credentials.
fn redirected(from: &Target, location: &str) -> Result<Target, Error> {
    let to = from.join(location).ok().filter(|to| match from.scheme() {
        "https" => to.scheme() == "https",
        _ => matches!(to.scheme(), "http" | "https"),
    });
    to.ok_or_else(|| {
        let location = shown_url(location);
        Error::peer(origin::DIALER, FetchError::Redirect(location))
    })
}

/// Removes the fields that are for one origin alone.
fn leave_secrets(fields: &mut HeaderMap) {
    let known = fields.iter();
    let secrets = known.filter(|(name, value)| is_secret(name) || value.is_sensitive());
    let secrets: Vec<_> = secrets.map(|(name, _)| name.clone()).collect();
    for name in secrets {
        fields.remove(name);
    }
}

/// Reads a file of this machine, on a thread that may block.
async fn read_file(context: &DialContext, url: &str, limit: usize) -> Result<Fetched, Error> {
    let path = file_path(url).ok_or_else(|| local(FetchError::Path))?;
    let runtime = context.find_runtime().map_err(no_runtime_error)?;
    let read = run_blocking(&*runtime, move || read_at_most(path, limit));
    let stopped = || Err(io::Error::other("the thread that reads it has stopped"));
    let content = read.await.unwrap_or_else(stopped);
    let content = content.map_err(|error| local(FetchError::File(error)))?;
    Ok(Fetched::new(StatusCode::OK, HeaderMap::new(), content))
}

fn read_at_most(path: PathBuf, limit: usize) -> io::Result<Bytes> {
    // A pipe or a device could hold the thread for ever.
    if !std::fs::metadata(&path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut content = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(most).read_to_end(&mut content)?;
    if content.len() > limit {
        return Err(io::Error::other(FetchError::Long(limit)));
    }
    Ok(content.into())
}

fn local(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::local(origin::DIALER, error)
}

const HTTP1: &[&[u8]] = &[b"http/1.1"];
