//! What `connect` prints: messages, and what happens to the connection.

use crate::output::{Output, Paint};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
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
    marks: bool,
}

impl Events {
    pub(crate) fn new(form: Form, quiet: bool, output: Output) -> Self {
        // A person tells apart what was typed and what has come.
        let marks = form == Form::Lines && io::stdout().is_terminal() && io::stdin().is_terminal();
        Self {
            form,
            quiet,
            output,
            marks,
        }
    }

    /// Prints a message. Returns `false` if nobody reads any more.
    pub(crate) fn message(&self, message: &Message) -> bool {
        let bytes = message.as_bytes();
        let end: &[u8] = match self.form {
            Form::Json => return self.json(&message_event(message)),
            Form::Lines => b"\n",
            Form::Null => b"\0",
            Form::Bytes => b"",
        };
        let mark = if self.marks { "< " } else { "" };
        let mut out = io::stdout().lock();
        let parts = [mark.as_bytes(), bytes, end];
        let written = parts.iter().try_for_each(|part| out.write_all(part));
        self.output.is_written(written.and_then(|()| out.flush()))
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
