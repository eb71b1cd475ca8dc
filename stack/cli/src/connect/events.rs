//! What `connect` prints: messages, and what happens to the connection.

use crate::output::{Output, Paint, json_text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use wirestack::websocket::{CloseFrame, Message};

/// The form in which messages are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Each message, and a line feed.
    Lines,
    /// Each message, and a zero byte.
    Null,
    /// The bytes of the messages.
    Bytes,
    /// A JSON object for each event.
    Json,
}

/// The printing of events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Events {
    form: Form,
    quiet: bool,
    output: Output,
    /// `true` if the messages are printed on a terminal.
    is_terminal: bool,
    marks: bool,
}

impl Events {
    pub(crate) fn new(form: Form, quiet: bool, output: Output) -> Self {
        // A person tells apart what was typed and what has come.
        let is_terminal = io::stdout().is_terminal();
        let marks = form == Form::Lines && is_terminal && io::stdin().is_terminal();
        Self {
            form,
            quiet,
            output,
            is_terminal,
            marks,
        }
    }

    /// Prints a message. Returns `false` if nobody reads any more.
    pub(crate) fn message(&self, message: &Message) -> bool {
        let end: &[u8] = match self.form {
            Form::Json => return self.json(&message_event(message)),
            Form::Lines => b"\n",
            Form::Null => b"\0",
            Form::Bytes => b"",
        };
        let mark = if self.marks { "< " } else { "" };
        let content = self.content(message.as_bytes());
        let mut out = io::stdout().lock();
        let parts = [mark.as_bytes(), &content, end];
        let written = parts.iter().try_for_each(|part| out.write_all(part));
        self.output.is_written(written.and_then(|()| out.flush()))
    }

    /// Returns what is printed of a message. A server could make a terminal do more than print.
    fn content<'a>(&self, message: &'a [u8]) -> Cow<'a, [u8]> {
        if !self.is_terminal || self.form == Form::Bytes {
            return Cow::Borrowed(message);
        }
        let text = String::from_utf8_lossy(message);
        let obeyed = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        if !text.contains(obeyed) {
            return match text {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            };
        }
        let mut shown = String::with_capacity(text.len());
        for c in text.chars() {
            if obeyed(c) {
                shown.extend(c.escape_unicode());
            } else {
                shown.push(c);
            }
        }
        Cow::Owned(shown.into_bytes())
    }

    /// Tells that the connection is open.
    pub(crate) fn open(&self, facts: &[String], subprotocol: Option<&str>) {
        if self.form == Form::Json {
            self.json(&json!({ "event": "open", "layers": facts, "subprotocol": subprotocol }));
            return;
        }
        let subprotocol =
            subprotocol.map_or_else(String::new, |name| format!(", subprotocol {name}"));
        self.tell(Paint::Green, &format!("open{subprotocol}"));
    }

    /// Tells that the server has closed.
    pub(crate) fn closed(&self, frame: Option<&CloseFrame>) {
        let code = frame.map(|frame| u16::from(frame.code));
        let reason = frame.map(|frame| frame.reason.to_string());
        let reason = reason.filter(|reason| !reason.is_empty());
        if self.form == Form::Json {
            self.json(&json!({ "event": "closed", "code": code, "reason": reason }));
            return;
        }
        let code = code.map_or_else(String::new, |code| format!(": {code}"));
        let reason = reason.map_or_else(String::new, |reason| {
            format!(" ({})", crate::output::safe_text(reason.as_bytes()))
        });
        self.tell(Paint::Dim, &format!("closed{code}{reason}"));
    }

    /// Tells of a step of connecting again.
    pub(crate) fn note(&self, text: &str) {
        if self.form == Form::Json {
            self.json(&json!({ "event": "note", "text": text }));
            return;
        }
        self.tell(Paint::Dim, text);
    }

    fn json(&self, event: &Value) -> bool {
        let event = json_text(event);
        let mut out = io::stdout().lock();
        let written = writeln!(out, "{event}").and_then(|()| out.flush());
        self.output.is_written(written)
    }

    fn tell(&self, paint: Paint, text: &str) {
        // In a pipe, nobody looks.
        if !self.quiet && io::stderr().is_terminal() {
            self.output.note(&self.output.noted(paint, text));
        }
    }
}

fn message_event(message: &Message) -> Value {
    match std::str::from_utf8(message.as_bytes()) {
        Ok(text) if message.is_text() => {
            json!({ "event": "message", "type": "text", "data": text })
        }
        _ => {
            let data = STANDARD.encode(message.as_bytes());
            json!({ "event": "message", "type": "binary", "base64": data })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Color;

    fn shown(message: &[u8], form: Form, is_terminal: bool) -> String {
        let events = Events {
            form,
            quiet: false,
            output: Output::new(Color::Never),
            is_terminal,
            marks: false,
        };
        String::from_utf8_lossy(&events.content(message)).into_owned()
    }

    #[test]
    fn a_terminal_obeys_no_message_and_a_pipe_gets_its_bytes() {
        let message = "a\tb\n\u{1b}]0;title\u{7}\u{9b}2J\r \u{1f469}\u{200d}\u{1f4bb}";
        let safe = "a\tb\n\\u{1b}]0;title\\u{7}\\u{9b}2J\\u{d} \u{1f469}\u{200d}\u{1f4bb}";
        for form in [Form::Lines, Form::Null] {
            assert_eq!(shown(message.as_bytes(), form, true), safe);
            assert_eq!(shown(message.as_bytes(), form, false), message);
        }
        assert_eq!(shown(message.as_bytes(), Form::Bytes, true), message);
        assert_eq!(
            shown(b"\xff\x1b[2J", Form::Lines, true),
            "\u{fffd}\\u{1b}[2J"
        );
        assert_eq!(shown(b"\x9b2J", Form::Lines, true), "\u{fffd}2J");
        assert_eq!(
            shown("gr\u{fc}n".as_bytes(), Form::Lines, true),
            "gr\u{fc}n"
        );
    }

    #[test]
    fn an_event_in_json_holds_no_control_character_and_says_the_same() {
        let message = Message::text("\u{7f}\u{9b}2J\u{1b}[m\n");
        let event = message_event(&message);
        let text = json_text(&event);
        assert!(!text.contains(char::is_control), "{text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), event);
    }
}
