//! Staying without a service of our own, as `catatonit -P` does: whoever holds the namespaces of a pod needs an init
//! too.

use super::stderr_log;
use crate::sys;

/// Reaps orphans until `SIGTERM` or `SIGINT` asks for the end, and drops every other signal; returns the code to exit
/// with.
#[must_use]
pub fn pause() -> i32 {
    if sys::own_pid() != 1 {
        if let Err(error) = sys::set_subreaper() {
            stderr_log::error(&format_args!("orphans would go to PID 1 and not to us: {}", sys::reason(&error)));
            return 1;
        }
    }
    // No place and no file is kept busy by us: Podman unmounts where it has started its pause process.
    drop(std::env::set_current_dir("/"));
    sys::close_range(3, u32::MAX);
    sys::forget_program();
    loop {
        while let Ok(Some(_)) = sys::wait_any() {}
        if sys::take_signal(None).is_some_and(|info| [libc::SIGTERM, libc::SIGINT].contains(&info.signal())) {
            return 0;
        }
    }
}
