//! `wirestack`: looks at the way to a server, uses it, and serves it.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program, not a layer

mod arguments;
mod asking;
mod builder;
mod carrier;
mod config;
mod connect;
mod exclusive;
mod exit;
mod files;
mod forward;
mod halves;
mod listen;
mod log;
mod manual;
mod metrics;
mod output;
mod passwd;
mod probe;
mod proxy;
mod rules;
mod secret;
mod serve;
mod terminal;
mod tunnel_end;
mod users;
mod way;
mod wire;

use arguments::{Arguments, Command};
use clap::{CommandFactory, Parser};
use exit::{Exit, Failure};
use output::Output;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.color);
    let code = match run(arguments, &output) {
        Ok(exit) => exit.code(),
        Err(failure) => {
            failure.report(&output);
            failure.exit.code()
        }
    };
    listen::remove_unix_sockets(); // a server that did not start may have made some
    // It does not wait for a thread that still reads from a terminal or waits for the system.
    std::process::exit(code);
}

fn run(arguments: Arguments, output: &Output) -> Result<Exit, Failure> {
    let command = match arguments.command {
        Command::Man(man) => return manual::man(&man, Arguments::command(), output),
        Command::Completions(completions) => {
            return manual::completions(&completions, Arguments::command(), output);
        }
        Command::Passwd(passwd) => return passwd::run(&passwd, output),
        Command::Check(check) => return config::check(&check, output),
        command => command,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("the runtime could not be started: {error}")))?;
    let result = runtime.block_on(async {
        match command {
            Command::Probe(arguments) => probe::run(arguments, output).await,
            Command::Connect(arguments) => connect::run(arguments, output).await,
            Command::Forward(arguments) => forward::run(arguments, output).await,
            Command::Serve(arguments) => serve::run(arguments, output).await,
            _ => Ok(Exit::Done), // done above
        }
    });
    // To drop it would wait for a thread that reads standard input.
    runtime.shutdown_background();
    result
}
