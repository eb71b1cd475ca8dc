//! Carrying out what a finder of routes asks for: the clock, files, names, and work on threads.

#[cfg(feature = "pac")]
mod error;
#[cfg(feature = "pac")]
mod fetch;
#[cfg(feature = "pac")]
mod http1;
mod machine;

use super::context::DialContext;
use crate::driver::runtime::{BoxFuture, Runtime, collect_addresses, run_blocking};
use std::net::IpAddr;
use std::sync::Arc;
use wirestack_dial::{FindAnswer, FindRequest, Timeouts};

impl DialContext {
    /// Finds out what was asked for.
    pub(crate) fn find_out(
        &self,
        runtime: &Arc<dyn Runtime>,
        request: FindRequest,
        timeouts: Timeouts,
    ) -> BoxFuture<FindAnswer> {
        match request {
            FindRequest::Machine => {
                let machine = machine::machine();
                Box::pin(async { FindAnswer::Machine(machine) })
            }
            #[cfg(feature = "pac")]
            FindRequest::Fetch(fetch, tls, certificates) => {
                let tls = (tls, certificates);
                let context = self.without_proxies(runtime);
                let fetched = fetch::fetch(context, fetch, tls, timeouts);
                Box::pin(async { FindAnswer::Fetched(fetched.await) })
            }
            #[cfg(not(feature = "pac"))]
            FindRequest::Fetch(..) => {
                let _ = timeouts;
                let error = wirestack_layer::Error::local(wirestack_layer::origin::DIALER, NoFetch);
                Box::pin(async { FindAnswer::Fetched(Err(error)) })
            }
            FindRequest::Resolve(names) => {
                let context = self.clone();
                let runtime = runtime.clone();
                Box::pin(async move { context.resolve_names(&*runtime, names).await })
            }
            FindRequest::Run(mut task) => {
                let ran = run_blocking(&**runtime, move || {
                    task.run();
                    task
                });
                Box::pin(async { FindAnswer::Ran(ran.await) })
            }
        }
    }

    /// Looks names up, all at the same time.
    async fn resolve_names(&self, runtime: &dyn Runtime, names: Vec<String>) -> FindAnswer {
        let lookups: Vec<_> = names
            .into_iter()
            .map(|name| {
                let found = self.resolve(runtime, name.clone(), ANY_PORT);
                let found: BoxFuture<_> = Box::pin(collect_addresses(found));
                (name, found)
            })
            .collect();
        let mut resolved = Vec::new();
        for (name, found) in lookups {
            let mut addresses: Vec<IpAddr> = Vec::new();
            for address in found.await.unwrap_or_default() {
                if !addresses.contains(&address.ip()) {
                    addresses.push(address.ip());
                }
            }
            resolved.push((name, addresses));
        }
        FindAnswer::Resolved(resolved)
    }

    /// Returns a context for requests of the dialing itself: on this runtime, with the same resolver
    /// and options, and without a pool, credentials and exchanges.
    #[cfg(feature = "pac")]
    fn without_proxies(&self, runtime: &Arc<dyn Runtime>) -> Self {
        let mut context = Self::new().runtime(runtime.clone());
        context.resolver = self.resolver.clone();
        context.tcp_options(self.tcp_options)
    }
}

/// The port of addresses whose port is not used.
const ANY_PORT: u16 = 80;

#[cfg(not(feature = "pac"))]
#[derive(Debug, thiserror::Error)]
#[error("this build of wirestack gets no files: enable the feature `pac`")]
struct NoFetch;
