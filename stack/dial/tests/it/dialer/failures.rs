//! Layers that fail, new connections, and the errors about them.

use super::{Fixture, Knock, Rude, endpoint};
use std::error::Error as _;
use wirestack_dial::{Plan, Reason, Timeouts};
use wirestack_layer::Error;

#[test]
fn a_layer_that_fails_ends_the_dialing_with_its_error() {
    let mut dialing = Fixture::new("127.0.0.1");
    let attempt = dialing.open(b".x");
    dialing.closes(attempt);
    let error = dialing.failure();
    assert_eq!(error.to_string(), "hop 1: knock[0]: turned away");
    assert!(error.layer_error().is_some());
}

#[test]
fn an_error_is_one_line_in_debug_too_and_its_source_is_the_cause() {
    let mut dialing = Fixture::new("127.0.0.1");
    let attempt = dialing.open(b".r");
    dialing.closes(attempt);
    let error = dialing.failure();
    assert_eq!(error.to_string(), "hop 1: knock[0]: go away");
    assert_eq!(format!("{error:?}"), error.to_string());
    let layer_error = error.layer_error().unwrap();
    assert_eq!(format!("{layer_error:?}"), layer_error.to_string());
    assert!(layer_error.source().unwrap().is::<Rude>());
    let cause = error.source().unwrap();
    assert!(cause.downcast_ref::<Rude>().is_some());
    // A report that prints the error and all its sources shows each text once.
    assert!(cause.source().is_none());
}

#[test]
fn the_source_is_the_cause_of_whatever_failed_last() {
    let mut dialing = Fixture::new("127.0.0.1");
    let (attempt, _) = dialing.attempt();
    dialing.refuse(attempt);
    let error = dialing.failure();
    assert!(
        matches!(error.reason(), Reason::Unreached { .. }),
        "{error}"
    );
    let cause = error.source().unwrap().downcast_ref::<std::io::Error>();
    assert_eq!(cause.unwrap().kind(), std::io::ErrorKind::ConnectionRefused);

    let mut dialing = Fixture::new("name.test");
    let lookup = dialing.lookup();
    let failed = Error::local("resolver", Rude);
    dialing.dialer.resolved(lookup, Err(failed), dialing.now);
    let error = dialing.failure();
    assert_eq!(
        error.to_string(),
        "hop 1: could not look up the name: go away"
    );
    assert!(error.source().unwrap().is::<Rude>());

    let mut dialing = Fixture::new("127.0.0.1");
    for _ in 0..6 {
        let attempt = dialing.open(b"n");
        dialing.closes(attempt);
    }
    let error = dialing.failure();
    assert_eq!(error.source().unwrap().to_string(), "come again");
}

#[test]
fn at_most_five_new_connections_are_made_and_each_gets_the_hint() {
    let (tell, hints) = std::sync::mpsc::channel();
    let plan = Plan::new(
        endpoint("127.0.0.1"),
        vec!["hop 1".into()],
        move |_, learnt| {
            tell.send(learnt.at::<u32>(0).copied()).unwrap();
            assert_eq!(learnt.at::<u32>(1), None);
            Ok(Knock::default())
        },
    );
    let mut dialing = Fixture::of(plan, Timeouts::default());
    for _ in 0..6 {
        let attempt = dialing.open(b"n");
        dialing.closes(attempt);
    }
    let error = dialing.failure();
    let Reason::TooManyConnections { chain } = error.reason() else {
        panic!("{error}");
    };
    assert_eq!(chain.len(), 6);
    let begins = "gave up after 6 connections: knock[0]: come again, then knock[0]";
    assert!(error.to_string().starts_with(begins), "{error}");
    let hints: Vec<_> = hints.try_iter().collect();
    assert_eq!(hints[0], None);
    assert_eq!(hints[1..], [Some(42); 5]);
}

#[test]
fn a_plan_has_a_name_for_each_of_its_layers() {
    for names in [vec![], vec!["hop 1".into(), "hop 2".into()]] {
        let plan = Plan::new(endpoint("127.0.0.1"), names.clone(), |_, _| {
            Ok(Knock::default())
        });
        let error = Fixture::of(plan, Timeouts::default()).failure();
        let names = names.len();
        let wanted = format!("layers of the stack: 1, names for them: {names}");
        assert!(error.to_string().contains(&wanted), "{error}");
    }
}

#[test]
fn a_plan_that_makes_no_stack_fails_before_anything_is_sent() {
    let plan = Plan::<Knock>::new(endpoint("name.test"), vec![], |_, _| {
        Err(Error::local("knock", "no knuckles"))
    });
    let mut dialing = Fixture::of(plan, Timeouts::default());
    assert_eq!(dialing.failure().to_string(), "knock: no knuckles");
}

#[test]
fn an_end_before_a_layer_is_open_names_the_layer() {
    let mut dialing = Fixture::new("127.0.0.1");
    let attempt = dialing.open(b".f");
    dialing.closes(attempt);
    assert_eq!(
        dialing.failure().to_string(),
        "hop 1: knock[0]: the peer ended the connection before this layer was open"
    );
}
