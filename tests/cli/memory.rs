//! The whole command line on a Linux machine in memory: settings of the host, hard limits, keys that refuse or lie,
//! and how often the kernel is written to.

use std::sync::Mutex;

use tunectl::kernel::fake::{Behaviour, Fake, MountMode, StoredAs};
use tunectl::model::limit::{Limit, Limits, Resource};

use crate::support::world::{Computer, PID};

/// Somewhere in the middle of a machine: a shell, `sudo`, and this process, which plays tunectl.
fn with_shell(computer: Computer) -> Computer {
    computer.process(PID, 800, "tunectl").process(800, 700, "sudo").process(700, 1, "bash").process(1, 0, "systemd")
}

fn linux(fake: Fake) -> Computer {
    with_shell(Computer::linux(fake.with_process(700, 0)))
}

const HOSTS: &str = "[linux.sysctl]\nvm.swappiness = 10\nnet.core.somaxconn = 32768\n";

#[test]
fn everything_is_written_on_a_host() {
    let mut host = linux(Fake::linux()).file("p.toml", HOSTS);
    host.types("apply -p @/p.toml").is(
        Some(0),
        "vm.swappiness 60 → 10\nnet.core.somaxconn 4096 → 32768\n2 settings changed and read back\n",
        "",
    );
    assert_eq!(host.kernel.changes, ["vm.swappiness=10", "net.core.somaxconn=32768"]);
}

/// uid 0 of a privileged container could write it, without any capability.
#[test]
fn host_setting_is_not_written_from_a_container() {
    let mut container = linux(Fake::linux()).contained().file("p.toml", HOSTS);
    container.types("run -p @/p.toml -- true").expected("cli/memory/host_setting_is_not_written_from_a_container");
    assert_eq!(container.kernel.changes, ["net.core.somaxconn=32768", "net.core.somaxconn=4096"]);

    assert_eq!(container.types("run --best-effort -p @/p.toml -- true").code, None);
    assert_eq!(container.kernel.changes, ["net.core.somaxconn=32768"]);
    assert_eq!((container.value("vm.swappiness"), container.value("net.core.somaxconn")), ("60", "32768"));

    container.types("run --allow-host-settings -p @/p.toml -- true").is(None, "", "");
    assert_eq!(container.kernel.changes, ["vm.swappiness=10"]);
}

/// What the host already has needs no write, in a container as anywhere.
#[test]
fn satisfied_host_setting_is_accepted_in_a_container() {
    let mut container = linux(Fake::linux()).contained();
    container.types("run --set vm.swappiness=60 -- true").is(None, "", "");
    assert_eq!(container.kernel.changes, [""; 0]);
}

/// Which interfaces there are is not known: so it is not known that all of them are right.
#[test]
fn a_pattern_that_cannot_be_listed_fails() {
    let pattern = "linux.sysctl.'net.ipv4.conf.*.rp_filter' = { at_least = 0 }";
    let mut host = linux(Fake::linux().unlistable(nix::errno::Errno::EMFILE)).file("p.toml", pattern);
    for (command, code) in [("check", 1), ("apply", 1), ("watch --once", 1), ("run", 125)] {
        let command = format!("{command} -p @/p.toml{}", if command == "run" { " -- true" } else { "" });
        let ended = host.types(&command);
        assert_eq!(ended.code, Some(code), "{command}: {}{}", ended.stdout, ended.stderr);
        let text = ended.stdout + &ended.stderr;
        assert!(text.contains("EMFILE (too many open files)"), "{command}: {text}");
    }
    assert_eq!(host.types("run --best-effort -p @/p.toml -- true").code, None);
}

#[test]
fn only_differing_settings_are_written() {
    let mut host = linux(Fake::linux());
    assert_eq!(host.types("apply -p loadtest --port 8080").code, Some(0));
    assert_eq!(
        host.kernel.changes,
        [
            "net.core.somaxconn=32768",
            "net.ipv4.ip_local_reserved_ports=8080",
            "net.ipv4.ip_local_port_range=1024 65535",
            "nofile=50000:524288",
            "nproc=65536:65536",
        ]
    );
    host.types("apply -p loadtest --port 8080").is(Some(0), "nothing to change, 9 already match\n", "");
    assert_eq!(host.kernel.changes, [""; 0]);
    assert_eq!(host.types("check -p loadtest --port 8080").code, Some(1), "our own limits are not the shell's");
    assert_eq!(host.kernel.changes, [""; 0]);
    assert_eq!(host.limits_of(700, Resource::Nofile), "50000:524288");
    assert_eq!(host.types("check -p loadtest --port 8080 --pid 700").code, Some(0));
}

/// A range over ports that are not reserved would do harm, so it stays as it was.
#[test]
fn port_range_is_not_widened_without_reserved_ports() {
    let sealed = Fake::linux().mode("net.ipv4.ip_local_reserved_ports", 0o444);
    let profile = "service.ports = [8080]\nlinux.sysctl.net.ipv4.ip_local_port_range = { covers = [1024, 65535] }\n";
    let mut host = linux(sealed).file("p.toml", profile);
    host.types("apply --best-effort -p @/p.toml")
        .expected("cli/memory/port_range_is_not_widened_without_reserved_ports");
    assert_eq!(host.value("net.ipv4.ip_local_port_range"), "32768\t60999");
}

#[test]
fn nr_open_is_raised_before_the_hard_limit() {
    let profile =
        "rlimit.nofile = { hard = 2000000, soft = 1500000 }\nlinux.sysctl.fs.nr_open = { at_least = 2000000 }\n";
    let mut host = linux(Fake::linux()).file("p.toml", profile);
    host.types("run -p @/p.toml -- true").is(None, "", "");
    assert_eq!(host.kernel.changes, ["fs.nr_open=2000000", "nofile=1500000:2000000"]);
    assert_eq!(host.limits(Resource::Nofile), "1500000:2000000");
}

/// The kernel refuses an infinite one even from root.
#[test]
fn unlimited_nofile_means_nr_open() {
    let mut host = linux(Fake::linux());
    host.types("run --rlimit nofile=unlimited -- true").is(None, "", "");
    assert_eq!(host.kernel.changes, ["nofile=1048576:1048576"]);
    let mut host = linux(Fake::linux()).file("p.toml", "rlimit.nofile = { soft = \"hard\" }\n");
    host.types("run -p @/p.toml -- true").is(None, "", "");
    assert_eq!(host.limits(Resource::Nofile), "524288:524288");
}

/// Soft goes up to hard, and what else is missing is said.
#[test]
fn unprivileged_user_gets_what_is_possible() {
    let mut host = linux(Fake::linux().as_user(1000)).user(1000);
    host.types("run --rlimit nofile=524288 -- true").is(None, "", "");
    assert_eq!(host.limits(Resource::Nofile), "524288:524288");
    let mut host = linux(Fake::linux().as_user(1000)).user(1000);
    let ended = host.types("run --best-effort --rlimit nofile=600000 --set net.core.somaxconn=9999 -- true");
    ended.is(
        None,
        "",
        "\
SETTING              REQUIRED  CURRENT  RESULT
net.core.somaxconn   9999      4096     differs [1]
nofile (soft, hard)  600000    524288   differs [1]
[1] net.core.somaxconn
    why: writing it needs root or CAP_NET_ADMIN (running as uid 1000)
    nofile (soft, hard)
    why: the hard limit is 524288, and raising it to 600000 needs CAP_SYS_RESOURCE, which we do not have
    type:
      sudo tunectl apply --set net.core.somaxconn=9999 --rlimit nofile=600000
more about a cause: tunectl explain not-permitted (or hard-limit)
",
    );
    assert_eq!(host.limits(Resource::Nofile), "524288:524288");
}

#[test]
fn apply_sets_the_limits_of_the_shell_that_ran_sudo() {
    let mut host = linux(Fake::linux());
    host.types("apply --rlimit nofile=50000:65000").is(
        Some(0),
        "nofile (soft) 1024 → 50000 for bash, pid 700\nnofile (hard) 524288 → 65000 for bash, pid 700\n\
         2 settings changed and read back\n",
        "",
    );
    assert_eq!(
        (host.limits_of(700, Resource::Nofile), host.limits(Resource::Nofile)),
        ("50000:65000".into(), "1024:524288".into())
    );
}

#[test]
fn each_kind_of_refusal_is_explained() {
    let name = "net.core.somaxconn";
    for (fake, contained, why) in [
        (Fake::linux().mounted("", MountMode::ReadOnly), true, "its mount is read-only here, as in most containers"),
        (Fake::linux().mode(name, 0o444), false, "nobody can write it"),
        (
            Fake::linux().owner(name, 65534),
            true,
            "its owner is a user that our user namespace does not map, such as root on the host",
        ),
        (Fake::linux().without_trees(), true, "/proc/sys is not there: mount /proc first"),
        (
            Fake::linux().with(name, "4096", Behaviour::rounded(0, 1 << 20, StoredAs::Nothing)),
            false,
            "`9999` was written, but `4096` was read back",
        ),
        (Fake::linux().with(name, "4096", Behaviour::numbers(0, 5000)), false, "the kernel does not accept `9999`[..]"),
    ] {
        let mut host = linux(fake);
        if contained {
            host = host.contained();
        }
        let ended = host.types("apply --set net.core.somaxconn=9999");
        let line = ended.stderr.lines().next().unwrap();
        assert!(
            crate::support::pattern::matches(&format!("tunectl: error: {name}[..]: {why}"), line),
            "{}",
            ended.stderr
        );
        assert_eq!(ended.code, Some(1));
        assert_ne!(host.kernel.fake.value(name), Some("9999"));
    }
}

/// What can't be put back is told, with what stands there now.
#[test]
fn failed_undo_is_reported() {
    // Takes only numbers from 5000 on, and yet begins with 7.
    let odd = Fake::linux().with("net.core.odd", "7", Behaviour::numbers(5000, 9999));
    let mut host = linux(odd);
    host.types("apply --set net.core.odd=5000 --set net.core.nonsense=1")
        .expected("cli/memory/failed_undo_is_reported");
}

/// `vm.dirty_bytes` and `vm.dirty_ratio` set each other to zero: together they can't be had.
#[test]
fn mutually_exclusive_settings_fall_short_and_are_restored() {
    let mut host = linux(Fake::linux());
    let ended = host.types("apply --set vm.dirty_ratio=30 --set vm.dirty_bytes=8192");
    assert_eq!(ended.code, Some(1));
    assert_eq!((host.value("vm.dirty_ratio"), host.value("vm.dirty_bytes")), ("20", "0"));
}

/// 0 is refused for it: writing the other one makes it 0 again.
#[test]
fn alternative_keys_are_restored_through_each_other() {
    let mut host = linux(Fake::linux());
    let ended = host.types("apply --set vm.dirty_bytes=8192 --set net.core.nonsense=1");
    let restored = "nothing was changed (1 setting had been set and is back at its previous value)\n";
    assert!(ended.stderr.contains(restored), "{}", ended.stderr);
    assert_eq!((host.value("vm.dirty_ratio"), host.value("vm.dirty_bytes")), ("20", "0"));
}

#[test]
fn limits_that_affect_tunectl_are_set_last() {
    let profile = "[rlimit]\nas = \"1GiB\"\nfsize = 0\ncpu = 60\nnofile = 50\nnproc = 1\nstack = \"1MiB\"\ncore = 0\n";
    let mut host = linux(Fake::linux()).file("p.toml", profile);
    host.types("run -p @/p.toml -- true").is(None, "", "");
    assert!(host.kernel.changes[0].starts_with("nofile="), "{:?}", host.kernel.changes);
    let unlimited = Limits { soft: Limit::Unlimited, hard: Limit::Unlimited };
    let mut host = linux(Fake::linux().limited(Resource::Core, unlimited)).file("p.toml", profile);
    host.types("run -p @/p.toml -- true").is(None, "", "");
    assert_eq!(host.kernel.changes[..2], ["nofile=50:524288", "core=0:unlimited"]);
}

/// What apply could not put back, it does not begin: without the capability nobody raises a hard limit again.
#[test]
fn irreversible_lowering_of_a_hard_limit_is_refused() {
    let user = Fake::linux().as_user(1000).with_process(700, 1000);
    let mut host = with_shell(Computer::linux(user)).user(1000);
    host.types("apply --rlimit nofile=5000:6000 --rlimit sigpending=99999")
        .expected("cli/memory/irreversible_lowering_of_a_hard_limit_is_refused");
    assert_eq!(host.limits_of(700, Resource::Nofile), "1024:524288");
    host.types("apply --rlimit nofile=5000:6000");
    assert_eq!(host.limits_of(700, Resource::Nofile), "5000:6000");
}

/// A value of the kernel's, or the name of an interface, may hold what a terminal obeys.
#[test]
fn control_characters_in_values_are_escaped() {
    let text = Behaviour::Text(128);
    let odd = Fake::linux().with("kernel.core_pattern", "|/bin/x \u{1b}[31m\u{202e}", text);
    let mut host = linux(odd);
    host.types("check --set kernel.core_pattern=core --set net.ipv4.ip_local_reserved_ports=")
        .expected("cli/memory/control_characters_in_values_are_escaped");
    let changed = host.types("apply --set kernel.core_pattern=core").stdout;
    assert_eq!(changed.lines().next(), Some("kernel.core_pattern |/bin/x \\u{1b}[31m\\u{202e} → core"));
}

/// It holds, and old programs will not thank anybody for it.
#[test]
fn huge_nofile_limit_is_warned_of() {
    let limits = |soft| Limits { soft: Limit::Value(soft), hard: Limit::Value(1_073_741_816) };
    let machine =
        |soft| linux(Fake::linux().holding("fs.nr_open", "1073741816").limited(Resource::Nofile, limits(soft)));
    let check = "check --rlimit nofile=1073741816";
    machine(1_073_741_816).types(check).expected("cli/memory/huge_nofile_limit_is_warned_of");
    let json = machine(1_073_741_816).types(&format!("{check} --format json")).stdout;
    assert_eq!(json.matches("\"code\": \"W006\"").count(), 1, "{json}");
    // `base` brings the soft limit down, and leaves the hard one alone.
    let mut tuned = machine(1_073_741_816);
    assert_eq!(tuned.types("run -p base -- true").code, None);
    assert_eq!(tuned.limits(Resource::Nofile), "1048576:1073741816");
}

/// What the log was told, by whichever test.
struct Log(Mutex<Vec<String>>);

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.0.lock().unwrap().push(record.args().to_string());
    }

    fn flush(&self) {}
}

static LOG: Log = Log(Mutex::new(Vec::new()));

#[test]
fn unlistable_listeners_are_warned_of() {
    log::set_logger(&LOG).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    for (errno, why) in [(libc::ENOENT, "no such file or directory"), (libc::EPROTONOSUPPORT, "protocol not supported")]
    {
        let mut host = linux(Fake::linux()).deaf(errno);
        assert_eq!(host.types("check --set net.core.somaxconn=4096 --pid 700").code, Some(0));
        let told = LOG.0.lock().unwrap();
        assert!(told.contains(&format!("listening sockets: {why}")), "{told:?}");
    }
}
