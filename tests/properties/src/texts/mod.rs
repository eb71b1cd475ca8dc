//! The texts that users, environments and peers write.

mod certificates;
mod heads;
mod http;
mod route;

use std::fmt::{Debug, Display};

/// A text, and what must hold for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text {
    pub(crate) name: &'static str,
    pub(crate) check: fn(&str),
    pub(crate) seeds: &'static [&'static str],
}

/// All texts.
pub(crate) const TEXTS: &[Text] = &[
    Text {
        name: "target_url",
        check: route::target_url,
        seeds: route::TARGETS,
    },
    Text {
        name: "hop_url",
        check: route::hop_url,
        seeds: route::HOPS,
    },
    Text {
        name: "environment",
        check: route::environment,
        seeds: route::ENVIRONMENTS,
    },
    Text {
        name: "pac",
        check: route::pac,
        seeds: route::PACS,
    },
    Text {
        name: "challenges",
        check: http::challenges,
        seeds: http::CHALLENGES,
    },
    Text {
        name: "authorization",
        check: http::authorization,
        seeds: http::AUTHORIZATIONS,
    },
    Text {
        name: "extensions",
        check: http::extensions,
        seeds: http::EXTENSIONS,
    },
    Text {
        name: "fields",
        check: http::fields,
        seeds: http::FIELDS,
    },
    Text {
        name: "hosts",
        check: http::hosts,
        seeds: http::HOSTS,
    },
    Text {
        name: "heads",
        check: heads::heads,
        seeds: heads::HEADS,
    },
    Text {
        name: "pac_script",
        check: crate::scripts::script,
        seeds: crate::scripts::SCRIPTS,
    },
    Text {
        name: "certificates",
        check: certificates::certificates,
        seeds: certificates::PEMS,
    },
];

/// Returns what a person sees, which has to be of one line and short, and without the password.
fn shown(what: impl Display) -> String {
    let text = what.to_string();
    let bad = text.chars().find(|c| c.is_control());
    assert_eq!(bad, None, "a control character is shown: {text:?}");
    assert!(!text.contains(PASSWORD), "a password is shown: {text:?}");
    text
}

/// Checks what a person sees of an error, with its causes.
fn error(error: &dyn std::error::Error) {
    let text = shown(error);
    // It may repeat what the caller gave, escaped.
    assert!(text.len() < 100_000, "{} bytes: {text:?}", text.len());
    let mut next = error.source();
    while let Some(cause) = next {
        shown(cause);
        next = cause.source();
    }
}

/// Checks that a `Debug` form shows no password.
fn hides(what: impl Debug) {
    let text = format!("{what:?}");
    assert!(!text.contains(PASSWORD), "a password is shown: {text:?}");
}

/// The password of all seeds. A fuzzer that puts it somewhere else has the text left out. Its capital keeps it out of
/// hosts, where IDNA makes it of other characters.
const PASSWORD: &str = "Hunter2";
