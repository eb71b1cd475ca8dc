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
