//! Who wrote, where the kernel tells: fanotify(7) does, to who has `CAP_SYS_ADMIN` on the machine itself.

use std::process::Command;

use tunectl::sys::Fanotify;

use super::watched::Daemon;
use crate::support::kernel::put;
use crate::support::namespaces::{inside, this_test};

#[test]
fn writing_process_is_named_where_fanotify_works() {
    inside(this_test!(), || {
        put("net/core/somaxconn", "4096");
        let daemon = Daemon::start("[linux.sysctl]\nnet.core.somaxconn = 4096\n", &["--interval", "1h"]);
        daemon.line("watching [..]");
        let mut shell =
            Command::new("sh").args(["-c", "echo 1 > /proc/sys/net/core/somaxconn; sleep 5"]).spawn().unwrap();
        let drifted = "drifted: net.core.somaxconn 4096 → 1, wanted 4096, since [..]Z";
        let named = format!("{drifted}, written by sh (pid {})", shell.id());
        let told = Fanotify::new().is_ok();
        daemon.line(if told { &named } else { drifted });
        shell.kill().unwrap();
        shell.wait().unwrap();
        // Our own writes are nobody else's.
        put("net/core/somaxconn", "4096");
        let (_, line) = daemon.line("holds again: [..]");
        assert_eq!(line.contains(", written by "), told, "{line}");
    });
}
