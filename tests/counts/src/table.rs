//! The table that is written down.

use crate::rows::Row;
use std::path::Path;
use std::{fs, io};

/// Instructions of a message, by the name of the row.
pub(crate) struct Table(Vec<(String, u64)>);

impl Table {
    pub(crate) fn new(counts: Vec<(&Row, u64)>) -> Self {
        let owned = |(row, count): (&Row, u64)| (row.name.to_owned(), count);
        Self(counts.into_iter().map(owned).collect())
    }

    /// Reads the rows `| name | count |` of a page.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let row = |line: &str| {
            let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
            let (name, count) = (cells.next()?, cells.next()?);
            Some((name.to_owned(), count.replace(',', "").parse().ok()?))
        };
        Ok(Self(
            fs::read_to_string(path)?.lines().filter_map(row).collect(),
        ))
    }

    /// Replaces the rows of a page.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let page = fs::read_to_string(path)?;
        let head = match page.find(HEAD) {
            Some(at) => &page[..at],
            None => &page[..],
        };
        let mut new = format!("{head}{HEAD}\n|---|---:|\n");
        for (name, count) in &self.0 {
            new += &format!("| {name} | {} |\n", grouped(*count));
        }
        fs::write(path, new)
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }

    pub(crate) fn get(&self, name: &str) -> Option<u64> {
        self.rows().find(|row| row.0 == name).map(|row| row.1)
    }
}

/// Writes a number with a comma before each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

const HEAD: &str = "| a message of | instructions |";
