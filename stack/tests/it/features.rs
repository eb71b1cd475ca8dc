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
        let docs = library.lines().map_while(|it| it.strip_prefix("//!"));
        let docs = docs.collect::<Vec<_>>().join("\n");
        let (_, docs) = docs.split_once("# Features\n").unwrap_or_default();
        let docs = docs.split("\n #").next().unwrap_or_default();
        let folder = folder.display();
        for line in features.lines().filter(|line| line.contains(" = ")) {
            let (name, list) = line.split_once(" = ").unwrap();
            if name == "default" {
                let list = list.trim_matches(['[', ']']).replace('"', "`");
                let is_listed = docs.contains(&format!("On by default: {list}."))
                    || docs.contains(&format!("* {list}, on by default"));
                assert!(is_listed, "{folder}: on by default are {list}");
            } else {
                let is_listed = docs.contains(&format!("* `{name}`"));
                assert!(is_listed, "{folder}: the documentation lacks {name}");
            }
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
