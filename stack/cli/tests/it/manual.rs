//! `--help`, `man` and `completions`.

use crate::support::{Folder, command, run, run_with};
use std::process::Stdio;

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

#[test]
fn what_cannot_be_written_is_a_failure_and_a_reader_that_has_gone_away_is_none() {
    let secret = ("WIRESTACK_PASSWORD", "hunter2");
    for arguments in [&["man"][..], &["completions", "zsh"], &["passwd", "me"]] {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .expect("a device");
        let (reader, gone) = std::io::pipe().expect("a pipe");
        drop(reader);
        for (out, code, says) in [
            (Stdio::from(full), 1, "No space left on device"),
            (Stdio::from(gone), 0, ""),
        ] {
            let mut child = command(arguments);
            child
                .env(secret.0, secret.1)
                .stdin(Stdio::null())
                .stdout(out);
            let end = child.output().expect("the program");
            let errors = String::from_utf8_lossy(&end.stderr);
            assert_eq!(end.status.code(), Some(code), "{arguments:?}: {errors}");
            assert!(
                errors.contains(says) && errors.is_empty() == says.is_empty(),
                "{errors}"
            );
        }
    }
}

#[test]
fn help_fits_into_a_narrow_terminal() {
    for subcommand in ["probe", "connect", "forward", "serve"] {
        let mut help = command(&[subcommand, "--help"]);
        let end = help.env("COLUMNS", "40").output().expect("the program");
        let text = String::from_utf8_lossy(&end.stdout);
        let (options, _) = text.split_once("Examples:").expect("examples");
        let long = options.lines().filter(|line| line.chars().count() > 40);
        let long: Vec<_> = long.filter(|line| line.trim().contains(' ')).collect();
        assert!(long.len() < 3, "{long:?}");
    }
}
