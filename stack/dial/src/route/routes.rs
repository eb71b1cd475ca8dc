//! The list of routes to a target.

use crate::route::endpoint::RouteError;
use crate::route::environment::Environment;
use crate::route::hop::Hop;
use crate::route::target::Target;
use std::fmt;

/// The routes to a target, in the order in which they are tried.
///
/// Each route is a list of hops, the nearest first. A route without hops goes straight to the
/// target.
///
/// The next route is tried if a proxy of this one was not found, was not reached, took too long,
/// refused or broke. If the target itself refused, no other route is tried: the answer would be the
/// same.
///
/// ```
/// use wirestack_dial::Routes;
///
/// let hop = "http://proxy.test:3128".parse()?;
/// let routes = Routes::any_of([vec![hop], vec![]]);
/// assert_eq!(routes.to_string(), "http://proxy.test:3128; direct");
/// // The result of a proxy auto-config file:
/// let routes = Routes::pac("PROXY proxy.test:3128; SOCKS gate.test; DIRECT")?;
/// let shown = "http://proxy.test:3128; socks5h://gate.test:1080; direct";
/// assert_eq!(routes.to_string(), shown);
/// # Ok::<(), wirestack_dial::RouteError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Routes(Kind);

#[derive(Clone, Debug)]
enum Kind {
    List(Vec<Vec<Hop>>),
    Environment(Environment),
}

impl Routes {
    /// Goes straight to the target.
    pub fn direct() -> Self {
        Self::hops(Vec::new())
    }

    /// Goes through these hops, the nearest first.
    pub fn hops(hops: Vec<Hop>) -> Self {
        Self::any_of([hops])
    }

    /// Goes by the first of these routes that works.
    pub fn any_of(routes: impl IntoIterator<Item = Vec<Hop>>) -> Self {
        Self(Kind::List(routes.into_iter().collect()))
    }

    /// Goes through the proxy that the environment names for the target, or straight to the target.
    pub fn environment(environment: Environment) -> Self {
        Self(Kind::Environment(environment))
    }

    /// Reads the result of `FindProxyForURL`, the function of a proxy auto-config file: `DIRECT`,
    /// `PROXY`, `HTTP`, `HTTPS`, `SOCKS`, `SOCKS4` and `SOCKS5`, separated by semicolons.
    ///
    /// # Errors
    ///
    /// [`RouteError`] if an item has another keyword, or no valid host and port.
    pub fn pac(result: &str) -> Result<Self, RouteError> {
        let items = result.split(';').map(str::trim);
        let routes = items.filter(|item| !item.is_empty()).map(|item| {
            let (keyword, host_port) = item.split_once([' ', '\t']).unwrap_or((item, ""));
            let scheme = match keyword.to_ascii_uppercase().as_str() {
                "DIRECT" => return Ok(Vec::new()),
                "PROXY" | "HTTP" => "http",
                "HTTPS" => "https",
                "SOCKS" | "SOCKS5" => "socks5h",
                "SOCKS4" => "socks4a",
                _ => return Err(RouteError::Pac),
            };
            Ok(vec![format!("{scheme}://{}", host_port.trim()).parse()?])
        });
        let routes = routes.collect::<Result<Vec<_>, _>>()?;
        if routes.is_empty() {
            return Ok(Self::direct());
        }
        Ok(Self::any_of(routes))
    }

    /// Returns the routes to this target.
    ///
    /// # Errors
    ///
    /// [`RouteError`] if a variable of the environment is not the URL of a proxy.
    pub fn to(&self, target: &Target) -> Result<Vec<Vec<Hop>>, RouteError> {
        match &self.0 {
            Kind::List(routes) => Ok(routes.clone()),
            Kind::Environment(environment) => {
                let proxy = environment.proxy_for(target)?;
                Ok(vec![proxy.into_iter().collect()])
            }
        }
    }
}

impl fmt::Display for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Environment(_) => f.write_str("by the proxy of the environment"),
            Kind::List(routes) => {
                for (n, hops) in routes.iter().enumerate() {
                    f.write_str(if n == 0 { "" } else { "; " })?;
                    f.write_str(&name(hops))?;
                }
                Ok(())
            }
        }
    }
}

/// Returns the name of a route for users: its hops, the nearest first.
pub(crate) fn name(hops: &[Hop]) -> String {
    if hops.is_empty() {
        return "direct".to_owned();
    }
    let hops: Vec<_> = hops.iter().map(Hop::to_string).collect();
    hops.join(", then ")
}
