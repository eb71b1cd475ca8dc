//! The `Debug` of the builders: where they lead to and by which route, without any secret.

use super::builders::{Connect, ConnectHttp2, ConnectStream, Connector};
use super::spec::{RouteChoice, Spec};
use std::fmt;
use wirestack_dial::{RouteError, Target};

macro_rules! shown {
    ($builder:ident $(, $form:ident)?) => {
        impl$(<$form>)? fmt::Debug for $builder$(<$form>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut shown = f.debug_struct(stringify!($builder));
                shown.field("target", &ShownTarget(&self.target));
                shown.field("spec", &self.spec).finish_non_exhaustive()
            }
        }
    };
}
shown!(Connect, F);
shown!(ConnectStream);
shown!(ConnectHttp2);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Connector");
        shown.field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spec")
            .field("route", &self.route)
            .field("unix_socket", &self.unix_socket)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RouteChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("Environment"),
            Self::Hops(Ok(hops)) => f.debug_list().entries(hops).finish(),
            Self::Hops(Err(error)) => fmt::Display::fmt(error, f),
            Self::Routes(routes) => routes.fmt(f),
        }
    }
}

/// The URL of a target without its secrets, or the error in it.
struct ShownTarget<'a>(&'a Result<Target, RouteError>);

impl fmt::Debug for ShownTarget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Ok(target) => fmt::Display::fmt(target, f),
            Err(error) => fmt::Display::fmt(error, f),
        }
    }
}
