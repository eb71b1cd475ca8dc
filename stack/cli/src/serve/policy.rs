//! The targets that clients may reach.

use crate::exit::Failure;
use clap::{Args, ValueEnum};
use serde::Deserialize;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use wirestack::dial::Target;
use wirestack::{AccessPolicy, Network};

/// The options of a policy.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "a table, written [serve.policy]"
)]
#[command(next_help_heading = "Targets")]
pub(crate) struct PolicyOptions {
    /// Lets clients reach these targets, unless a rule says something else
    #[arg(long = "policy", value_enum, default_value_t, value_name = "PRESET")]
    preset: Preset,
    /// Lets clients reach these ports of the preset: 443, 8000-8999 or *
    #[arg(long, value_name = "PORTS", value_delimiter = ',')]
    ports: Vec<String>,
    /// Adds a rule: "allow 10.0.0.0/8 22", "deny 192.0.2.0/24", "allow host *.example.org 443" or "deny host *"; the first that fits counts
    #[arg(long = "rule", value_name = "RULE")]
    rules: Vec<String>,
}

/// The presets.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum Preset {
    /// The public Internet, at the ports 80 and 443
    #[default]
    Public,
    /// This machine
    Loopback,
    /// Every address, those of this network too
    Everything,
    /// Nothing but what rules allow
    Nothing,
}

impl PolicyOptions {
    /// Returns the policy.
    pub(crate) fn policy(&self) -> Result<AccessPolicy, Failure> {
        let mut policy = match self.preset {
            Preset::Public => AccessPolicy::public(),
            Preset::Loopback => AccessPolicy::loopback(),
            Preset::Everything => AccessPolicy::everything(),
            Preset::Nothing => AccessPolicy::nothing(),
        };
        if !self.ports.is_empty() {
            let all = self.ports.iter().map(|text| ports(text));
            policy = policy.ports(all.collect::<Result<Vec<_>, _>>()?);
        }
        for rule in &self.rules {
            policy = with_rule(policy, rule)?;
        }
        Ok(policy)
    }
}

/// Returns the policy for listening: what rules say, else the ports from 1024 of this machine alone if
/// the clients have logged in.
pub(super) fn listening(rules: &[String], is_locked: bool) -> Result<AccessPolicy, Failure> {
    let policy = if is_locked {
        AccessPolicy::loopback().ports([1024..=u16::MAX])
    } else {
        AccessPolicy::nothing()
    };
    rules.iter().try_fold(policy, |policy, rule| {
        if rule.split_whitespace().nth(1) == Some("host") {
            return Err(Failure::usage(format!(
                "the rule {rule:?}: a rule for listening has a network, and no host"
            )));
        }
        with_rule(policy, rule)
    })
}

fn with_rule(policy: AccessPolicy, rule: &str) -> Result<AccessPolicy, Failure> {
    let wrong = |why: &str| {
        Failure::usage(format!(
            "the rule {rule:?}: {why}; write \"allow NETWORK [PORTS]\", \"deny NETWORK [PORTS]\", or the same with `host PATTERN`"
        ))
    };
    let words: Vec<&str> = rule.split_whitespace().collect();
    let (verb, rest) = words.split_first().ok_or_else(|| wrong("it is empty"))?;
    let (is_host, rest) = match rest {
        ["host", rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (what, range) = match rest {
        [what] => (*what, 0..=u16::MAX),
        [what, range] => (*what, ports(range)?),
        _ => return Err(wrong("it has too few or too many words")),
    };
    if is_host {
        let what = pattern(what).ok_or_else(|| {
            wrong("a pattern is a host, *.HOST for those below it, or * for every one")
        })?;
        return match *verb {
            "allow" => Ok(policy.allow_host(&what, range)),
            "deny" => Ok(policy.deny_host(&what, range)),
            "trust" => Ok(policy.trust_host(&what, range)),
            _ => Err(wrong("it begins with no verb that is known")),
        };
    }
    let network: Network = what.parse().map_err(|error| wrong(&format!("{error}")))?;
    match *verb {
        "allow" => Ok(policy.allow(network, range)),
        "deny" => Ok(policy.deny(network, range)),
        _ => Err(wrong("it begins with no verb that is known")),
    }
}

/// Reads a pattern of hosts, in the form in which clients name hosts: `None` if none would ever fit it.
fn pattern(text: &str) -> Option<String> {
    let inside = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    if text == "*" || inside.unwrap_or(text).parse::<IpAddr>().is_ok() {
        return Some(text.to_owned());
    }
    let (below, name) = match text.strip_prefix("*.") {
        Some(name) => ("*.", name),
        None => ("", text),
    };
    let is_more = |c: char| "*/:@?#[]\\%".contains(c);
    if name.starts_with('.') || name.contains(is_more) {
        return None;
    }
    let target: Target = format!("tcp://{name}:1").parse().ok()?;
    Some(format!("{below}{}", target.endpoint().host))
}

fn ports(text: &str) -> Result<RangeInclusive<u16>, Failure> {
    let read = || match text.split_once('-') {
        _ if text == "*" => Some(0..=u16::MAX),
        Some((from, to)) => {
            let (from, to) = (from.parse().ok()?, to.parse().ok()?);
            (from <= to).then_some(from..=to)
        }
        None => {
            let port = text.parse().ok()?;
            Some(port..=port)
        }
    };
    read()
        .ok_or_else(|| Failure::usage(format!("{text:?} are no ports: write 443, 8000-8999 or *")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_in_their_order() {
        let options = PolicyOptions {
            preset: Preset::Nothing,
            ports: Vec::new(),
            rules: [
                "deny 10.1.0.0/16",
                "allow 10.0.0.0/8 22-23",
                "deny host *.secret.test",
            ]
            .map(str::to_owned)
            .into(),
        };
        let policy = options.policy().unwrap();
        for (address, wanted) in [
            ("10.2.0.1:22", true),
            ("10.2.0.1:24", false),
            ("10.1.0.1:22", false),
        ] {
            assert_eq!(
                policy.permits(address.parse().unwrap()),
                wanted,
                "{address}"
            );
        }
        assert!(!policy.permits_host("a.secret.test", 443));
        assert!(policy.permits_host("a.test", 443));
    }

    #[test]
    fn a_rule_fits_hosts_as_clients_name_them() {
        for (pattern, host) in [
            ("*", "a.test"),
            ("B\u{fc}cher.test", "xn--bcher-kva.test"),
            ("*.b\u{fc}cher.test", "a.xn--bcher-kva.test"),
            ("*.Example.test.", "a.example.test"),
            ("_srv.test", "_srv.test"),
            ("127.1", "127.0.0.1"),
            ("[::1]", "::1"),
            ("::1", "::1"),
        ] {
            let rule = format!("deny host {pattern}");
            let policy = with_rule(AccessPolicy::everything(), &rule).unwrap();
            assert!(!policy.permits_host(host, 443), "{pattern} {host}");
            assert!(
                pattern == "*" || policy.permits_host("other.test", 443),
                "{pattern}"
            );
        }
    }

    #[test]
    fn a_rule_that_cannot_be_read_is_told() {
        for rule in [
            "",
            "allow",
            "allow x",
            "permit 10.0.0.0/8",
            "allow 10.0.0.0/8 9-1",
            "allow host a b c",
            // No host of a client would ever fit these.
            "deny host *internal",
            "deny host db-*",
            "deny host *.a.*",
            "deny host *.",
            "deny host .internal",
            "deny host 10.0.0.0/8",
            "deny host example.org:443",
            "deny host https://example.org",
        ] {
            let failure = with_rule(AccessPolicy::nothing(), rule).expect_err(rule);
            let text = failure.to_string();
            assert!(
                text.contains("the rule") || text.contains("are no ports"),
                "{text}"
            );
        }
    }
}
