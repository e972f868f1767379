//! Many network interfaces, profiles and lists about their settings, and processes that listen.

use crate::harness::Outcome;
use crate::harness::memory;
use crate::harness::programs::{scratch, succeed};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The settings of each interface: 0 at first, and the kernel takes 0 and 1.
pub(crate) const LEAVES: [&str; 10] = [
    "accept_local",
    "accept_source_route",
    "arp_accept",
    "arp_announce",
    "arp_ignore",
    "arp_notify",
    "log_martians",
    "proxy_arp",
    "rp_filter",
    "src_valid_mark",
];

/// The interfaces that there are, as ends of veth(4) pairs.
#[derive(Default)]
pub(crate) struct Interfaces(usize);

impl Interfaces {
    /// Creates what is missing.
    pub(crate) fn grow_to(&mut self, count: usize) -> Outcome<()> {
        let mut batch = String::new();
        for pair in self.0 / 2..count / 2 {
            let _ = writeln!(batch, "link add v{} type veth peer name v{}", 2 * pair, 2 * pair + 1);
        }
        let file = scratch().join("scale-links");
        fs::write(&file, batch)?;
        let mut ip = Command::new("ip");
        ip.arg("-batch").arg(&file);
        succeed(ip)?;
        for number in self.0..count {
            for leaf in LEAVES {
                fs::write(format!("/proc/sys/net/ipv4/conf/v{number}/{leaf}"), "0")?;
            }
        }
        self.0 = count;
        Ok(())
    }
}

/// The files about a number of settings.
pub(crate) struct Scene(usize);

impl Scene {
    /// Writes them.
    pub(crate) fn write(size: usize) -> Outcome<Self> {
        let scene = Self(size);
        for value in [0, 1] {
            let lines = LEAVES.map(|leaf| format!("\"net.ipv4.conf.v*.{leaf}\" = {value}\n")).concat();
            fs::write(scene.profile(value), format!("[linux.sysctl]\n{lines}"))?;
            let of = |number: usize| LEAVES.map(|leaf| format!("net.ipv4.conf.v{number}.{leaf} = {value}\n")).concat();
            let all: String = (0..size / LEAVES.len()).map(of).collect();
            fs::write(scene.list(value), all)?;
        }
        let of = |number: usize| LEAVES.map(|leaf| format!("\"net.ipv4.conf.gone{number}.{leaf}\" = 1\n")).concat();
        let missing: String = (0..size / LEAVES.len()).map(of).collect();
        fs::write(scene.profile(2), format!("[linux.sysctl]\n{missing}"))?;
        Ok(scene)
    }

    /// The profile that asks for this value of each; with 2, for interfaces that nobody has.
    pub(crate) fn profile(&self, value: usize) -> PathBuf {
        scratch().join(format!("scale-{}-{value}.toml", self.0))
    }

    /// The same in the form of sysctl.conf(5).
    pub(crate) fn list(&self, value: usize) -> PathBuf {
        scratch().join(format!("scale-{}-{value}.conf", self.0))
    }
}

/// The resident set of `tunectl watch` with this profile, in KiB, after its first sweep.
pub(crate) fn watched_kib(tunectl: &Path, profile: &Path) -> Outcome<u64> {
    let mut command = Command::new(tunectl);
    command.args(["watch", "-p"]).arg(profile).env_clear();
    let daemon = Background::start(command, "watching ")?;
    Ok(memory::held(daemon.0.id())?.rss_kib)
}

/// Processes that listen on so many ports altogether.
pub(crate) struct Listeners(Vec<Background>);

/// How many ports one process listens on: each takes a descriptor, and 20000 are many machines' hard limit.
const PORTS_EACH: usize = 10_000;

impl Listeners {
    /// Starts them.
    pub(crate) fn start(count: usize) -> Outcome<Self> {
        let mut up = Command::new("ip");
        up.args(["link", "set", "lo", "up"]);
        succeed(up)?;
        let mut all = Vec::new();
        for first in (0..count).step_by(PORTS_EACH) {
            let ports = PORTS_EACH.min(count - first);
            let mut command = Command::new("sh");
            let listen = scratch().join("listen");
            command.args(["-c", "ulimit -Sn \"$(ulimit -Hn)\" && exec \"$@\"", "sh"]).arg(listen);
            command.args([ports.to_string(), (20_000 + first).to_string()]);
            all.push(Background::start(command, "")?);
        }
        Ok(Self(all))
    }

    /// One of them.
    pub(crate) fn pid(&self) -> u32 {
        self.0.first().map_or(0, |first| first.0.id())
    }
}

/// A process that is ended with this.
struct Background(Child);

impl Background {
    /// Starts it and waits for a line that begins like this.
    fn start(mut command: Command, begins: &str) -> Outcome<Self> {
        let mut started = Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?);
        let mut lines = BufReader::new(started.0.stdout.take().ok_or("it has no output")?);
        let mut line = String::new();
        while line.is_empty() || !line.starts_with(begins) {
            line.clear();
            if lines.read_line(&mut line)? == 0 {
                return Err(format!("{command:?} ended before `{begins}`").into());
            }
        }
        // What it says later goes nowhere.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        std::io::stdout().flush()?;
        Ok(started)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
