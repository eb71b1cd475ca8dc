//! Options that are not given beside a configuration file.

use clap::Arg;

/// Makes `--config` exclude this option of a command: the file says everything. The options of the
/// program, such as `--color`, stay valid beside it.
pub(crate) fn without_config(option: Arg) -> Arg {
    if option.get_id() == "config" {
        return option;
    }
    option.conflicts_with("config")
}
