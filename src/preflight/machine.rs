//! The conditions of a Linux machine, read beneath `/proc` and `/sys`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use super::Reading;
use super::found::{is_cpu, number, part, percent, real, unparsed};
use super::rates::{Totals, rate};
use crate::counters::cgroup::groups;
use crate::counters::processes::{descriptor_limit, open_descriptors, with_descendants};
use crate::counters::{Counter, sockets};
use crate::linux::cgroup::Cgroups;
use crate::linux::listeners::{self, ListenAddress};
use crate::linux::netlink::Connection;
use crate::model::preflight::{Condition, FoundCondition};
use crate::model::ranges::Ranges;
use crate::model::value::MAX_PORT;
use crate::sys::{self, Netlink, read_text};

/// Where conditions are read, and of whom.
#[derive(Clone, Debug)]
pub struct Places {
    /// The root of the file system, usually `/`.
    pub root: PathBuf,
    /// The service's process, where one was named.
    pub pid: Option<i32>,
    /// The port that is tested, where it is known.
    pub target: Option<u16>,
    /// The ports that the service listens on.
    pub ports: Vec<u16>,
}

/// Reads conditions. Those that are rates compare with what was read the last time.
#[derive(Debug)]
pub struct Machine {
    pub(super) places: Places,
    before: Option<Totals>,
}

/// Between the two readings of a rate, at least.
const BETWEEN: Duration = Duration::from_millis(500);

impl Machine {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(places: Places) -> Self {
        Self { places, before: None }
    }

    /// Reads all of these conditions. Where a rate is among them, that takes half a second the first time.
    pub fn read(&mut self, conditions: &[Condition]) -> BTreeMap<Condition, Reading> {
        let is_rate = |condition: &Condition| {
            matches!(condition, Condition::CpuSteal | Condition::NetworkTraffic | Condition::ThermalThrottling)
        };
        let mut between = None;
        if conditions.iter().any(is_rate) {
            let before = self.before.take().unwrap_or_else(|| self.totals());
            thread::sleep(BETWEEN.saturating_sub(before.at.elapsed()));
            let now = self.totals();
            self.before = Some(now.clone());
            between = Some((before, now));
        }
        conditions.iter().map(|condition| (*condition, self.condition(*condition, between.as_ref()))).collect()
    }

    fn condition(&self, condition: Condition, between: Option<&(Totals, Totals)>) -> Reading {
        match condition {
            Condition::OnAcPower => self.on_ac_power(),
            Condition::ScalingGovernor => self.governors(),
            Condition::Turbo => self.turbo(),
            Condition::Smt => self.smt(),
            Condition::LoadPerCpu => self.load_per_cpu(),
            Condition::CpuPressure => self.pressure("cpu"),
            Condition::MemoryPressure => self.pressure("memory"),
            Condition::IoPressure => self.pressure("io"),
            Condition::CpuSteal | Condition::NetworkTraffic | Condition::ThermalThrottling => {
                between.map_or(Reading::NotApplicable, |(before, now)| rate(condition, before, now))
            }
            Condition::TimeWaitSockets => self.time_wait(),
            Condition::EphemeralPortsInUse => self.ports_in_use(),
            Condition::ConntrackInUse => self.conntrack(),
            Condition::SystemFilesInUse => self.system_files(),
            Condition::ProcessFilesInUse => self.process_files(),
            Condition::MemoryInUse => self.memory("MemTotal", "MemAvailable"),
            Condition::SwapInUse => self.memory("SwapTotal", "SwapFree"),
            Condition::CpuQuota => {
                self.cgroups(&|cgroups| Reading::Found(FoundCondition::Is(cgroups.limits().cpu.is_some())))
            }
            Condition::CpuThrottled => self.cgroups(&throttled_periods),
            Condition::TransparentHugePages => self.huge_pages(),
            Condition::AddressSpaceRandomization => self.one_word("proc/sys/kernel/randomize_va_space"),
            Condition::Clocksource => self.one_word("sys/devices/system/clocksource/clocksource0/current_clocksource"),
            Condition::OtherListeners => self.other_listeners(),
        }
    }

    /// The text of a file; without it, that the machine has no such thing, or that nothing at all can be read there.
    pub(super) fn text(&self, path: &str) -> Result<String, Reading> {
        read_text(&self.places.root.join(path)).map_err(|error| match error.raw_os_error() {
            // A kernel that was started without PSI has the files, and refuses to read them.
            Some(libc::ENOENT | libc::EOPNOTSUPP) if self.is_mounted(path) => Reading::NotApplicable,
            _ => Reading::Unknown(format!("/{path}: {}", sys::strerror(&error))),
        })
    }

    /// Whether procfs or sysfs is where the path is.
    fn is_mounted(&self, path: &str) -> bool {
        let witness = if path.starts_with("sys/") { "sys/devices" } else { "proc/stat" };
        self.places.root.join(witness).exists()
    }

    pub(super) fn number(&self, path: &str) -> Result<u64, Reading> {
        let text = self.text(path)?;
        text.trim().parse().map_err(|_| unparsed(path))
    }

    /// The directories in one.
    fn entries(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.places.root.join(path)).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    /// `/sys/class/power_supply` (Documentation/ABI/testing/sysfs-class-power). A battery of a mouse has the scope of a
    /// device.
    fn on_ac_power(&self) -> Reading {
        const FOLDER: &str = "sys/class/power_supply";
        if !self.is_mounted(FOLDER) {
            return Reading::Unknown(format!("/{FOLDER}: sysfs is not mounted"));
        }
        let (mut batteries, mut mains) = (Vec::new(), Vec::new());
        for name in self.entries(FOLDER) {
            let file = |file: &str| {
                let text = self.text(&format!("{FOLDER}/{name}/{file}")).unwrap_or_default();
                text.trim().to_owned()
            };
            match file("type").as_str() {
                _ if file("scope") == "Device" => {}
                "Battery" => batteries.push(file("status")),
                "Mains" | "USB" => mains.push(file("online")),
                _ => {}
            }
        }
        if batteries.is_empty() {
            return Reading::NotApplicable;
        }
        let discharging = batteries.iter().any(|status| status == "Discharging");
        let on = mains.iter().any(|online| online == "1") || (mains.is_empty() && !discharging);
        Reading::Found(FoundCondition::Is(on))
    }

    fn governors(&self) -> Reading {
        const FOLDER: &str = "sys/devices/system/cpu";
        let mut words = BTreeSet::new();
        for cpu in self.entries(FOLDER).into_iter().filter(|name| is_cpu(name)) {
            match self.text(&format!("{FOLDER}/{cpu}/cpufreq/scaling_governor")) {
                Ok(word) => drop(words.insert(word.trim().to_owned())),
                Err(Reading::NotApplicable) => {}
                Err(unknown) => return unknown,
            }
        }
        if words.is_empty() {
            return if self.is_mounted(FOLDER) { Reading::NotApplicable } else { unparsed(FOLDER) };
        }
        Reading::Found(FoundCondition::Words(words.into_iter().collect()))
    }

    fn turbo(&self) -> Reading {
        let sources = [("intel_pstate/no_turbo", 0), ("cpufreq/boost", 1)];
        for (file, on) in sources {
            match self.number(&format!("sys/devices/system/cpu/{file}")) {
                Ok(number) => return Reading::Found(FoundCondition::Is(number == on)),
                Err(Reading::NotApplicable) => {}
                Err(unknown) => return unknown,
            }
        }
        Reading::NotApplicable
    }

    fn smt(&self) -> Reading {
        let control = self.text("sys/devices/system/cpu/smt/control");
        if control.is_ok_and(|word| matches!(word.trim(), "notsupported" | "notimplemented")) {
            return Reading::NotApplicable;
        }
        let active = self.number("sys/devices/system/cpu/smt/active");
        active.map_or_else(|other| other, |number| Reading::Found(FoundCondition::Is(number == 1)))
    }

    fn load_per_cpu(&self) -> Reading {
        let read = || -> Result<f64, Reading> {
            let text = self.text("proc/loadavg")?;
            let load: f64 =
                text.split(' ').next().and_then(|word| word.parse().ok()).ok_or(unparsed("proc/loadavg"))?;
            let stat = self.text("proc/stat")?;
            let cpus = stat.lines().filter(|line| line.split(' ').next().is_some_and(is_cpu)).count();
            let cpus = u32::try_from(cpus).ok().filter(|cpus| *cpus > 0).ok_or(unparsed("proc/stat"))?;
            Ok(load / f64::from(cpus))
        };
        number(read())
    }

    fn pressure(&self, of: &str) -> Reading {
        let path = format!("proc/pressure/{of}");
        number(self.text(&path).and_then(|text| {
            let some = text.lines().find_map(|line| line.strip_prefix("some avg10="));
            some.and_then(|rest| rest.split(' ').next()?.parse().ok()).ok_or(unparsed(&path))
        }))
    }

    fn time_wait(&self) -> Reading {
        const PATH: &str = "proc/net/sockstat";
        number(self.text(PATH).and_then(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("TCP: ")).unwrap_or_default();
            let mut words = line.split(' ').skip_while(|word| *word != "tw").skip(1);
            words.next().and_then(|word| word.parse().ok()).ok_or(unparsed(PATH))
        }))
    }

    fn ports_in_use(&self) -> Reading {
        let available = match self.available_ports() {
            Ok(available) => available,
            Err(other) => return other,
        };
        let counted = Connection::open(Netlink::SockDiag).and_then(|mut connection| {
            sockets::fullest_destination(&mut connection, self.places.target, &self.places.ports)
        });
        match counted {
            Ok(count) => percent(count.unwrap_or_default().used, available),
            Err(error) => Reading::Unknown(format!("sock_diag(7): {}", sys::strerror(&error))),
        }
    }

    /// Ports of the range less the reserved ones, of our network namespace.
    pub(super) fn available_ports(&self) -> Result<u64, Reading> {
        const RANGE: &str = "proc/sys/net/ipv4/ip_local_port_range";
        let text = self.text(RANGE)?;
        let ends: Vec<u32> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [low, high] = ends[..] else { return Err(unparsed(RANGE)) };
        let reserved = self.text("proc/sys/net/ipv4/ip_local_reserved_ports").unwrap_or_default();
        let reserved = Ranges::parse(reserved.trim(), MAX_PORT).unwrap_or_default();
        Ok(Ranges::between(low, high).without(&reserved).count())
    }

    fn conntrack(&self) -> Reading {
        let count = self.number("proc/sys/net/netfilter/nf_conntrack_count");
        let max = self.number("proc/sys/net/netfilter/nf_conntrack_max");
        part(count, max)
    }

    fn system_files(&self) -> Reading {
        const PATH: &str = "proc/sys/fs/file-nr";
        match self.text(PATH) {
            Ok(text) => match text.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<u64>>()[..] {
                [open, _, most] => percent(open, most),
                _ => unparsed(PATH),
            },
            Err(other) => other,
        }
    }

    fn process_files(&self) -> Reading {
        let proc = self.places.root.join("proc");
        let pid = self.places.pid.unwrap_or_else(sys::own_pid);
        match (open_descriptors(&proc, pid), descriptor_limit(&proc, pid)) {
            (Ok(open), Some(limit)) => percent(open, limit),
            _ => Reading::Unknown(format!("/proc/{pid}/fd, /proc/{pid}/limits: they can't be read")),
        }
    }

    /// What is used of a total, by what is free of it.
    fn memory(&self, total: &str, free: &str) -> Reading {
        const PATH: &str = "proc/meminfo";
        let text = match self.text(PATH) {
            Ok(text) => text,
            Err(other) => return other,
        };
        let field = |name: &str| -> Option<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.trim().split(' ').next()?.parse().ok()
        };
        match (field(total), field(free)) {
            // No swap space.
            (Some(0), _) => Reading::NotApplicable,
            (Some(total), Some(free)) => percent(total.saturating_sub(free), total),
            _ => unparsed(PATH),
        }
    }

    fn cgroups(&self, read: &dyn Fn(&Cgroups) -> Reading) -> Reading {
        let root = &self.places.root;
        match self.places.pid.map_or_else(|| Cgroups::own(root), |pid| Cgroups::of(root, pid)) {
            Ok(cgroups) if cgroups.groups("cpu").is_empty() => Reading::NotApplicable,
            Ok(cgroups) => read(&cgroups),
            Err(errno) => Reading::Unknown(format!("/proc/self/cgroup: {}", sys::strerror(&errno.into()))),
        }
    }

    fn huge_pages(&self) -> Reading {
        const PATH: &str = "sys/kernel/mm/transparent_hugepage/enabled";
        match self.text(PATH) {
            // `always [madvise] never`
            Ok(text) => match text.split(['[', ']']).nth(1) {
                Some(word) => Reading::Found(FoundCondition::Words(vec![word.to_owned()])),
                None => unparsed(PATH),
            },
            Err(other) => other,
        }
    }

    fn one_word(&self, path: &str) -> Reading {
        match self.text(path) {
            Ok(text) if !text.trim().is_empty() => Reading::Found(FoundCondition::Words(vec![text.trim().to_owned()])),
            Ok(_) => unparsed(path),
            Err(other) => other,
        }
    }

    /// With a process named, the listeners that are not its own; else the programs but one that listen there.
    fn other_listeners(&self) -> Reading {
        let ports: Vec<u16> = self.places.ports.iter().copied().chain(self.places.target).collect();
        if ports.is_empty() {
            return Reading::NotApplicable;
        }
        let proc = self.places.root.join("proc");
        let all = Connection::open(Netlink::SockDiag).and_then(|mut connection| listeners::all(&mut connection));
        let mut tested = match all {
            Ok(all) => all,
            Err(error) => return Reading::Unknown(format!("sock_diag(7): {}", sys::strerror(&error))),
        };
        tested.retain(|listener| matches!(listener.address, ListenAddress::Tcp(port, _) if ports.contains(&port)));
        let others = if let Some(pid) = self.places.pid {
            let own = with_descendants(&proc, &[pid]);
            let own: Vec<u32> = own.iter().flat_map(|pid| listeners::sockets_of(*pid, &proc)).collect();
            tested.iter().filter(|listener| !own.contains(&listener.inode)).count()
        } else {
            listeners::find_holders(&mut tested, &proc);
            let names: BTreeSet<_> =
                tested.iter().map(|listener| listener.holder.as_ref().map(|holder| &holder.name)).collect();
            names.len().saturating_sub(1)
        };
        number(Ok(f64::from(u32::try_from(others).unwrap_or(u32::MAX))))
    }

    fn totals(&self) -> Totals {
        let cpus = self.entries("sys/devices/system/cpu").into_iter().filter(|name| is_cpu(name));
        let counts: Vec<u64> = cpus
            .flat_map(|cpu| ["core", "package"].map(|of| format!("{cpu}/thermal_throttle/{of}_throttle_count")))
            .filter_map(|file| self.number(&format!("sys/devices/system/cpu/{file}")).ok())
            .collect();
        let throttled = (!counts.is_empty()).then(|| counts.iter().sum());
        let text = |path| self.text(path).unwrap_or_default();
        Totals::new(&text("proc/net/dev"), &text("proc/stat"), throttled)
    }
}

/// Of the group with the largest part of throttled periods; one that was never scheduled under a bound has none.
fn throttled_periods(cgroups: &Cgroups) -> Reading {
    let part = |(periods, throttled): (u64, u64)| real(throttled) * 100.0 / real(periods.max(1));
    let counted = groups(cgroups).into_iter().filter_map(|group| {
        let counters = group.counters();
        Some((counters.get(Counter::CgroupPeriods).ok()?, counters.get(Counter::CgroupThrottled).ok()?))
    });
    match counted.map(part).reduce(f64::max) {
        Some(most) => number(Ok(most)),
        None => Reading::NotApplicable,
    }
}
