//! Forwarding signals to the service.

use std::io;

use super::config::{Grouping, SupervisorConfig};
use super::descendants;
use super::messages::{Event, report};
use crate::model::run::SignalTarget;
use crate::sys::{self, SignalInfo};

/// Forwards the signal `info` to the service, whose first process is `child`, perhaps as another signal; returns the
/// signal that was sent, if one was.
pub(super) fn forward(config: &SupervisorConfig, child: i32, target: SignalTarget, info: &SignalInfo) -> Option<i32> {
    let received = info.signal();
    let signal = config.rewritten(received);
    if signal == 0 || terminal_reached_child(config, child, info) {
        report(config.log_level, &Event::NotForwarded { signal: received });
        return None;
    }
    let sent = match target {
        SignalTarget::Child => send_to_child(child, signal, info),
        SignalTarget::Group => send_to_group(child, signal, info),
        SignalTarget::All => {
            let value = Some(info).filter(|info| info.has_value());
            descendants::signal_all(signal, value).map(drop).or_else(|_| send_to_group(child, signal, info))
        }
    };
    match sent {
        Ok(()) => report(config.log_level, &Event::Forwarded { received, sent: signal }),
        // It has just ended; its SIGCHLD is on its way.
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
        Err(error) => report(config.log_level, &Event::ForwardFailed { signal, error: &error }),
    }
    Some(signal)
}

/// Whether the terminal driver sent it: for a key, a new window size, or because the line is gone.
pub(super) fn is_from_terminal(info: &SignalInfo) -> bool {
    const OF_TERMINALS: [i32; 5] = [libc::SIGINT, libc::SIGQUIT, libc::SIGTSTP, libc::SIGWINCH, libc::SIGHUP];
    info.from_kernel() && OF_TERMINALS.contains(&info.signal())
}

/// A child in our own process group gets the terminal's signals from the terminal itself.
fn terminal_reached_child(config: &SupervisorConfig, child: i32, info: &SignalInfo) -> bool {
    config.grouping == Grouping::Shared
        && is_from_terminal(info)
        && sys::group_of(child).is_ok_and(|group| group == sys::own_group())
}

/// Sends `signal` to the child, with the value and the first sender of `info` where the kernel allows it; where the
/// queue of the child is full, without them.
fn send_to_child(child: i32, signal: i32, info: &SignalInfo) -> io::Result<()> {
    if info.has_value() && sys::queue(child, signal, info).is_ok() {
        return Ok(());
    }
    sys::kill(child, signal)
}

/// The same for the process group of the child.
fn send_to_group(child: i32, signal: i32, info: &SignalInfo) -> io::Result<()> {
    if info.has_value() && sys::queue_to_group(child, signal, info).is_ok() {
        return Ok(());
    }
    match sys::kill(-child, signal) {
        // Between fork and setsid(2) there is no such group yet. All signals are blocked in the child then, so that it
        // gets this one when it is ready.
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => send_to_child(child, signal, info),
        sent => sent,
    }
}
