//! By which ways a target may be reached.

use crate::route::endpoint::RouteError;
use crate::route::environment::Environment;
use crate::route::hop::Hop;
use crate::route::target::Target;
use std::fmt;

/// The ways to a target, in the order in which they are tried. Each way is a list of hops, nearest
/// first; one without hops goes straight to the target.
///
/// The next way is tried when something on the one before did not work: a proxy was not found or not
/// reached, took too long, refused or broke. What the target itself has said is said, by whatever
/// way.
///
/// ```
/// use wirestack_dial::Routes;
///
/// let hop = "http://proxy.test:3128".parse()?;
/// let routes = Routes::any_of([vec![hop], vec![]]);
/// assert_eq!(routes.to_string(), "http://proxy.test:3128; direct");
/// // As the function of a proxy auto-config file says it:
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

    /// Goes by these hops, nearest first.
    pub fn hops(hops: Vec<Hop>) -> Self {
        Self::any_of([hops])
    }

    /// Goes by the first of these ways that works.
    pub fn any_of(ways: impl IntoIterator<Item = Vec<Hop>>) -> Self {
        Self(Kind::List(ways.into_iter().collect()))
    }

    /// Goes by the proxy that the environment names for each target, or straight to it.
    pub fn environment(environment: Environment) -> Self {
        Self(Kind::Environment(environment))
    }

    /// Reads what `FindProxyForURL` of a proxy auto-config file returned: `DIRECT`, `PROXY`, `HTTP`,
    /// `HTTPS`, `SOCKS`, `SOCKS4` and `SOCKS5`, separated by semicolons.
    ///
    /// # Errors
    ///
    /// [`RouteError`] for anything else.
    pub fn pac(result: &str) -> Result<Self, RouteError> {
        let items = result.split(';').map(str::trim);
        let ways = items.filter(|item| !item.is_empty()).map(|item| {
            let (kind, place) = item.split_once([' ', '\t']).unwrap_or((item, ""));
            let scheme = match kind.to_ascii_uppercase().as_str() {
                "DIRECT" => return Ok(Vec::new()),
                "PROXY" | "HTTP" => "http",
                "HTTPS" => "https",
                "SOCKS" | "SOCKS5" => "socks5h",
                "SOCKS4" => "socks4a",
                _ => return Err(RouteError::Pac),
            };
            Ok(vec![format!("{scheme}://{}", place.trim()).parse()?])
        });
        let ways = ways.collect::<Result<Vec<_>, _>>()?;
        match ways.is_empty() {
            true => Ok(Self::direct()),
            false => Ok(Self::any_of(ways)),
        }
    }

    /// Returns the ways to this target.
    ///
    /// # Errors
    ///
    /// [`RouteError`] if the environment names something that is no proxy.
    pub fn to(&self, target: &Target) -> Result<Vec<Vec<Hop>>, RouteError> {
        match &self.0 {
            Kind::List(ways) => Ok(ways.clone()),
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
            Kind::Environment(_) => f.write_str("as the environment says"),
            Kind::List(ways) => {
                for (n, way) in ways.iter().enumerate() {
                    f.write_str(if n == 0 { "" } else { "; " })?;
                    f.write_str(&name(way))?;
                }
                Ok(())
            }
        }
    }
}

/// Shows a way: its hops, nearest first.
pub(crate) fn name(way: &[Hop]) -> String {
    let hops: Vec<_> = way.iter().map(Hop::to_string).collect();
    match hops.is_empty() {
        true => "direct".to_owned(),
        false => hops.join(", then "),
    }
}
