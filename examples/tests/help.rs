//! Every example says what it does and how it is run.

use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn each_example_has_a_head_comment_and_help_that_shows_its_usage() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for entry in folder.read_dir().expect("the folder of the examples") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("a source");
        let name = path.file_stem().expect("a name").to_string_lossy();
        assert!(
            source.starts_with("//! How "),
            "{name}: no question at its head"
        );
        assert!(
            source.contains(&format!("//!     {name}")),
            "{name}: the head does not show how it is run"
        );
        assert!(
            !source.contains("#![allow"),
            "{name} cannot be copied as it is"
        );
        let end = Command::new(example(&name)).arg("--help").output();
        let end = end.unwrap_or_else(|error| {
            panic!("{name}: {error}: `cargo build -p wirestack-examples --examples` builds it")
        });
        let help = String::from_utf8_lossy(&end.stdout).to_lowercase();
        assert!(end.status.success(), "{name}: {end:?}");
        assert!(help.contains("usage:"), "{name}: {help}");
        seen += 1;
    }
    assert!(seen > 15, "only {seen} examples");
}

/// Returns the path of an example, which cargo builds beside the tests.
fn example(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().expect("the path of this test");
    path.pop();
    path.pop();
    path.join("examples").join(name)
}
