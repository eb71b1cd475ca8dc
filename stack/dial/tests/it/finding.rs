//! Routes that are found while dialing.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wirestack_dial::find::{
    Fetch, Fetched, FindAction, FindInput, FindRoutes, Machine, RouteSource,
};
use wirestack_dial::{
    DialError, Dialer, FindAnswer, FindRequest, Plan, Routes, Step, Target, Timeouts,
};
use wirestack_layer::{Error, Instant, Seed};
use wirestack_nest::BoxTunnel;

/// A source whose finders do these actions, one after another, and note each input.
struct Script {
    actions: Vec<fn() -> FindAction>,
    inputs: Arc<Mutex<Vec<String>>>,
    failed: Arc<Mutex<Vec<String>>>,
}

struct Finder {
    actions: std::vec::IntoIter<fn() -> FindAction>,
    inputs: Arc<Mutex<Vec<String>>>,
    ran: bool,
}

impl RouteSource for Script {
    fn name(&self) -> String {
        "script".to_owned()
    }

    fn finder(&self, target: &Target) -> Box<dyn FindRoutes> {
        self.inputs.lock().unwrap().push(target.to_string());
        Box::new(Finder {
            actions: self.actions.clone().into_iter(),
            inputs: self.inputs.clone(),
            ran: false,
        })
    }

    fn route_failed(&self, route: &str, _: Instant) {
        self.failed.lock().unwrap().push(route.to_owned());
    }
}

impl FindRoutes for Finder {
    fn step(&mut self, input: FindInput, _: Instant) -> FindAction {
        let input = match input {
            FindInput::Ran => format!("ran {}", self.ran),
            FindInput::Machine(machine) => {
                format!("{:?} {:?}", machine.unix_time, machine.addresses)
            }
            other => format!("{other:?}"),
        };
        self.inputs.lock().unwrap().push(input);
        self.actions.next().expect("an action")()
    }

    fn run_blocking(&mut self) {
        self.ran = true;
    }

    fn take_notes(&mut self) -> Vec<String> {
        vec!["a\u{1b}note".to_owned()]
    }
}

struct Fixture {
    dialer: Dialer<BoxTunnel>,
    inputs: Arc<Mutex<Vec<String>>>,
    failed: Arc<Mutex<Vec<String>>>,
    now: Instant,
}

impl Fixture {
    fn new(actions: &[fn() -> FindAction]) -> Self {
        let (inputs, failed) = (Arc::default(), Arc::default());
        let script = Script {
            actions: actions.to_vec(),
            inputs: Arc::clone(&inputs),
            failed: Arc::clone(&failed),
        };
        let routes = Routes::found_by(Arc::new(script));
        let target = "tcp://192.0.2.9:22".parse().unwrap();
        let plan = Plan::stream(routes, target, None, None).unwrap();
        let now = Instant::ORIGIN;
        let seed = Seed::new([7; 32]);
        Self {
            dialer: Dialer::new(plan, Timeouts::default(), seed, now),
            inputs,
            failed,
            now,
        }
    }

    fn request(&mut self) -> FindRequest {
        match self.dialer.step(self.now) {
            Step::Find { request } => request,
            other => panic!("{other:?}"),
        }
    }

    fn failure(&mut self) -> DialError {
        match self.dialer.step(self.now) {
            Step::Failed(error) => error,
            other => panic!("{other:?}"),
        }
    }

    fn answer(&mut self, answer: FindAnswer) {
        self.dialer.found_out(answer, self.now);
    }
}

fn proxies() -> Routes {
    Routes::pac("PROXY 192.0.2.1:1; SOCKS 192.0.2.2:2").unwrap()
}

#[test]
fn each_request_of_a_finder_is_answered_and_the_routes_are_tried_in_order() {
    let mut dialing = Fixture::new(&[
        || FindAction::AskMachine,
        || FindAction::Fetch(Fetch::new("http://wpad.test/proxy.pac", 100)),
        || FindAction::RunBlocking,
        || FindAction::Resolve(vec!["a.test".to_owned()]),
        || FindAction::Found(proxies()),
    ]);
    assert!(matches!(dialing.request(), FindRequest::Machine));
    let ip: IpAddr = "192.0.2.7".parse().unwrap();
    let machine = Machine::new(Duration::from_secs(1), vec![ip], || Instant::ORIGIN);
    dialing.answer(FindAnswer::Machine(machine));
    let FindRequest::Fetch(fetch, None, _) = dialing.request() else {
        panic!("a file is wanted");
    };
    assert_eq!(
        (&*fetch.url, fetch.limit),
        ("http://wpad.test/proxy.pac", 100)
    );
    let fetched = Fetched::new(http::StatusCode::OK, http::HeaderMap::new(), "x");
    dialing.answer(FindAnswer::Fetched(Ok(fetched)));
    let FindRequest::Run(mut task) = dialing.request() else {
        panic!("work is wanted");
    };
    task.run();
    dialing.now = dialing.now.checked_add(Duration::from_millis(12)).unwrap();
    dialing.answer(FindAnswer::Ran(Some(task)));
    assert!(matches!(dialing.request(), FindRequest::Resolve(names) if names == ["a.test"]));
    dialing.answer(FindAnswer::Resolved(vec![("a.test".to_owned(), vec![ip])]));
    let Step::Open { attempt, to } = dialing.dialer.step(dialing.now) else {
        panic!("the first proxy is connected to");
    };
    assert_eq!(to.to_string(), "192.0.2.1:1");
    let refused = Error::peer("wire", "refused");
    dialing.dialer.refused(attempt, refused, dialing.now);
    assert!(matches!(
        dialing.dialer.step(dialing.now),
        Step::Close { .. }
    ));
    let Step::Open { to, .. } = dialing.dialer.step(dialing.now) else {
        panic!("the second proxy is connected to");
    };
    assert_eq!(to.to_string(), "192.0.2.2:2");
    assert_eq!(*dialing.failed.lock().unwrap(), ["http://192.0.2.1:1"]);
    let inputs = dialing.inputs.lock().unwrap().join("\n");
    assert_eq!(
        inputs,
        "tcp://192.0.2.9:22\nStart\n1s [192.0.2.7]\n\
         Fetched(Ok(Fetched(200 OK, 1 bytes)))\nran true\nResolved([(\"a.test\", [192.0.2.7])])"
    );
    let trace = dialing.dialer.trace();
    let shown = trace.to_string();
    assert!(shown.contains("finding the routes: script"), "{shown}");
    assert!(shown.contains(r"note: a\u{1b}note"), "{shown}");
    let found = "found the routes: http://192.0.2.1:1; socks5h://192.0.2.2:2";
    assert!(shown.contains(found), "{shown}");
    let picture = trace.waterfall().to_string();
    let line = "12.00 ms script  (http://192.0.2.1:1; socks5h://192.0.2.2:2)";
    assert!(picture.contains(line), "{picture}");
}

#[test]
fn a_finder_that_fails_ends_the_dialing_and_the_error_says_where() {
    let mut dialing = Fixture::new(&[|| FindAction::Fail(Error::local("pac", "no file"))]);
    let error = dialing.failure();
    assert_eq!(error.to_string(), "script: no file");
    assert!(!error.is_temporary());
}

#[test]
fn a_finder_whose_work_panicked_ends_the_dialing() {
    let mut dialing = Fixture::new(&[|| FindAction::RunBlocking]);
    assert!(matches!(dialing.request(), FindRequest::Run(_)));
    dialing.answer(FindAnswer::Ran(None));
    assert_eq!(
        dialing.failure().to_string(),
        "script: the work that finds the routes has stopped without a result"
    );
}

#[test]
fn the_finding_of_routes_times_out() {
    let mut dialing = Fixture::new(&[|| FindAction::Resolve(vec!["a.test".to_owned()])]);
    assert!(matches!(dialing.request(), FindRequest::Resolve(_)));
    let Step::Wait { until: Some(until) } = dialing.dialer.step(dialing.now) else {
        panic!("it waits");
    };
    assert_eq!(until.saturating_duration_since(dialing.now).as_secs(), 20);
    dialing.now = until;
    assert_eq!(
        dialing.failure().to_string(),
        "script: timed out after 20 s while finding the routes, waiting for the addresses of names"
    );
    dialing.answer(FindAnswer::Resolved(Vec::new())); // it comes too late, and changes nothing
    assert!(matches!(
        dialing.dialer.step(dialing.now),
        Step::Wait { until: None }
    ));
}

#[test]
fn a_source_may_name_another_one_and_no_circle_is_endless() {
    fn again() -> FindAction {
        FindAction::Found(Routes::found_by(Arc::new(Script {
            actions: vec![again],
            inputs: Arc::default(),
            failed: Arc::default(),
        })))
    }
    let mut dialing = Fixture::new(&[again]);
    assert_eq!(
        dialing.failure().to_string(),
        "script: 4 sources of routes name each other, one after another: name the proxy in one of \
         them"
    );
}

#[test]
fn routes_that_are_to_be_found_are_not_known_before() {
    let source = Script {
        actions: Vec::new(),
        inputs: Arc::default(),
        failed: Arc::default(),
    };
    let routes = Routes::found_by(Arc::new(source));
    assert_eq!(routes.to_string(), "by the script");
    let error = routes.to(&"tcp://h:1".parse().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the routes are found while dialing, by the script, which was not asked yet"
    );
}
