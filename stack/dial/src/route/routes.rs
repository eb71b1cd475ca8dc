//! The list of routes to a target.

use crate::route::endpoint::RouteError;
use crate::route::environment::Environment;
use crate::route::hop::Hop;
use crate::route::target::Target;
use std::fmt;
use wirestack_layer::Escaped;

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
pub struct Routes {
    kind: Kind,
    /// The items of a list that were passed over, each with the reason.
    skipped: Vec<String>,
}

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
        Self::of(Kind::List(routes.into_iter().collect()))
    }

    /// Goes through the proxy that the environment names for the target, or straight to the target.
    pub fn environment(environment: Environment) -> Self {
        Self::of(Kind::Environment(environment))
    }

    fn of(kind: Kind) -> Self {
        let skipped = Vec::new();
        Self { kind, skipped }
    }

    /// Reads the result of `FindProxyForURL`, the function of a proxy auto-config file: `DIRECT`,
    /// `PROXY`, `HTTP`, `HTTPS`, `SOCKS`, `SOCKS4` and `SOCKS5`, separated by semicolons.
    ///
    /// An item with another keyword (`QUIC`), or without a valid host and port, is passed over, as
    /// browsers do; the [trace](crate::Trace) of a dialing has a note of it. An empty list is
    /// `DIRECT`.
    ///
    /// # Errors
    ///
    /// [`RouteError::Pac`] if all items were passed over. Browsers then go straight to the target,
    /// which the author of the file did not say.
    pub fn pac(result: &str) -> Result<Self, RouteError> {
        let (mut routes, mut skipped) = (Vec::new(), Vec::new());
        for item in result.split(';').map(str::trim) {
            let (keyword, place) = item
                .split_once(|c: char| c.is_ascii_whitespace())
                .unwrap_or((item, ""));
            let scheme = match keyword.to_ascii_uppercase().as_str() {
                "" => continue,
                "DIRECT" => {
                    routes.push(Vec::new());
                    continue;
                }
                "PROXY" | "HTTP" => "http",
                "HTTPS" => "https",
                "SOCKS" | "SOCKS5" => "socks5h",
                "SOCKS4" => "socks4a",
                _ => {
                    skipped.push(format!("{}: the keyword is not known", shown(keyword)));
                    continue;
                }
            };
            match format!("{scheme}://{}", place.trim()).parse() {
                Ok(hop) => routes.push(vec![hop]),
                Err(error) => skipped.push(format!("{}: {error}", shown(keyword))),
            }
        }
        if routes.is_empty() && !skipped.is_empty() {
            return Err(RouteError::Pac);
        }
        if routes.is_empty() {
            routes.push(Vec::new());
        }
        Ok(Self {
            kind: Kind::List(routes),
            skipped,
        })
    }

    /// Returns the items of a list that were passed over, each with the reason.
    pub(crate) fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// Returns the routes to this target.
    ///
    /// # Errors
    ///
    /// [`RouteError`] if a variable of the environment is not the URL of a proxy.
    pub fn to(&self, target: &Target) -> Result<Vec<Vec<Hop>>, RouteError> {
        match &self.kind {
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
        match &self.kind {
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

/// Shortens a keyword for a note, and makes it safe to show.
fn shown(keyword: &str) -> String {
    Escaped::new(keyword).at_most(KEYWORD_SHOWN).to_string()
}

/// The number of characters of a keyword that a note shows.
const KEYWORD_SHOWN: usize = 16;

/// Returns the name of a route for users: its hops, the nearest first.
pub(crate) fn name(hops: &[Hop]) -> String {
    if hops.is_empty() {
        return "direct".to_owned();
    }
    let hops: Vec<_> = hops.iter().map(Hop::to_string).collect();
    hops.join(", then ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pitfall_75_an_unknown_keyword_spoils_no_list_of_a_pac_file() {
        for (result, shown, skipped) in [
            (
                "PROXY a.test:1; QUIC q.test:443; DIRECT",
                "http://a.test:1; direct",
                1,
            ),
            ("QUIC q.test:443; HTTPS a.test", "https://a.test:443", 1),
            ("proxy a.test:1;direct", "http://a.test:1; direct", 0),
            (
                " HTTP\ta.test:1 ;; Socks5  b.test ; ",
                "http://a.test:1; socks5h://b.test:1080",
                0,
            ),
            (
                "SOCKS b.test:2;SOCKS4 c.test:3",
                "socks5h://b.test:2; socks4a://c.test:3",
                0,
            ),
            ("PROXY [::1]:1", "http://[::1]:1", 0),
            (
                "PROXY; PROXY a.test:99999; MASQUE m.test; PROXY a.test:1",
                "http://a.test:1",
                3,
            ),
            ("", "direct", 0),
            (" ; ;", "direct", 0),
            ("\n", "direct", 0),
        ] {
            let routes = Routes::pac(result).unwrap();
            assert_eq!(routes.to_string(), shown, "{result:?}");
            assert_eq!(routes.skipped().len(), skipped, "{result:?}");
        }
        // Nobody said that it may go straight there.
        for result in [
            "QUIC q.test:443",
            "PROXY",
            "PROXY a.test:0;",
            "DIRECTLY",
            "\u{1b}[31m",
        ] {
            assert_eq!(
                Routes::pac(result).err(),
                Some(RouteError::Pac),
                "{result:?}"
            );
        }
        let routes = Routes::pac("QU\u{1b}IC x; DIRECT").unwrap();
        assert_eq!(routes.skipped(), [r"QU\u{1b}IC: the keyword is not known"]);
    }
}
