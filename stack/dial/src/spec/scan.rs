//! Reading the text of a stack: names, parentheses, values and quotes.

use super::error::{Fault, SpecProblem};
use super::item::{Item, Value, is_special};
use zeroize::Zeroizing;

/// Reads all layers.
pub(super) fn items(text: &str) -> Result<Vec<Item>, Fault> {
    let mut scan = Scan { text, at: 0 };
    let mut items = vec![scan.item()?];
    loop {
        scan.skip_blanks();
        match scan.peek() {
            None => return Ok(items),
            Some('|') => scan.at += 1,
            Some(_) => return Err(scan.fault(SpecProblem::Wanted("| or the end"))),
        }
        items.push(scan.item()?);
    }
}

/// A place in the text.
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl Scan<'_> {
    fn item(&mut self) -> Result<Item, Fault> {
        self.skip_blanks();
        let start = self.at;
        self.skip(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '_'));
        let place = start..self.at;
        if place.is_empty() {
            return Err(self.fault(SpecProblem::NoLayer));
        }
        let mut values = Vec::new();
        self.skip_blanks();
        if self.peek() == Some('(') {
            self.at += 1;
            self.skip_blanks();
            if self.peek() == Some(')') {
                self.at += 1;
            } else {
                self.values(&mut values)?;
            }
        }
        Ok(Item {
            name: self.text[place.clone()].to_ascii_lowercase(),
            place,
            values,
            secret: None,
        })
    }

    fn values(&mut self, values: &mut Vec<Value>) -> Result<(), Fault> {
        loop {
            self.skip_blanks();
            values.push(self.value()?);
            self.skip_blanks();
            match self.peek() {
                Some(',') => self.at += 1,
                Some(')') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.fault(SpecProblem::Wanted(", or )"))),
            }
        }
    }

    fn value(&mut self) -> Result<Value, Fault> {
        let start = self.at;
        self.skip(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        let end = self.at;
        let mut key = None;
        if end > start {
            self.skip_blanks();
            if self.peek() == Some('=') {
                self.at += 1;
                self.skip_blanks();
                key = Some(self.text[start..end].to_owned());
            }
        }
        if key.is_none() {
            self.at = start;
        }
        let is_quoted = self.peek() == Some('"');
        let text = if is_quoted {
            self.quoted()?
        } else {
            let from = self.at;
            self.skip(|c| !is_special(c));
            if self.at == from {
                return Err(self.fault(SpecProblem::Wanted("a value")));
            }
            Zeroizing::new(self.text[from..self.at].to_owned())
        };
        Ok(Value {
            key,
            text,
            place: start..self.at,
            is_quoted,
        })
    }

    fn quoted(&mut self) -> Result<Zeroizing<String>, Fault> {
        let start = self.at;
        // It never grows, so no copy of a password is left behind.
        let mut text = Zeroizing::new(String::with_capacity(self.text.len() - start));
        self.at += 1;
        while let Some(c) = self.peek() {
            let from = self.at;
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(text),
                '\\' => match self.peek() {
                    Some(c @ ('"' | '\\')) => {
                        self.at += 1;
                        text.push(c);
                    }
                    _ => return Err(Fault::new(&(from..self.at), SpecProblem::Character)),
                },
                c if c.is_control() => {
                    return Err(Fault::new(&(from..self.at), SpecProblem::Character));
                }
                c => text.push(c),
            }
        }
        Err(Fault::new(&(start..start + 1), SpecProblem::OpenQuote))
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn skip_blanks(&mut self) {
        self.skip(char::is_whitespace);
    }

    fn skip(&mut self, belongs: impl Fn(char) -> bool) {
        let rest = &self.text[self.at..];
        let length = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += length;
    }

    /// Returns a fault at the present place.
    fn fault(&self, problem: SpecProblem) -> Fault {
        let length = self.peek().map_or(0, char::len_utf8);
        Fault::new(&(self.at..self.at + length), problem)
    }
}
