//! The manual pages and the completions of shells.

use crate::exit::{Exit, Failure};
use clap::{Args, Command};
use clap_complete::Shell;
use std::path::PathBuf;

/// The arguments of `man`.
#[derive(Args, Debug)]
pub(crate) struct ManArguments {
    /// Writes a page for each command into this folder; without it, the page of the program goes to standard output
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// The arguments of `completions`.
#[derive(Args, Debug)]
pub(crate) struct CompletionsArguments {
    shell: Shell,
}

/// Writes manual pages.
pub(crate) fn man(arguments: &ManArguments, command: Command) -> Result<Exit, Failure> {
    let written = match &arguments.folder {
        Some(folder) => clap_mangen::generate_to(command, folder),
        None => clap_mangen::Man::new(command).render(&mut std::io::stdout()),
    };
    written.map_err(|error| Failure::other(format!("the manual could not be written: {error}")))?;
    Ok(Exit::Done)
}

/// Writes completions.
pub(crate) fn completions(
    arguments: &CompletionsArguments,
    mut command: Command,
) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "wirestack", &mut text);
    let written = std::io::Write::write_all(&mut std::io::stdout(), &text);
    written.map_err(|error| {
        Failure::other(format!("the completions could not be written: {error}"))
    })?;
    Ok(Exit::Done)
}
