//! The README shows what `nested` prints.

use std::path::PathBuf;
use std::process::Command;

#[test]
fn the_readme_shows_the_waterfall_that_nested_prints() {
    let end = Command::new(example("nested")).output().expect(
        "the example `nested`: build it with `cargo build -p wirestack-examples --examples`",
    );
    let printed = String::from_utf8(end.stdout).expect("text");
    let http1 = printed.split("\n\n").nth(2).expect("a waterfall");
    let readme = include_str!("../../README.md").split("```text\n");
    let shown: Vec<_> = readme.filter_map(|it| it.split("```").next()).collect();
    assert!(
        shown.iter().any(|it| masked(it) == masked(http1)),
        "{printed}"
    );
}

/// Returns the path of an example, which cargo builds beside the tests.
fn example(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().expect("the path of this test");
    path.pop();
    path.pop();
    path.join("examples").join(name)
}

/// Leaves out times, bars and ports.
fn masked(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.trim().lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        let facts = line.split_once(" ms").map_or(line, |(_, facts)| facts);
        let parts = facts
            .split("127.0.0.1:")
            .flat_map(|it| it.split("localhost:"));
        let parts = parts.map(|it| it.trim_start_matches(|c: char| c.is_ascii_digit()));
        lines.push(format!("{name}{}", parts.collect::<Vec<_>>().join("HOST")));
    }
    lines.join("\n")
}
