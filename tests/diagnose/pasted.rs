//! What is printed to be pasted does what it says and nothing else, whatever the values are, and helps whom it is shown.

use nix::errno::Errno;
use tunectl::environment::{Environment, EnvironmentDetails, Namespaces, RuntimeHints, Seccomp};
use tunectl::kernel::{Evidence, KernelError, Operation};
use tunectl::model::limit::{Limit, Resource, Side};
use tunectl::model::name::SysfsName;
use tunectl::model::setting::{Key, Setting, System};
use tunectl::model::value::Value;
use tunectl::plan::Unreadable;
use tunectl::report::{Outcome, Shortfall};

use crate::odd::{diagnosed, finding, requirement, setting};

/// Root's file, to be written by him.
pub(crate) fn own() -> Evidence {
    let (exists, mode, owner, read_only_mount) = (Some(true), Some(0o644), Some(0), Some(false));
    Evidence { exists, mode, owner, read_only_mount, ..Evidence::default() }
}

pub(crate) fn known(initial: Namespaces, user: u32, around: EnvironmentDetails) -> Environment {
    Environment::known(System::Linux, Some("6.12.0".to_owned()), initial, user, around)
}

/// The machine itself, where nothing binds anyone.
pub(crate) fn machine(user: u32, around: EnvironmentDetails) -> Environment {
    let all = Some(true);
    known(Namespaces { ipc: all, uts: all, user: all, pid: all, cgroup: all, net: all }, user, around)
}

pub(crate) fn asked(setting: Setting, value: Value, shortfall: Shortfall) -> Outcome {
    Outcome { requirement: requirement(setting.clone(), value), ..finding(setting, shortfall, own()) }
}

fn texts(finding: Outcome, environment: &Environment) -> Vec<String> {
    crate::odd::texts(&diagnosed(finding, environment))
}

pub(crate) fn refused(operation: Operation, errno: Errno) -> Shortfall {
    Shortfall::Refused(KernelError { operation, errno })
}

pub(crate) fn free() -> EnvironmentDetails {
    let (capabilities, bounding) = (Some(0), Some(u64::MAX));
    EnvironmentDetails { capabilities, bounding, no_new_privileges: Some(false), ..EnvironmentDetails::default() }
}

#[test]
fn values_are_quoted_in_commands() {
    let unknown = |value: &str| {
        let key = setting("net.ipv4.tcp_congestion_control");
        texts(asked(key, Value::text(value), refused(Operation::Write, Errno::ENOENT)), &machine(0, free()))
    };
    assert!(unknown("bbr").contains(&"sudo modprobe tcp_bbr".to_owned()));
    let said = unknown("x;touch${IFS}/tmp/y");
    assert!(said.iter().all(|text| !text.contains("modprobe")), "{said:?}");

    let disk = Setting::Key(Key::Sysfs(SysfsName::parse("block/$(id)/queue/scheduler").unwrap()));
    let around = EnvironmentDetails { runtime_hints: RuntimeHints::named("docker"), ..free() };
    let contained = known(Namespaces { net: Some(false), uts: Some(false), ..Namespaces::default() }, 0, around);
    let said = texts(asked(disk, Value::text("none;id"), Shortfall::HostOwned), &contained);
    assert_eq!(said, ["echo 'none;id' | sudo tee '/sys/block/$(id)/queue/scheduler'"]);
}

#[test]
fn unit_lines_are_quoted() {
    let read_only = Evidence { read_only_mount: Some(true), ..own() };
    let before = |setting: Setting, value: Value| {
        let requirement = requirement(setting.clone(), value);
        let short = Outcome { requirement, ..finding(setting, Shortfall::Differs, read_only) };
        texts(short, &machine(0, EnvironmentDetails { unit: Some("web.service".to_owned()), ..free() })).pop().unwrap()
    };
    let short = finding(setting("vm.swappiness"), Shortfall::Differs, read_only);
    assert_eq!(texts(short, &machine(0, free()))[0], "sudo sysctl -w vm.swappiness=9999", "of no unit");
    let list = Value::Numbers(vec![4096, 131_072, 8_388_608]);
    assert_eq!(
        before(setting("net.ipv4.tcp_rmem"), list),
        "ExecStartPre=+tunectl apply --set \"net.ipv4.tcp_rmem=4096 131072 8388608\""
    );
    assert_eq!(
        before(setting("kernel.core_pattern"), Value::text("core.%p")),
        "ExecStartPre=+tunectl apply --set kernel.core_pattern=core.%%p"
    );
    let pages = Setting::Key(Key::Sysfs(SysfsName::parse("kernel/mm/transparent_hugepage/enabled").unwrap()));
    assert_eq!(
        before(pages, Value::text("never")),
        "ExecStartPre=+/bin/sh -c \"echo never >/sys/kernel/mm/transparent_hugepage/enabled\""
    );
}

#[test]
fn port_range_remedy_is_omitted_where_no_range_is_left() {
    let said = |first| {
        let key = setting("net.ipv4.ip_unprivileged_port_start");
        texts(asked(key, Value::Number(first), refused(Operation::Write, Errno::EINVAL)), &machine(0, free()))
    };
    assert_eq!(said(50_000), ["\"net.ipv4.ip_local_port_range\" = [50000, 65535]"]);
    assert!(said(65_535).is_empty());
}

/// Docker sets no other interface's than that of the first network, and refuses to since its version 27.
#[test]
fn docker_sysctl_is_printed_only_for_its_first_interface() {
    let around = EnvironmentDetails { runtime_hints: RuntimeHints::named("docker"), ..free() };
    let none = Some(false);
    let initial = Namespaces { ipc: none, uts: none, pid: none, net: none, user: Some(true), ..Namespaces::default() };
    let environment = known(initial, 0, around);
    let read_only = Evidence { read_only_mount: Some(true), ..own() };
    let first = |name: &str| texts(finding(setting(name), Shortfall::Differs, read_only), &environment).remove(0);
    for name in ["all", "default", "lo", "eth0"] {
        let name = format!("net.ipv4.conf.{name}.arp_ignore");
        assert_eq!(first(&name), format!("docker run --sysctl {name}=9999"));
    }
    // And of IPC namespaces the keys that it knows.
    assert_eq!(first("kernel.msgmax"), "docker run --sysctl kernel.msgmax=9999");
    assert_eq!(first("kernel.msg_next_id"), "docker run --security-opt systempaths=unconfined");
    for name in ["eth1", "p0", "eth0/100"] {
        assert_eq!(
            first(&format!("net.ipv4.conf.{name}.arp_ignore")),
            "docker run --security-opt systempaths=unconfined"
        );
    }
}

/// Sudo gives what exec may give, and no more.
#[test]
fn sudo_is_not_advised_without_effect() {
    let bound = EnvironmentDetails { no_new_privileges: Some(true), ..free() };
    let less = EnvironmentDetails { bounding: Some(u64::MAX ^ 1 << 24), ..free() };

    let low = Evidence { hard_limit: Some(Limit::Value(5)), ..own() };
    let hard = || finding(Setting::Limit(Resource::Nofile, Side::Hard), Shortfall::Differs, low);
    let (sudo, unit) = ("sudo tunectl apply".to_owned(), "LimitNOFILE=9999".to_owned());
    assert_eq!(texts(hard(), &machine(1000, free())), [sudo.clone(), unit.clone()]);
    let alone = [unit];
    assert_eq!(texts(hard(), &machine(1000, bound.clone())), alone);
    assert_eq!(texts(hard(), &machine(1000, less.clone())), alone);

    // What every root may write takes no capability.
    let queue = || finding(setting("net.core.somaxconn"), Shortfall::Differs, own());
    assert_eq!(texts(queue(), &machine(1000, less)), [sudo]);
    assert_eq!(texts(queue(), &machine(1000, bound.clone()))[0], "sudo sysctl -w net.core.somaxconn=9999");
    let lone = known(Namespaces { net: Some(false), ..Namespaces::default() }, 1000, bound);
    assert!(texts(queue(), &lone).is_empty());
}

/// Where a filter of system calls is in force, it could be behind any refusal.
#[test]
fn seccomp_is_told_from_security_modules() {
    let filter = EnvironmentDetails { seccomp: Some(Seccomp::Filter), capabilities: Some(u64::MAX), ..free() };
    let none = EnvironmentDetails { seccomp: Some(Seccomp::Off), ..filter.clone() };
    let key = |errno, around: &EnvironmentDetails| {
        let short = finding(setting("net.core.somaxconn"), refused(Operation::OpenToWrite, errno), own());
        diagnosed(short, &machine(0, around.clone())).cause.code()
    };
    assert_eq!((key(Errno::EACCES, &filter), key(Errno::EACCES, &none)), ("unknown", "security-module"));
    // The mount says that it is none.
    assert_eq!((key(Errno::EROFS, &filter), key(Errno::EROFS, &none)), ("unknown", "unknown"));
    let limit = |around: &EnvironmentDetails| {
        let refusal = KernelError { operation: Operation::GetLimits, errno: Errno::EPERM };
        let unread = Shortfall::Unread(Unreadable::Refused(refusal));
        let short = finding(Setting::Limit(Resource::Nofile, Side::Soft), unread, Evidence::default());
        diagnosed(short, &machine(0, around.clone())).cause.code()
    };
    assert_eq!((limit(&filter), limit(&none)), ("seccomp-filter", "unknown"));
}

/// Some keys are shown to those alone who may write them.
#[test]
fn missing_capability_to_read_is_diagnosed() {
    let around = EnvironmentDetails { capabilities: Some(1 << 12), ..free() };
    let refusal = KernelError { operation: Operation::Read, errno: Errno::EPERM };
    let unread = Shortfall::Unread(Unreadable::Refused(refusal));
    let said = diagnosed(finding(setting("net.core.bpf_jit_harden"), unread, own()), &machine(0, around));
    assert_eq!(said.cause.code(), "missing-capability", "{said:?}");
}
