//! Options that are not given beside a configuration file.

use clap::Arg;

/// Makes an option of a command one that is not given beside `--config`: the file says everything. The
/// options of the program are none of them.
pub(crate) fn without_config(option: Arg) -> Arg {
    if option.get_id() == "config" {
        return option;
    }
    option.conflicts_with("config")
}
