//! An error shows as one line, and its cause is found by type.

use std::error::Error as StdError;
use std::fmt;
use std::num::ParseIntError;
use wirestack_layer::{Error, Place};

#[derive(Debug)]
struct Cause(ParseIntError);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no number: {}", self.0)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

fn error() -> Error {
    let cause = Cause("x".parse::<u8>().unwrap_err());
    Error::peer("numbers", cause).at(Place::Layer(2))
}

#[test]
fn the_source_is_the_cause_itself() {
    let error = error();
    let source = error.source().unwrap();
    assert!(source.downcast_ref::<Cause>().is_some());
    assert!(source.source().unwrap().is::<ParseIntError>());
}

#[test]
fn an_error_tells_its_layer_and_what_a_new_connection_needs() {
    let error = error();
    assert_eq!(error.origin(), "numbers");
    assert!(!error.can_retry() && error.retry_hint::<u8>().is_none());
    let error = error.retry_on_new_connection(7_u8);
    assert!(error.can_retry());
    assert_eq!(error.retry_hint(), Some(&7_u8));
    assert_eq!(error.retry_hint::<u16>(), None);
}

#[test]
fn a_chain_can_be_searched_for_a_cause() {
    let boxed: Box<dyn StdError> = Box::new(error());
    let mut found = boxed.source();
    while let Some(error) = found.filter(|error| !error.is::<ParseIntError>()) {
        found = error.source();
    }
    assert!(found.is_some());
}

#[test]
fn debug_reads_as_display() {
    let error = error();
    let shown = "numbers[2]: no number: invalid digit found in string";
    assert_eq!(error.to_string(), shown);
    assert_eq!(format!("{error:?}"), shown);
    // The text that `main` prints.
    let boxed: Box<dyn StdError> = Box::new(error);
    assert_eq!(format!("Error: {boxed:?}"), format!("Error: {shown}"));
}
