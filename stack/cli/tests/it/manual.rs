//! `--help`, `man` and `completions`.

use crate::support::{Folder, run, run_with};

#[test]
fn each_command_has_help_with_examples_and_the_exit_codes_are_in_the_manual() {
    let end = run(&["--help"], b"");
    assert!(
        end.code == 0 && end.out.contains("12  the WebSocket was closed"),
        "{}",
        end.out
    );
    for command in ["probe", "connect", "forward", "serve"] {
        let end = run(&[command, "--help"], b"");
        assert!(end.code == 0 && end.out.contains("Examples:"), "{command}");
        assert!(
            !end.out.contains('\u{1b}'),
            "{command} has colours in a pipe"
        );
    }
    let end = run(&["prob"], b"");
    assert!(end.code == 2 && end.err.contains("'probe'"), "{}", end.err);
}

#[test]
fn manual_pages_and_completions_are_made() {
    let folder = Folder::new();
    let end = run(&["man", &folder.path("")], b"");
    assert_eq!(end.code, 0, "{}", end.err);
    let page = std::fs::read_to_string(folder.path("wirestack-serve.1")).expect("a page");
    assert!(page.contains("tunnel\\-path"), "{page}");
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let end = run(&["completions", shell], b"");
        assert!(end.code == 0 && end.out.contains("all-routes"), "{shell}");
    }
}

#[test]
fn colours_are_printed_only_when_they_are_wanted() {
    let colours = |arguments: &[&str], variables: &[(&str, &str)]| {
        let end = run_with(arguments, b"", variables);
        format!("{}{}", end.out, end.err).contains('\u{1b}')
    };
    assert!(!colours(&["probe", "ws://127.0.0.1:1/"], &[]));
    assert!(colours(
        &["--color", "always", "probe", "ws://127.0.0.1:1/"],
        &[]
    ));
    assert!(!colours(
        &["--color", "never", "probe", "ws://127.0.0.1:1/"],
        &[("NO_COLOR", "1")]
    ));
}
