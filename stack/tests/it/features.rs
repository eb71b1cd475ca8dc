//! The features in the manifest of each crate against those that its documentation lists.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn the_documentation_of_each_crate_lists_its_features_and_the_default_ones() {
    let mut crates = 0;
    for folder in folders() {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let Ok(library) = fs::read_to_string(folder.join("src/lib.rs")) else {
            continue; // a program
        };
        let Some((_, features)) = manifest.split_once("\n[features]\n") else {
            continue;
        };
        let features = features.split("\n[").next().unwrap();
        let docs: Vec<_> = library
            .lines()
            .map_while(|it| it.strip_prefix("//!"))
            .collect();
        let docs: Vec<_> = docs
            .join(" ")
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let (docs, mut text) = (docs.join(" "), String::new());
        for line in features.lines() {
            if let Some(more) = line.strip_prefix("## ") {
                text = format!("{text} {more}");
                continue;
            }
            let (name, list) = line.split_once(" = ").unwrap();
            let wanted = if name == "default" {
                let list = list.trim_matches(['[', ']']).replace('"', "`");
                format!("On by default: {list}.")
            } else {
                format!("* `{name}`:{text}")
            };
            let folder = folder.display();
            assert!(
                docs.contains(&wanted),
                "{folder}: its lib.rs lacks \"{wanted}\""
            );
            text.clear();
        }
        crates += 1;
    }
    assert!(crates >= 8, "{crates}");
}

/// The folders of the crates.
fn folders() -> Vec<PathBuf> {
    let stack = Path::new(env!("CARGO_MANIFEST_DIR"));
    let inside = |folder: PathBuf| fs::read_dir(folder).unwrap();
    let all = inside(stack.to_owned()).chain(inside(stack.join("../layers")));
    let all = all.map(|entry| entry.unwrap().path());
    let all = all.chain([stack.to_owned()]);
    all.filter(|folder| folder.join("Cargo.toml").exists())
        .collect()
}
