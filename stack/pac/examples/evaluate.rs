//! What do the functions of proxy auto-config say?      evaluate UNIX_MS <EXPRESSIONS
//!
//! Reads one expression from each line, whose value is a boolean or a number, and shows the value.
//! `tests/pac/run` compares it with another implementation.
#![allow(clippy::disallowed_methods)] // a program, not a layer

use std::io::{self, BufRead};
use std::time::Duration;
use wirestack_dial::find::{FindAction, FindInput, Machine, RouteSource};
use wirestack_layer::Instant;
use wirestack_pac::Pac;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now: u64 = std::env::args()
        .nth(1)
        .ok_or("usage: evaluate UNIX_MS")?
        .parse()?;
    let target = "wss://www.example.org/".parse()?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let script =
            format!("function FindProxyForURL() {{ return 'PROXY v' + ({line}) + '.test:1' }}");
        let mut finder = Pac::script(&script).finder(&target);
        let mut input = FindInput::Start;
        let shown = loop {
            match finder.step(input, Instant::now()) {
                FindAction::AskMachine => {
                    let time = Duration::from_millis(now);
                    input = FindInput::Machine(Machine::new(time, Vec::new(), Instant::now));
                }
                FindAction::RunBlocking => {
                    finder.run_blocking();
                    input = FindInput::Ran;
                }
                FindAction::Resolve(names) => {
                    let found = names.into_iter().map(|name| (name, Vec::new()));
                    input = FindInput::Resolved(found.collect());
                }
                FindAction::Found(routes) => break routes.to_string(),
                other => break format!("{other:?}"),
            }
        };
        let value = shown
            .strip_prefix("http://v")
            .and_then(|rest| rest.strip_suffix(".test:1"));
        println!("{}", value.unwrap_or("error"));
    }
    Ok(())
}
