//! Results, kept in a file for each group, so that the page can be made of several runs.

use crate::contestant::Kind;
use crate::statistics::Median;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The results of all groups.
#[derive(Default)]
pub(crate) struct Results {
    /// The results of rows, in the order of the files.
    pub(crate) cells: Vec<Cell>,
    /// The conditions under which each group was measured, as text.
    pub(crate) conditions: Vec<(String, String)>,
}

/// The results of one contestant in one row, a value a round.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cell {
    pub(crate) group: String,
    pub(crate) row: String,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The messages by which two runs of a round differ, or the connections.
    pub(crate) count: usize,
    /// The median of the page faults of a message.
    pub(crate) faults: f64,
    /// Nanoseconds of a message or bytes of a connection, a value a round.
    pub(crate) values: Vec<f64>,
}

impl Cell {
    /// Returns the median of the values.
    pub(crate) fn median(&self) -> Option<Median> {
        Median::of(&self.values)
    }

    /// Returns the median of the ratios to another contestant, round by round.
    pub(crate) fn beside(&self, base: &Self) -> Option<Median> {
        Median::of_ratios(&self.values, &base.values)
    }

    fn line(&self) -> String {
        let values: Vec<String> = self.values.iter().map(|v| format!("{v:.1}")).collect();
        [
            &self.row,
            &self.name,
            self.kind.word(),
            &self.count.to_string(),
            &format!("{:.3}", self.faults),
            &values.join(" "),
        ]
        .join("\t")
    }

    fn parse(group: &str, line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let mut next = || fields.next();
        Some(Self {
            group: group.to_owned(),
            row: next()?.to_owned(),
            name: next()?.to_owned(),
            kind: Kind::named(next()?)?,
            count: next()?.parse().ok()?,
            faults: next()?.parse().ok()?,
            values: next()?
                .split(' ')
                .map(|v| v.parse().ok())
                .collect::<Option<_>>()?,
        })
    }
}

impl Results {
    /// Reads the files of a folder; a group that was never measured has none.
    pub(crate) fn read(folder: &Path, groups: &[&str]) -> io::Result<Self> {
        let mut results = Self::default();
        for group in groups {
            let text = match fs::read_to_string(file(folder, group)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                text => text?,
            };
            let (conditions, cells) = text.split_once('\n').unwrap_or((&text, ""));
            results
                .conditions
                .push(((*group).to_owned(), conditions.to_owned()));
            results
                .cells
                .extend(cells.lines().filter_map(|line| Cell::parse(group, line)));
        }
        Ok(results)
    }

    /// Writes the file of a group.
    pub(crate) fn write(
        folder: &Path,
        group: &str,
        conditions: &str,
        cells: &[Cell],
    ) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut text = format!("{conditions}\n");
        for cell in cells {
            text += &cell.line();
            text.push('\n');
        }
        fs::write(file(folder, group), text)
    }

    /// Returns the results of a row, in the order of its contestants.
    pub(crate) fn row<'a>(&'a self, group: &'a str, row: &'a str) -> Vec<&'a Cell> {
        self.cells
            .iter()
            .filter(|cell| cell.group == group && cell.row == row)
            .collect()
    }

    /// Returns the names of the rows of a group, in their order.
    pub(crate) fn rows<'a>(&'a self, group: &'a str) -> Vec<&'a str> {
        let mut rows: Vec<&str> = Vec::new();
        for cell in self.cells.iter().filter(|cell| cell.group == group) {
            if !rows.contains(&cell.row.as_str()) {
                rows.push(&cell.row);
            }
        }
        rows
    }

    /// Returns the names of the contestants of a group, in their order.
    pub(crate) fn names<'a>(&'a self, group: &'a str) -> Vec<&'a str> {
        let mut names: Vec<&str> = Vec::new();
        for cell in self.cells.iter().filter(|cell| cell.group == group) {
            if !names.contains(&cell.name.as_str()) {
                names.push(&cell.name);
            }
        }
        names
    }
}

fn file(folder: &Path, group: &str) -> PathBuf {
    folder.join(format!("{group}.tsv"))
}

#[cfg(test)]
mod tests {
    use super::Cell;
    use crate::contestant::Kind;

    #[test]
    fn a_cell_is_read_as_it_was_written() {
        let cell = Cell {
            group: "echo".to_owned(),
            row: "16 B, TCP".to_owned(),
            name: "wirestack".to_owned(),
            kind: Kind::Ours,
            count: 4800,
            faults: 0.125,
            values: vec![1234.5, 1200.0],
        };
        assert_eq!(Cell::parse("echo", &cell.line()), Some(cell));
        assert_eq!(Cell::parse("echo", "16 B\twirestack\tours\tmany"), None);
    }
}
