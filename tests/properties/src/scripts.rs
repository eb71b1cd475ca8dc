//! Scripts of proxy auto-config files.

use std::time::Duration;
use wirestack_dial::find::{FindAction, FindInput, Machine, RouteSource};
use wirestack_layer::Instant;
use wirestack_pac::{Pac, PacLimits};

pub(crate) const SCRIPTS: &[&str] = &[
    "'PROXY proxy.test:3128; SOCKS gate.test; DIRECT'",
    "url.length > 10 && shExpMatch(host, '*.test') ? dnsResolve('a.test') : [1, null, {}]",
    "isInNet(myIpAddress(), '10.0.0.0', '255.0.0.0') + weekdayRange('MON', 'FRI', 'GMT')",
    "alert('\\u202e' + FindProxyForURL.toString()), (() => { throw { toString: 7 } })()",
    "function FindProxyForURL(url, host) { return dateRange(1, 31) ? undefined : 'HTTPS [::1]:1'; }",
    "for (;;) { try { FindProxyForURL() } catch (e) {} }",
];

/// A script, or an expression as the result of one. It ends in time with routes or with an error of
/// one line, and asks for no more names than it may.
#[allow(clippy::disallowed_methods)] // a script that does not end is stopped by a clock that runs
pub(crate) fn script(text: &str) {
    let script = if text.contains("FindProxyForURL(") && text.contains("function") {
        text.to_owned()
    } else {
        format!("function FindProxyForURL(url, host) {{ return ({text}\n); }}")
    };
    let mut limits = PacLimits::default();
    (limits.time, limits.names) = (Duration::from_millis(100), 3);
    let pac = Pac::script(&script).limits(limits);
    let target = "wss://example.test/".parse().expect("a target");
    let mut finder = pac.finder(&target);
    let mut action = finder.step(FindInput::Start, Instant::ORIGIN);
    let mut names = 0;
    for _ in 0..20 {
        let input = match action {
            FindAction::AskMachine => {
                FindInput::Machine(Machine::new(Duration::ZERO, Vec::new(), Instant::now))
            }
            FindAction::RunBlocking => {
                finder.run_blocking();
                FindInput::Ran
            }
            FindAction::Resolve(asked) => {
                names += asked.len();
                assert!(names <= 3, "{names} names");
                let found = asked.into_iter().map(|name| (name, Vec::new()));
                FindInput::Resolved(found.collect())
            }
            FindAction::Found(routes) => {
                let shown = routes.to_string();
                assert!(!shown.chars().any(char::is_control), "{shown:?}");
                let ways = routes.to(&target).expect("a list");
                assert!(!ways.is_empty());
                return;
            }
            FindAction::Fail(error) => {
                let shown = error.to_string();
                assert!(!shown.chars().any(char::is_control), "{shown:?}");
                assert!(shown.len() < 10_000, "{shown}");
                return;
            }
            other => panic!("{other:?}"),
        };
        action = finder.step(input, Instant::ORIGIN);
    }
    panic!("it never ends");
}
