//! The functions of proxy auto-config that need no script.

pub(crate) mod addresses;
pub(crate) mod glob;
pub(crate) mod hosts;
pub(crate) mod ranges;
