//! `wirestack passwd`: a line for the file of users.

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::{secret, users};
use clap::Args;
use std::path::PathBuf;

/// The arguments of `passwd`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  wirestack passwd me >> users")]
pub(crate) struct PasswdArguments {
    /// The user
    user: String,
    /// Takes the password from the first line of this file, instead of WIRESTACK_PASSWORD or the terminal
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// Prints `user:hash`.
pub(crate) fn run(arguments: &PasswdArguments, output: &Output) -> Result<Exit, Failure> {
    let user = &arguments.user;
    if user.is_empty() || user.contains(':') || user.contains(char::is_control) {
        return Err(Failure::usage(
            "a user has at least one character, and no colon",
        ));
    }
    // The file of users has comments, and takes no blanks around a line for a part of it.
    if user.starts_with('#') || user.starts_with(char::is_whitespace) {
        return Err(Failure::usage(
            "a user begins with no # and no blank, which the file of users would not read",
        ));
    }
    let file = arguments.password_file.as_deref();
    let password = secret::of_user(user, file, "WIRESTACK_PASSWORD")?;
    output.line(&format!("{user}:{}", users::hash(&password)?));
    Ok(Exit::Done)
}
