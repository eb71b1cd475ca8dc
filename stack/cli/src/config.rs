//! The configuration file of `serve` and `forward`, and `wirestack check`.

use crate::exit::{Exit, Failure};
use crate::files::read_text;
use crate::forward::ForwardOptions;
use crate::output::{Output, Paint};
use crate::serve::ServeOptions;
use clap::Args;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) serve: Vec<ServeOptions>,
    pub(crate) forward: Vec<ForwardOptions>,
}

/// The arguments of `check`.
#[derive(Args, Debug)]
pub(crate) struct CheckArguments {
    /// The configuration file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Reads a configuration file.
pub(crate) fn read(path: &Path) -> Result<Config, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::usage(format!(
            "{}: {}",
            path.display(),
            error.to_string().trim_end()
        ))
    };
    let text = read_text(path).map_err(|error| wrong(&error))?;
    toml::from_str(&text).map_err(|error| wrong(&told(&error, &text)))
}

/// Describes the fault in a file and its place, without the lines and values of the file: they may
/// hold passwords.
fn told(error: &toml::de::Error, text: &str) -> String {
    let message = error.message();
    // What the parser repeats of a value stands in quotes, and names of fields do not.
    let message = match (message.find('"'), message.rfind('"')) {
        (Some(from), Some(to)) if from < to => {
            format!("{}…{}", &message[..=from], &message[to..])
        }
        _ => message.to_owned(),
    };
    let before = error.span().and_then(|span| text.get(..span.start));
    let Some(before) = before else { return message };
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("line {line}, column {column}: {message}")
}

/// Checks a configuration file, and everything that it names, and opens nothing.
pub(crate) fn check(arguments: &CheckArguments, output: &Output) -> Result<Exit, Failure> {
    let config = read(&arguments.file)?;
    let mut failed = None;
    let mut tell = |table: &str, n: usize, checked: Result<(), Failure>| {
        let name = format!("{table} {}", n + 1);
        match checked {
            Ok(()) => output.line(&format!("{name}: {}", output.painted(Paint::Green, "ok"))),
            Err(failure) => {
                output.line(&format!(
                    "{name}: {} {failure}",
                    output.painted(Paint::Red, "wrong:")
                ));
                failed = Some(());
            }
        }
    };
    for (n, options) in config.serve.iter().enumerate() {
        tell("serve", n, options.prepare().map(drop));
    }
    for (n, options) in config.forward.iter().enumerate() {
        tell("forward", n, options.prepare(false).map(drop));
    }
    if config.serve.is_empty() && config.forward.is_empty() {
        let file = arguments.file.display();
        let why = "the file has no [[serve]] and no [[forward]] table";
        return Err(Failure::usage(format!("{file}: {why}")));
    }
    match failed {
        None => Ok(Exit::Done),
        Some(()) => Ok(Exit::Usage),
    }
}
