//! What the supervisor says, on standard error. Nothing comes of a failure to say it.

use std::fmt;
use std::io::Write;

use super::config::{SupervisorConfig, Verbosity};

/// Says why the service was not started.
pub(super) fn error(what: &dyn fmt::Display) {
    say(format_args!("tunectl: error: {what}\n"));
}

/// Says what could not be done.
pub(super) fn warning(orders: &SupervisorConfig, what: &dyn fmt::Display) {
    if orders.verbosity >= Verbosity::Warnings {
        say(format_args!("tunectl: warning: {what}\n"));
    }
}

/// Says what was done, if `level` was asked for.
pub(super) fn detail(orders: &SupervisorConfig, level: Verbosity, what: &dyn fmt::Display) {
    if orders.verbosity >= level {
        say(format_args!("tunectl: {what}\n"));
    }
}

/// One write, so that lines of several processes do not mix; of fixed size, so that nothing is allocated for it.
fn say(line: fmt::Arguments<'_>) {
    let mut buffer = [0_u8; 1024];
    let mut rest = &mut buffer[..];
    // What doesn't fit is cut off.
    drop(rest.write_fmt(line));
    let unused = rest.len();
    let used = buffer.len() - unused;
    if let Some(text) = buffer.get(..used) {
        drop(std::io::stderr().write_all(text));
    }
}
