//! Handing signals on.

use std::{fmt, io};

use super::config::{Grouping, SupervisorConfig, Verbosity};
use super::descendants;
use super::stderr_log::{detail, warning};
use crate::model::run::SignalTarget;
use crate::model::signal::Signal;
use crate::sys::{self, Info};

/// Hands `info` on, as another signal if so ordered; says which signal went out, if one did.
pub(super) fn forward(orders: &SupervisorConfig, child: i32, target: SignalTarget, info: &Info) -> Option<i32> {
    let signal = orders.handed_on_as(info.signal());
    if signal == 0 || reached_child_already(orders, child, info) {
        detail(orders, Verbosity::Everything, &format_args!("{} is not handed on", Name(info.signal())));
        return None;
    }
    let sent = match target {
        SignalTarget::Child => to_child(child, signal, info),
        SignalTarget::Group => to_group(child, signal, info),
        SignalTarget::All => {
            let value = Some(info).filter(|info| info.has_value());
            descendants::signal(signal, value).or_else(|_| to_group(child, signal, info))
        }
    };
    match sent {
        Ok(()) => {
            detail(
                orders,
                Verbosity::Everything,
                &format_args!("{} handed on as {}", Name(info.signal()), Name(signal)),
            );
        }
        // It has just ended; its SIGCHLD is on its way.
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
        Err(error) => {
            let hint = if error.raw_os_error() == Some(libc::EPERM) { " (CAP_KILL is missing)" } else { "" };
            let reason = sys::reason(&error);
            warning(orders, &format_args!("{} could not be handed on: {reason}{hint}", Name(signal)));
        }
    }
    Some(signal)
}

/// Whether the driver of the terminal sent it: for a key, another size, or because the line is gone.
pub(super) fn is_from_terminal(info: &Info) -> bool {
    const ITS: [i32; 5] = [libc::SIGINT, libc::SIGQUIT, libc::SIGTSTP, libc::SIGWINCH, libc::SIGHUP];
    info.from_kernel() && ITS.contains(&info.signal())
}

/// A child in our own group gets what the terminal sends from the terminal itself.
fn reached_child_already(orders: &SupervisorConfig, child: i32, info: &Info) -> bool {
    orders.grouping == Grouping::Shared
        && is_from_terminal(info)
        && sys::group_of(child).is_ok_and(|group| group == sys::own_group())
}

fn to_child(child: i32, signal: i32, info: &Info) -> io::Result<()> {
    // A value, and who sent it first, go along where the kernel allows it; where its queue is full it still arrives.
    if info.has_value() && sys::queue(child, signal, info).is_ok() {
        return Ok(());
    }
    sys::kill(child, signal)
}

fn to_group(child: i32, signal: i32, info: &Info) -> io::Result<()> {
    if info.has_value() && sys::queue_to_group(child, signal, info).is_ok() {
        return Ok(());
    }
    match sys::kill(-child, signal) {
        // Between fork and setsid(2) there is no such group yet. All is blocked in the child then, so that it gets the
        // signal when it is ready.
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => to_child(child, signal, info),
        sent => sent,
    }
}

/// A signal by its name, which is spelled only where it is said.
struct Name(i32);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Signal::new(self.0) {
            Some(signal) => signal.fmt(f),
            None => self.0.fmt(f),
        }
    }
}
