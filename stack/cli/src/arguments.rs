//! The command line.

use crate::config::CheckArguments;
use crate::connect::ConnectArguments;
use crate::exit;
use crate::forward::ForwardArguments;
use crate::manual::{CompletionsArguments, ManArguments};
use crate::output::Color;
use crate::passwd::PasswdArguments;
use crate::probe::ProbeArguments;
use crate::serve::ServeArguments;
use clap::{Parser, Subcommand};

/// Looks at the way to a server, uses it, and serves it: WebSocket, SOCKS, HTTP CONNECT, HTTP/2 and TLS, in any order
#[derive(Debug, Parser)]
#[command(name = "wirestack", version, after_help = exit::TABLE, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Prints colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Opens the way to a target and shows it: each look-up, address, layer and certificate
    #[command(visible_alias = "trace")]
    Probe(Box<ProbeArguments>),
    /// Opens a WebSocket: lines in, lines out
    #[command(visible_alias = "ws")]
    Connect(Box<ConnectArguments>),
    /// Carries local ports, sockets and pipes through any chain of proxies
    Forward(Box<ForwardArguments>),
    /// Runs a proxy server, or the far end of tunnels
    Serve(Box<ServeArguments>),
    /// Makes a line for the file of users of `serve`
    Passwd(PasswdArguments),
    /// Checks a configuration file, and everything that it names
    Check(CheckArguments),
    /// Writes the manual pages
    Man(ManArguments),
    /// Writes the completions for a shell
    Completions(CompletionsArguments),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    /// The file replaces the options of a command. The options of the program stay valid beside it.
    #[test]
    fn a_configuration_file_excludes_all_options_but_those_of_the_program() {
        for name in ["serve", "forward"] {
            let parse = |more: &[&str]| {
                let words = [&["wirestack", name, "--config", "x"], more].concat();
                Arguments::try_parse_from(words).map(drop)
            };
            assert!(parse(&[]).is_ok() && parse(&["--color", "never"]).is_ok());
            let program = Arguments::command();
            let command = program.find_subcommand(name).expect("a command");
            let mut tried = 0;
            for option in command.get_arguments() {
                let Some(long) = option.get_long() else {
                    let refused = parse(&["x"]).expect_err("an argument without a name");
                    assert!(refused.use_stderr());
                    continue;
                };
                if ["config", "help"].contains(&long) {
                    continue;
                }
                let values = option.get_possible_values();
                let value = match values.first() {
                    Some(value) => value.get_name().to_owned(),
                    None => "1".to_owned(),
                };
                let long = format!("--{long}");
                let takes = option.get_action().takes_values();
                let words: &[&str] = if takes { &[&long, &value] } else { &[&long] };
                let refused = parse(words).expect_err(&long);
                assert_eq!(
                    refused.kind(),
                    ErrorKind::ArgumentConflict,
                    "{name} {long}: {refused}"
                );
                tried += 1;
            }
            assert!(tried > 20, "{name}: {tried} options");
        }
    }
}
