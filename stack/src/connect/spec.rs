//! The settings that all builders share: by which route, with which TLS, for how long, and with
//! what the driver connects.

use super::hop_changes::HopChanges;
use crate::driver::dial::DialContext;
use std::path::PathBuf;
use std::sync::Arc;
use wirestack_dial::{Environment, Hop, RouteError, Routes, Target, Timeouts};
use wirestack_layer::{Error, origin};
use wirestack_tls::Certificates;
use wirestack_tls::rustls::ClientConfig;

/// The settings of a builder, except for its target. They are checked when it connects.
#[derive(Clone)]
pub(crate) struct Spec {
    pub(super) route: RouteChoice,
    pub(super) unix_socket: Option<PathBuf>,
    pub(super) server_name: Option<String>,
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) certificates: Certificates,
    pub(super) timeouts: Timeouts,
    pub(super) hop_changes: HopChanges,
    pub(crate) context: DialContext,
}

/// The choice of the route; the last call decides.
#[derive(Clone)]
pub(super) enum RouteChoice {
    Environment,
    Hops(Result<Vec<Hop>, Error>),
    Routes(Routes),
}

impl Spec {
    pub(super) fn new(context: DialContext) -> Self {
        Self {
            route: RouteChoice::Environment,
            unix_socket: None,
            server_name: None,
            tls: None,
            certificates: Certificates::new(),
            timeouts: Timeouts::default(),
            hop_changes: HopChanges::default(),
            context,
        }
    }

    pub(super) fn via(&mut self, hop: Result<Hop, RouteError>) {
        if !matches!(self.route, RouteChoice::Hops(_)) {
            self.route = RouteChoice::Hops(Ok(Vec::with_capacity(1)));
        }
        if let RouteChoice::Hops(Ok(hops)) = &mut self.route {
            let number = hops.len() + 1;
            match hop {
                Ok(hop) => hops.push(hop),
                Err(error) => {
                    let error = Error::local(origin::ROUTE, BadHop { number, error });
                    self.route = RouteChoice::Hops(Err(error));
                }
            }
        }
    }

    /// Goes by the proxies that a proxy auto-config file names.
    #[cfg(feature = "pac")]
    pub(super) fn pac(&mut self, pac: Result<wirestack_pac::Pac, wirestack_pac::PacError>) {
        self.route = match pac {
            Ok(pac) => RouteChoice::Routes(pac.into()),
            Err(error) => RouteChoice::Hops(Err(Error::local(origin::ROUTE, error))),
        };
    }

    /// Returns the routes, the target and the settings of TLS, if they make sense.
    pub(super) fn resolve(self, target: Result<Target, RouteError>) -> Result<Resolved, Error> {
        let routes = match self.route {
            RouteChoice::Environment => Routes::environment(Environment::of_this_process()),
            RouteChoice::Hops(hops) => Routes::hops(hops?),
            RouteChoice::Routes(routes) => routes,
        };
        let mut target = target.map_err(invalid)?;
        if let Some(path) = self.unix_socket {
            target = target.unix_socket(path);
        }
        if let Some(name) = self.server_name {
            target = target.server_name(name);
        }
        Ok((routes, target, self.tls))
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
    Error::local(origin::ROUTE, error)
}
