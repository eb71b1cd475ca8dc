//! What is printed, and its colours.

use clap::ValueEnum;
use serde_json::Value;
use std::io::{self, IsTerminal, Write};
use wirestack_layer::Escaped;

/// The times at which colours are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The printing to standard output and to standard error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    color: Color,
}

impl Output {
    pub(crate) fn new(color: Color) -> Self {
        Self { color }
    }

    /// Prints a line to standard output. A reader that has gone away ends the program quietly.
    pub(crate) fn line(&self, text: &str) {
        let mut out = io::stdout().lock();
        let written = writeln!(out, "{text}").and_then(|()| out.flush());
        if !self.is_written(written) {
            std::process::exit(0);
        }
    }

    /// Returns `false` if the reader of standard output has gone away. Any other error, such as a disk
    /// that is full, ends the program with it.
    pub(crate) fn is_written(&self, written: io::Result<()>) -> bool {
        match written {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => false,
            Err(error) => {
                self.complain(&format!("standard output: {error}"));
                std::process::exit(1); // as the table of exit codes has it
            }
        }
    }

    /// Prints a line to standard error.
    pub(crate) fn note(&self, text: &str) {
        let _ = writeln!(io::stderr(), "{text}"); // nobody could be told
    }

    /// Prints a failure to standard error.
    pub(crate) fn complain(&self, text: &str) {
        let name = self.paint(Paint::Red, "wirestack:", io::stderr().is_terminal());
        self.note(&format!("{name} {text}"));
    }

    /// Returns a text in a colour, if standard output takes colours.
    pub(crate) fn painted(&self, paint: Paint, text: &str) -> String {
        self.paint(paint, text, io::stdout().is_terminal())
    }

    /// Returns a text in a colour, if standard error takes colours.
    pub(crate) fn noted(&self, paint: Paint, text: &str) -> String {
        self.paint(paint, text, io::stderr().is_terminal())
    }

    fn paint(&self, paint: Paint, text: &str, is_terminal: bool) -> String {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let paints = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !set("NO_COLOR") && !is_dumb,
        };
        if paints {
            format!("\x1b[{}m{text}\x1b[0m", paint.code())
        } else {
            text.to_owned()
        }
    }
}

/// The colours, by their meaning.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Paint {
    Red,
    Green,
    Dim,
    Bold,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Red => "31",
            Self::Green => "32",
            Self::Dim => "2",
            Self::Bold => "1",
        }
    }
}

/// Returns a text of a peer in one line, safe to show.
pub(crate) fn safe_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    Escaped::new(text).at_most(SHOWN).to_string()
}

/// Writes a value in one line, all control characters as JSON's escapes: a terminal obeys also those
/// that JSON may hold as they are (U+007F to U+009F).
pub(crate) fn json_text(value: &Value) -> String {
    let text = value.to_string();
    if !text.contains(char::is_control) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// The number of characters of a peer that are shown.
const SHOWN: usize = 300;
