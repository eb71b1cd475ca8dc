//! The limit of open files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Allows this process as many files as it may have.
pub(crate) fn allow_many_files() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = maximum;
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).expect("a limit of files");
}

/// Returns how many connections this machine allows with both ends in one process, at most so many.
pub(crate) fn connections(wanted: usize) -> usize {
    let files = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let connections = files.saturating_sub(OTHER_FILES) / 2;
    wanted.min(usize::try_from(connections).unwrap_or(usize::MAX))
}

/// Files that are no connections.
const OTHER_FILES: u64 = 100;
