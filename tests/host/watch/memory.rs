//! The watch on a kernel in memory, with a clock that the test turns: backoff, giving up, what is never written.

use std::time::Duration;

use tunectl::catalog::{self, KernelVersion};
use tunectl::kernel::fake::{Behaviour, Fake, MountMode};
use tunectl::kernel::{Kernel, WriteMode};
use tunectl::model::amount::Machine;
use tunectl::model::name::SysctlName;
use tunectl::model::setting::{Key, System};
use tunectl::plan::{self, PlanEnvironment};
use tunectl::profile::Source;
use tunectl::profile::load::load;
use tunectl::watch::{Now, RepairPolicy, WatchConfig, WatchEvent, Watcher, Writer, WriterName, message};

use crate::support::pattern;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

fn key(name: &str) -> Key {
    Key::Sysctl(SysctlName::parse(name).unwrap())
}

pub(crate) fn config(text: &str, contained: bool) -> WatchConfig {
    let source = Source { label: "p.toml".to_owned(), text: format!("[linux.sysctl]\n{text}"), hidden_from: None };
    let profile = load(&["p".to_owned()], &mut |_, _| Ok(source.clone()), &catalog::spec).unwrap();
    let requirements = plan::resolve(profile.requirements, &profile.service_ports, System::Linux, &|| Machine {
        memory: 1 << 30,
        cpus: 4,
    })
    .unwrap();
    let environment = PlanEnvironment {
        system: System::Linux,
        version: KernelVersion(6, 12),
        contained,
        allow_host_settings: false,
        shared: plan::SharedNamespaces::default(),
        out_of_reach: &[],
    };
    WatchConfig { profiles: vec!["p".to_owned()], requirements: requirements.keys, environment, files: Vec::new() }
}

/// A watch, its kernel, and the time.
pub(crate) struct TestWatch {
    pub(crate) watcher: Watcher,
    pub(crate) fake: Fake,
    pub(crate) now: Now,
}

impl TestWatch {
    pub(crate) fn new(fake: Fake, text: &str, policy: RepairPolicy) -> Self {
        Self { watcher: Watcher::new(config(text, false), policy, None), fake, now: Now::read() }
    }

    pub(crate) fn write(&mut self, name: &str, value: &str) -> &mut Self {
        self.fake.write(&key(name), value, WriteMode::Lists).unwrap();
        self
    }

    pub(crate) fn later(&mut self, by: Duration) -> &mut Self {
        self.now = self.now.later(by);
        self
    }

    #[track_caller]
    pub(crate) fn sweep(&mut self, expected: &[&str]) {
        let events = self.watcher.sweep(&mut self.fake, self.now);
        is(&events, expected);
    }

    #[track_caller]
    pub(crate) fn notice(&mut self, name: &str, by: Option<&str>, expected: &[&str]) {
        let writer = by.map(|name| Writer { pid: 7, name: WriterName::Known(name.to_owned()) });
        let written = [(key(name), writer)];
        let events = self.watcher.check_written(&written, &mut self.fake, self.now);
        is(&events, expected);
    }

    #[track_caller]
    pub(crate) fn repair(&mut self, expected: &[&str]) {
        let events = self.watcher.repair(&mut self.fake, self.now);
        is(&events, expected);
    }

    pub(crate) fn value(&self, name: &str) -> &str {
        self.fake.value(name).unwrap()
    }
}

#[track_caller]
fn is(events: &[WatchEvent], expected: &[&str]) {
    let lines: Vec<String> = events.iter().map(message).collect();
    let same = lines.len() == expected.len()
        && expected.iter().zip(&lines).all(|(pattern, line)| pattern::matches(pattern, line));
    assert!(same, "expected {expected:#?}\nfound {lines:#?}");
}

pub(crate) const BACKLOG: &str = "net.core.somaxconn";

#[test]
fn first_check_reports_shortfalls_and_later_ones_changes() {
    let text = "net.core.somaxconn = { at_least = 4096 }\nvm.swappiness = { at_most = 10, required = false }\n";
    let mut watch = TestWatch::new(Fake::linux(), text, RepairPolicy::Never);
    watch.sweep(&["falls short: vm.swappiness is 60, wanted at most 10 (optional)"]);
    watch.sweep(&[]);
    watch.later(30 * SECOND).write(BACKLOG, "128");
    watch.sweep(&["drifted: net.core.somaxconn 4096 → 128, wanted at least 4096, between [..]Z and [..]Z"]);
    watch.write(BACKLOG, "100");
    watch.notice(BACKLOG, None, &["changed: net.core.somaxconn 128 → 100, wanted at least 4096, since [..]Z"]);
    watch.notice(BACKLOG, None, &[]);
    watch.later(35 * SECOND).write(BACKLOG, "8192");
    watch.notice(
        BACKLOG,
        Some("bash"),
        &["holds again: net.core.somaxconn 100 → 8192, after 35 s, written by bash (pid 7)"],
    );
    watch.write(BACKLOG, "9000");
    watch.notice(BACKLOG, None, &["changed: net.core.somaxconn 8192 → 9000, since [..]Z"]);
    let setting = &watch.watcher.state().settings[0];
    assert_eq!((setting.drifts, setting.repairs), (1, 0));
    assert_eq!(watch.value("vm.swappiness"), "60");
}

#[test]
fn repair_stops_after_repeated_overwrites() {
    let mut watch = TestWatch::new(Fake::linux(), "net.core.somaxconn = 4096\n", RepairPolicy::After(SECOND));
    watch.sweep(&[]);
    let drifted = "drifted: net.core.somaxconn 4096 → 1, wanted 4096, since [..]Z";
    let repaired = "repaired: net.core.somaxconn 1 → 4096";
    watch.write(BACKLOG, "1").notice(BACKLOG, None, &[drifted, repaired]);
    for pause in [1, 2, 4, 8] {
        watch.write(BACKLOG, "1").notice(BACKLOG, None, &[drifted]);
        assert_eq!(watch.watcher.repair_due(), Some(watch.now.monotonic + pause * SECOND));
        watch.later(pause * SECOND).repair(&[repaired]);
        assert_eq!(watch.value(BACKLOG), "4096");
    }
    watch.write(BACKLOG, "1").notice(BACKLOG, None, &[drifted]);
    watch
        .later(16 * SECOND)
        .repair(&["given up: net.core.somaxconn is 1, wanted 4096: repaired 5 times and overwritten again; find the \
         program that writes it, then reload"]);
    watch.later(1000 * SECOND).repair(&[]);
    watch.sweep(&[]);
    assert_eq!((watch.value(BACKLOG), watch.watcher.repair_due()), ("1", None));
    // A reload is a person's word: tried again, with what was counted still there.
    let events = watch.watcher.reload(config("net.core.somaxconn = 4096\n", false), &mut watch.fake, watch.now);
    is(&events, &["falls short: net.core.somaxconn is 1, wanted 4096", repaired]);
    assert_eq!(watch.watcher.state().settings[0].drifts, 6);
    assert_eq!(watch.value(BACKLOG), "4096");
}

#[test]
fn refused_repair_is_reported_once() {
    let fake = Fake::linux().mounted("net/core", MountMode::ReadOnly);
    let mut watch =
        TestWatch::new(fake, "net.core.somaxconn = 1\nnet.ipv4.tcp_fin_timeout = 30\n", RepairPolicy::After(SECOND));
    watch.sweep(&[
        "falls short: net.core.somaxconn is 4096, wanted 1",
        "falls short: net.ipv4.tcp_fin_timeout is 60, wanted 30",
        "not repaired: net.core.somaxconn is 4096, wanted 1: the kernel refused it: open: EROFS (read-only file system)",
        "repaired: net.ipv4.tcp_fin_timeout 60 → 30",
    ]);
    for pause in [1, 2, 4, 8] {
        watch.later(pause * SECOND).repair(&[]);
    }
    watch.later(16 * SECOND).repair(&["given up: net.core.somaxconn is 4096, wanted 1: [..]"]);
}

#[test]
fn host_settings_are_reported_and_not_repaired() {
    let mut fake = Fake::linux();
    let mut watcher = Watcher::new(config("vm.swappiness = 10\n", true), RepairPolicy::After(SECOND), None);
    is(&watcher.sweep(&mut fake, Now::read()), &["falls short: vm.swappiness is 60, wanted 10 (the host's)"]);
    assert_eq!((fake.value("vm.swappiness"), watcher.repair_due()), (Some("60"), None));
}

/// Someone takes the reservation away and insists. The range must not be widened over the ports meanwhile.
#[test]
fn port_range_is_not_repaired_without_reserved_ports() {
    let (range, reserved) = ("net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports");
    let text = "net.ipv4.ip_local_reserved_ports = { includes = \"8080\" }\n\
                net.ipv4.ip_local_port_range = { covers = [1024, 65535] }\n";
    let mut watch = TestWatch::new(Fake::linux(), text, RepairPolicy::After(SECOND));
    watch.sweep(&["falls short: [..]", "falls short: [..]", "repaired: [..]", "repaired: [..]"]);
    watch.write(reserved, "\n").notice(reserved, None, &["drifted: [..]"]);
    watch.later(SECOND / 2).write(range, "32768 60999").notice(range, None, &["drifted: [..]"]);
    assert_eq!(watch.value(range), "32768\t60999");
    watch.later(SECOND).repair(&["repaired: [..]", "repaired: [..]"]);
    assert_eq!((watch.value(reserved), watch.value(range)), ("8080", "1024\t65535"));
}

#[test]
fn appearing_and_vanishing_settings_are_one_event() {
    let wanted = "net.core.somaxconn = 4096\n\"net.ipv4.conf.*.rp_filter\" = 1\n\"net.ipv4.conf.*.tag\" = 0\n\
                  net.netfilter.nf_conntrack_max = { at_least = 10 }\n";
    let without = Fake::linux().without("net.netfilter.nf_conntrack_max");
    let bare = ["all", "default", "eth0", "eth0/100", "lo"].iter().fold(without, |fake, name| {
        fake.without(&format!("net.ipv4.conf.{name}.rp_filter")).without(&format!("net.ipv4.conf.{name}.tag"))
    });
    let one = |fake: Fake, filter: &str| {
        fake.with("net.ipv4.conf.e1.rp_filter", filter, Behaviour::numbers(0, 2)).with(
            "net.ipv4.conf.e1.tag",
            "0",
            Behaviour::numbers(0, 9),
        )
    };
    let mut watch = TestWatch::new(bare.clone(), wanted, RepairPolicy::After(SECOND));
    watch.sweep(&[
        "not readable: net.ipv4.conf.*.rp_filter, wanted 1: nothing has that name",
        "not readable: net.ipv4.conf.*.tag, wanted 0: nothing has that name",
        "not readable: net.netfilter.nf_conntrack_max, wanted at least 10: open: ENOENT (no such file or directory)",
    ]);
    watch.fake = one(bare.clone(), "1");
    watch.sweep(&["appeared: net.ipv4.conf.e1.rp_filter and 1 more, and matches"]);
    assert!(watch.watcher.state().new_settings > 0);
    watch.fake = bare.clone();
    watch.sweep(&["not readable: [..]", "not readable: [..]", "gone: net.ipv4.conf.e1.rp_filter and 1 more"]);
    watch.fake = one(bare, "0").with("net.netfilter.nf_conntrack_max", "5", Behaviour::numbers(0, 9999));
    watch.sweep(&[
        "appeared: net.ipv4.conf.e1.rp_filter is 0, wanted 1",
        "appeared: net.netfilter.nf_conntrack_max is 5, wanted at least 10",
        "appeared: net.ipv4.conf.e1.tag, and matches",
        "repaired: net.ipv4.conf.e1.rp_filter 0 → 1",
        "repaired: net.netfilter.nf_conntrack_max 5 → 10",
    ]);
}

#[test]
fn endless_changes_are_summarised() {
    let mut watch = TestWatch::new(Fake::linux(), "net.core.somaxconn = { at_least = 1 }\n", RepairPolicy::Never);
    watch.sweep(&[]);
    for round in 0..10 {
        let value = (5 + round).to_string();
        watch.write(BACKLOG, &value).notice(BACKLOG, None, &["changed: [..]"]);
    }
    for round in 0..7 {
        watch.write(BACKLOG, &(50 + round).to_string()).notice(BACKLOG, None, &[]);
    }
    watch.sweep(&["net.core.somaxconn: 7 more changes, now 56"]);
    watch.write(BACKLOG, "9").notice(BACKLOG, None, &["changed: [..]"]);
}
