//! The message of a failure.

use crate::law::Law;
use std::fmt;

/// The subject and the conversation, for the message of a failure.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) subject: String,
    pub(crate) what: String,
}

impl Context {
    /// Panics, because this law is broken.
    pub(crate) fn broken(&self, law: Law, who: &str, seen: impl fmt::Display) -> ! {
        let Self { subject, what } = self;
        panic!(
            "the law {law} is broken by {subject}\n  by: the {who}\n  seen: {seen}\n  when: {what}\n  repeat: {}",
            repeat()
        )
    }
}

/// Returns the command that runs this test alone. It fails again, because nothing in it is random.
fn repeat() -> String {
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    let package = match &*package {
        "" => String::new(),
        name => format!(" -p {name}"),
    };
    let thread = std::thread::current();
    let test = thread.name().filter(|name| *name != "main");
    format!(
        "cargo test{package} -- --exact {}",
        test.unwrap_or_default()
    )
}
