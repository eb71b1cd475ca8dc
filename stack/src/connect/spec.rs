//! Where to go and by which way, as it was said.

use std::sync::Arc;
use wirestack_dial::{Environment, Hop, RouteError, Routes, Target, Timeouts};
use wirestack_layer::Error;
use wirestack_tls::rustls::ClientConfig;

/// Where to go and how, before it is known whether that makes sense.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) target: Result<Target, RouteError>,
    pub(super) way: By,
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) timeouts: Timeouts,
}

/// By which way; what was said last counts.
#[derive(Clone)]
pub(super) enum By {
    Environment,
    Hops(Result<Vec<Hop>, Error>),
    Routes(Routes),
}

impl Route {
    pub(super) fn new(url: &str) -> Self {
        Self {
            target: url.parse(),
            way: By::Environment,
            tls: None,
            timeouts: Timeouts::default(),
        }
    }
    pub(super) fn via(&mut self, hop: Result<Hop, RouteError>) {
        if !matches!(self.way, By::Hops(_)) {
            self.way = By::Hops(Ok(Vec::new()));
        }
        if let By::Hops(Ok(hops)) = &mut self.way {
            let number = hops.len() + 1;
            match hop {
                Ok(hop) => hops.push(hop),
                Err(error) => {
                    let error = Error::local("route", BadHop { number, error });
                    self.way = By::Hops(Err(error));
                }
            }
        }
    }
    pub(super) fn resolve(self) -> Result<Resolved, Error> {
        let routes = match self.way {
            By::Environment => Routes::environment(Environment::of_this_process()),
            By::Hops(hops) => Routes::hops(hops?),
            By::Routes(routes) => routes,
        };
        Ok((routes, self.target.map_err(invalid)?, self.tls))
    }
}

pub(super) type Resolved = (Routes, Target, Option<Arc<ClientConfig>>);

#[derive(Debug, thiserror::Error)]
#[error("hop {number}: {error}")]
struct BadHop {
    number: usize,
    error: RouteError,
}

pub(super) fn invalid(error: RouteError) -> Error {
    Error::local("route", error)
}
