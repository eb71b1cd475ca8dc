//! Passwords from files, the environment and the terminal.

use crate::exit::{Exit, Failure};
use crate::files::BOM;
use crate::terminal;
use std::env::VarError;
use std::io::IsTerminal;
use std::path::Path;
use wirestack::BoxError;
use wirestack::dial::SecretSource;
use zeroize::Zeroizing;

/// Returns the first line of a file.
pub(crate) fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::usage(format!("the password file {}: {error}", path.display()))
    };
    let text = std::fs::read(path).map_err(|error| wrong(&error))?;
    let text = Zeroizing::new(text);
    let text = std::str::from_utf8(&text).map_err(|error| wrong(&error))?;
    let text = text.strip_prefix(BOM).unwrap_or(text);
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(wrong(&"the first line is empty"));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

/// Returns the value of a variable, if it is set. The error of the standard library would show it.
fn from_variable(name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(Zeroizing::new(value))),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => {
            Err(Failure::usage(format!("the variable {name} is not UTF-8")))
        }
    }
}

/// Asks the person at the terminal, if there is one.
pub(crate) fn from_terminal(question: &str) -> Result<Zeroizing<String>, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "{question}: there is no terminal to ask at: name a file with the password, or set its variable"
        )));
    }
    let given = terminal::read_password(&format!("{question}: "));
    given.map_err(|error| match error.kind() {
        std::io::ErrorKind::Interrupted => Failure::new(Exit::Interrupted, ""),
        _ => Failure::other(format!("{question}: {error}")),
    })
}

/// Returns the password of a user: from the file, else from the variable, else from the terminal.
pub(crate) fn of_user(
    user: &str,
    file: Option<&Path>,
    variable: &str,
) -> Result<Zeroizing<String>, Failure> {
    if let Some(file) = file {
        return from_file(file);
    }
    if let Some(value) = from_variable(variable)? {
        return Ok(value);
    }
    from_terminal(&format!("password of {user}"))
}

/// Reads the place of a password that a stack names.
pub(crate) fn of_stack(source: SecretSource<'_>) -> Result<Vec<u8>, BoxError> {
    match source {
        SecretSource::File(path) => match from_file(Path::new(path)) {
            Ok(line) => Ok(line.as_bytes().to_vec()),
            Err(failure) => Err(failure.to_string().into()),
        },
        SecretSource::Variable(name) => match from_variable(name) {
            Ok(Some(value)) => Ok(value.as_bytes().to_vec()),
            Ok(None) => Err(format!("the variable {name} is not set").into()),
            Err(failure) => Err(failure.to_string().into()),
        },
    }
}
