//! Debian's tuned, as a daemon beside ours: its own configuration in a mount namespace, and nothing but net.* writable.

use crate::harness::Outcome;
use crate::harness::programs::succeed;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

const PROGRAM: &str = "/usr/sbin/tuned";

/// Without this it would write all of the machine's sysctl.conf again.
const CONFIGURATION: &str = "daemon = 1\ndynamic_tuning = 0\nreapply_sysctl = 0\nrecommend_command = 0\n";

/// The running daemon.
pub(crate) struct Tuned(Child);

impl Tuned {
    /// Starts it with these settings; `None` where it isn't installed (Debian's package `tuned`).
    pub(crate) fn start(settings: &[(String, String)]) -> Outcome<Option<Self>> {
        if !Path::new(PROGRAM).exists() {
            return Ok(None);
        }
        for command in [
            "mount --make-rprivate /",
            "mount -t tmpfs tmpfs /etc/tuned",
            "mount -t tmpfs tmpfs /run",
            "mount --bind /proc/sys /proc/sys",
            "mount --bind /proc/sys/net /proc/sys/net",
            "mount -o remount,bind,ro /proc/sys",
        ] {
            let mut words = command.split(' ');
            let mut mount = Command::new(words.next().unwrap_or_default());
            mount.args(words);
            succeed(mount)?;
        }
        fs::create_dir_all("/etc/tuned/bench")?;
        fs::write("/etc/tuned/tuned-main.conf", CONFIGURATION)?;
        let lines: Vec<String> = settings.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        let profile = format!("[main]\nsummary=bench\n[sysctl]\n{}", lines.concat());
        fs::write("/etc/tuned/bench/tuned.conf", profile)?;
        let mut daemon = Command::new(PROGRAM);
        daemon.args(["--no-dbus", "--no-socket", "-p", "bench", "-l", "/run/tuned.log", "-P", "/run/tuned.pid"]);
        let child = daemon.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        sleep(Duration::from_secs(4));
        Ok(Some(Self(child)))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Tuned {
    fn drop(&mut self) {
        // It does not end on SIGTERM without a bus.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
