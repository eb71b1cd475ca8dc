//! Getting a file: from a web server, without any proxy, or from this machine.

use super::error::{FetchError, MAX_REDIRECTS};
use super::http1;
use crate::driver::dial::context::DialContext;
use crate::driver::error::{no_runtime_error, seed};
use crate::driver::runtime::run_blocking;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;
use wirestack_dial::find::{Fetch, Fetched};
use wirestack_dial::{DialError, Dialer, Plan, RouteError, Routes, Target, Timeouts};
use wirestack_http::shown_url;
use wirestack_layer::{Error, decode_text, origin};
use wirestack_tls::Certificates;
use wirestack_tls::rustls::ClientConfig;

/// The TLS settings of a dialing, whole or as certificates beside those of the system.
type FetchTls = (Option<Arc<ClientConfig>>, Certificates);

/// Gets a file, and follows redirects.
pub(super) async fn fetch(
    context: DialContext,
    fetch: Fetch,
    tls: FetchTls,
    timeouts: Timeouts,
) -> Result<Fetched, Error> {
    let mut url = Url::parse(&fetch.url).map_err(|error| local(RouteError::Url(error)))?;
    if url.scheme() == "file" {
        return read_file(&context, &url, fetch.limit).await;
    }
    for _ in 0..=MAX_REDIRECTS {
        let response = get(&context, &url, &fetch, tls.clone(), timeouts).await?;
        let Some(location) = location(&response) else {
            return Ok(response);
        };
        url = redirected(&url, &location)?;
    }
    Err(Error::peer(origin::DIALER, FetchError::Redirects))
}

/// Sends one request, on a connection of its own.
async fn get(
    context: &DialContext,
    url: &Url,
    fetch: &Fetch,
    tls: FetchTls,
    timeouts: Timeouts,
) -> Result<Fetched, Error> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(local(FetchError::Scheme));
    }
    let mut without_fragment = url.clone();
    without_fragment.set_fragment(None);
    let target: Target = without_fragment.as_str().parse().map_err(local)?;
    let request = http1::request(&target, url, &fetch.headers)?;
    let (tls, certificates) = tls;
    let plan = Plan::stream(Routes::direct(), target, tls, Some(HTTP1)).map_err(local)?;
    let plan = plan.with_certificates(&certificates).map_err(local)?;
    let now = context.find_runtime().map_err(no_runtime_error)?.now();
    let dialer = Dialer::new(plan, timeouts, seed(), now);
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

fn redirected(from: &Url, location: &str) -> Result<Url, Error> {
    let refused = || {
        let location = shown_url(location);
        Error::peer(origin::DIALER, FetchError::Redirect(location))
    };
    let mut to = from.join(location).map_err(|_| refused())?;
    let is_allowed = match from.scheme() {
        "https" => to.scheme() == "https",
        _ => matches!(to.scheme(), "http" | "https"),
    };
    // A server must not choose the credentials of its client.
    let cleared = to.set_username("").is_ok() && to.set_password(None).is_ok();
    if is_allowed && cleared {
        Ok(to)
    } else {
        Err(refused())
    }
}

/// Reads a file of this machine, on a thread that may block.
async fn read_file(context: &DialContext, url: &Url, limit: usize) -> Result<Fetched, Error> {
    let path = url.to_file_path().map_err(|()| local(FetchError::Path))?;
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
