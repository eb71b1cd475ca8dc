//! Counting the instructions of a part of a program, with callgrind.

use crate::rows::Row;
use std::env;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

/// Counts the instructions that a message of each row takes, both ends together.
pub(crate) fn count<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<(&'a Row, u64)> {
    let mut waiting: Vec<&Row> = rows.collect();
    waiting.reverse();
    let order: Vec<&str> = waiting.iter().rev().map(|row| row.name).collect();
    let (waiting, done) = (Mutex::new(waiting), Mutex::new(Vec::new()));
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().expect("no thread has failed").pop();
                    let Some(row) = next else { return };
                    let count = instructions(row.name) / row.messages as u64;
                    done.lock()
                        .expect("no thread has failed")
                        .push((row, count));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no thread has failed");
    done.sort_by_key(|(row, _)| order.iter().position(|name| *name == row.name));
    done
}

/// Counts the instructions of [`counted`](crate::counted::counted) in one row, in a process of its own.
fn instructions(row: &str) -> u64 {
    let program = env::current_exe().expect("a path");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args([
            "--collect-atstart=no",
            "--toggle-collect=counts::counted::counted*",
        ])
        .arg(program)
        .args(["row", row])
        .env("GLIBC_TUNABLES", TUNABLES)
        .output()
        .expect("valgrind runs");
    let text = String::from_utf8_lossy(&output.stderr);
    let count = text.lines().find_map(|line| {
        let (_, count) = line.split_once("Collected :")?;
        count.trim().parse().ok()
    });
    match count {
        Some(count) if output.status.success() && count > 0 => count,
        _ => panic!("{row}: valgrind has counted nothing: {text}"),
    }
}

/// Copies by `rep movsb` would count as one instruction for each byte.
const TUNABLES: &str =
    "glibc.cpu.x86_rep_movsb_threshold=1000000000:glibc.cpu.x86_rep_stosb_threshold=1000000000";
