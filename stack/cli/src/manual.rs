//! The manual pages and the completions of shells.

use crate::exit::{Exit, Failure};
use crate::output::Output;
use clap::{Args, Command};
use clap_complete::Shell;
use std::io::{self, Write};
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
pub(crate) fn man(
    arguments: &ManArguments,
    command: Command,
    output: &Output,
) -> Result<Exit, Failure> {
    match &arguments.folder {
        Some(folder) => clap_mangen::generate_to(command, folder).map_err(|error| {
            let folder = folder.display();
            Failure::other(format!(
                "{folder}: the manual could not be written: {error}"
            ))
        })?,
        None => {
            let written = clap_mangen::Man::new(command).render(&mut io::stdout());
            output.is_written(written); // a reader that has gone away has all that it wanted
        }
    }
    Ok(Exit::Done)
}

/// Writes completions.
pub(crate) fn completions(
    arguments: &CompletionsArguments,
    mut command: Command,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "wirestack", &mut text);
    output.is_written(io::stdout().write_all(&text));
    Ok(Exit::Done)
}
