//! Tests of the finding of routes by a script.

use crate::{Pac, PacLimits};
use std::time::Duration;
use wirestack_dial::find::{Fetched, FindAction, FindInput, FindRoutes, Machine, RouteSource};
use wirestack_layer::{Error, Instant};

const LIST: &str = "function FindProxyForURL() { return 'PROXY a.test:1; PROXY b.test:2; DIRECT' }";

fn finder(pac: &Pac) -> Box<dyn FindRoutes> {
    pac.finder(&"wss://example.test/".parse().unwrap())
}

fn after(seconds: u64) -> Instant {
    Instant::after_origin(Duration::from_secs(seconds))
}

/// Runs the script, for which every name has no address.
fn finish(
    mut finder: Box<dyn FindRoutes>,
    mut action: FindAction,
    now: Instant,
) -> (String, usize) {
    let mut names = 0;
    loop {
        let input = match action {
            FindAction::AskMachine => FindInput::Machine(Machine::default()),
            FindAction::RunBlocking => {
                finder.run_blocking();
                FindInput::Ran
            }
            FindAction::Resolve(asked) => {
                names += asked.len();
                FindInput::Resolved(asked.into_iter().map(|name| (name, Vec::new())).collect())
            }
            FindAction::Found(routes) => return (routes.to_string(), names),
            FindAction::Fail(error) => return (error.to_string(), names),
            other => panic!("{other:?}"),
        };
        action = finder.step(input, now);
    }
}

fn result(pac: &Pac, now: Instant) -> (String, usize) {
    let mut finder = finder(pac);
    let action = finder.step(FindInput::Start, now);
    finish(finder, action, now)
}

#[test]
fn names_are_looked_up_one_after_another_and_not_too_many() {
    let script = |n: u32| {
        let body =
            format!("for (let n = 0; n < {n}; n++) dnsResolve(n + '.test'); return 'DIRECT'");
        Pac::script(&format!("function FindProxyForURL() {{ {body} }}"))
    };
    assert_eq!(result(&script(20), after(0)), ("direct".to_owned(), 20));
    let wanted = "pac: the script asked for the addresses of more than 20 names";
    assert_eq!(result(&script(21), after(0)), (wanted.to_owned(), 20));
}

#[test]
fn a_dead_proxy_has_its_place_again_after_five_minutes() {
    let pac = Pac::script(LIST);
    let order = |at| result(&pac, after(at)).0;
    assert_eq!(order(0), "http://a.test:1; http://b.test:2; direct");
    pac.route_failed("http://a.test:1", after(0));
    pac.route_failed("direct", after(0));
    assert_eq!(order(299), "http://b.test:2; direct; http://a.test:1");
    assert_eq!(order(300), "http://a.test:1; http://b.test:2; direct");
}

#[test]
fn no_script_runs_while_an_earlier_run_does_not_end() {
    let pac = Pac::script(LIST);
    let mut stuck = finder(&pac);
    let machine = || FindInput::Machine(Machine::default());
    assert!(matches!(
        stuck.step(FindInput::Start, after(0)),
        FindAction::AskMachine
    ));
    assert!(matches!(
        stuck.step(machine(), after(0)),
        FindAction::RunBlocking
    ));
    assert!(result(&pac, after(10)).0.starts_with("http://a.test:1"));
    let wanted =
        "pac: the script did not stop in earlier runs, and is not run again before it does";
    assert_eq!(result(&pac, after(11)).0, wanted);
    drop(stuck); // it ends
    assert!(result(&pac, after(11)).0.starts_with("http://a.test:1"));
}

#[test]
fn an_old_file_is_used_while_its_server_is_not_reached_and_the_trace_says_so() {
    let pac = Pac::url("http://wpad.test/proxy.pac").unwrap();
    let start = |at| {
        let mut finder = finder(&pac);
        let action = finder.step(FindInput::Start, after(at));
        (finder, action)
    };
    let (mut first, action) = start(0);
    assert!(matches!(action, FindAction::Fetch(fetch) if fetch.headers.is_empty()));
    let file = Fetched::new(http::StatusCode::OK, http::HeaderMap::new(), LIST);
    let action = first.step(FindInput::Fetched(Ok(file)), after(0));
    assert!(matches!(action, FindAction::AskMachine));
    assert!(matches!(start(3599).1, FindAction::AskMachine)); // it is fresh for an hour
    let (mut late, action) = start(3600);
    assert!(matches!(action, FindAction::Fetch(_)));
    let gone = Error::peer("wire", "gone");
    let action = late.step(FindInput::Fetched(Err(gone)), after(3660));
    let note = "the file of 61 min ago is used, as there is no newer one: wire: gone";
    assert_eq!(late.take_notes(), [note]);
    assert_eq!(
        finish(late, action, after(3660)).0,
        "http://a.test:1; http://b.test:2; direct"
    );
    // The server has a minute of peace.
    assert!(matches!(start(3719).1, FindAction::AskMachine));
    assert!(matches!(start(3720).1, FindAction::Fetch(_)));
}

#[test]
fn a_file_that_has_not_changed_is_used_although_another_dialing_has_forgotten_it() {
    let pac = Pac::url("http://wpad.test/proxy.pac").unwrap();
    // It works for one target, and for another it does not.
    let script = "function FindProxyForURL(url, host) {
        if (host === 'odd.test') throw 'no'; return 'PROXY a.test:1' }";
    let start = |target: &str, at| {
        let mut finder = pac.finder(&target.parse().unwrap());
        let action = finder.step(FindInput::Start, after(at));
        (finder, action)
    };
    let answer = |finder: &mut Box<dyn FindRoutes>, status, text: &'static str, at| {
        let mut headers = http::HeaderMap::new();
        headers.insert("etag", http::HeaderValue::from_static("\"1\""));
        let file = Fetched::new(status, headers, text);
        finder.step(FindInput::Fetched(Ok(file)), after(at))
    };
    let (mut first, _) = start("wss://example.test/", 0);
    let action = answer(&mut first, http::StatusCode::OK, script, 0);
    assert_eq!(finish(first, action, after(0)).0, "http://a.test:1");

    let (odd, odd_action) = start("wss://odd.test/", 3599);
    let (mut second, action) = start("wss://example.test/", 3600);
    assert!(matches!(action, FindAction::Fetch(fetch) if !fetch.headers.is_empty()));
    assert!(finish(odd, odd_action, after(3600)).0.contains("threw"));
    let action = answer(&mut second, http::StatusCode::NOT_MODIFIED, "", 3600);
    assert_eq!(finish(second, action, after(3600)).0, "http://a.test:1");
    // The next one asks for the whole file.
    let (_, action) = start("wss://example.test/", 3601);
    assert!(matches!(action, FindAction::Fetch(fetch) if fetch.headers.is_empty()));
}

#[test]
fn addresses_of_files_are_checked() {
    for url in [
        "",
        "proxy.pac",
        "ftp://h/x",
        "http://",
        "javascript:x",
        "data:;base64,%%%",
    ] {
        assert!(Pac::url(url).is_err(), "{url}");
    }
    let wpad = Pac::wpad("corp.example.").unwrap();
    assert_eq!(
        wpad.name(),
        "proxy auto-config http://wpad.corp.example/wpad.dat"
    );
    for domain in [
        "", ".", "a/b", "http://a", "10.0.0.1", "::1", "a b", "u@h", "a:1",
    ] {
        assert!(Pac::wpad(domain).is_err(), "{domain}");
    }
    let secret = Pac::url("http://u:hunter2@h/x?token=hunter2").unwrap();
    assert!(!format!("{secret:?}{}", secret.name()).contains("hunter2"));
    assert!(PacLimits::default().file > 0);
}
