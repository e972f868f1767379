//! The door to a real Linux kernel, in network, IPC and host name namespaces that are ours alone: nothing that
//! is written here is seen outside. Each test runs itself again in a process in there.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::process::Command;

use nix::errno::Errno;
use nix::unistd::{Pid, Uid};

use tunectl::kernel::linux::Linux;
use tunectl::kernel::{AccessMode, Kernel, KernelError, Operation, Process, WriteMode};
use tunectl::model::limit::{Limit, Limits, Resource};
use tunectl::model::name::SysctlName;
use tunectl::model::setting::Key;
use tunectl::model::value::{Kind, Value};

use crate::support::namespaces::{inside, lower_limit, skip, this_test};

fn sysctl(name: &str) -> Key {
    Key::Sysctl(SysctlName::parse(name).unwrap())
}

fn kernel() -> Linux {
    Linux::here(AccessMode::Write)
}

/// What an independent reader sees: one read, larger than any value.
fn file(path: &str) -> String {
    let mut text = vec![0; 1 << 20];
    let count = fs::File::open(format!("/proc/sys/{path}")).unwrap().read(&mut text).unwrap();
    text.truncate(count);
    String::from_utf8(text).unwrap()
}

fn refused<T>(operation: Operation, errno: Errno) -> Result<T, KernelError> {
    Err(KernelError { operation, errno })
}

#[test]
fn number_is_written_and_read_back() {
    inside(this_test!(), || {
        let mut kernel = kernel();
        let key = sysctl("net.core.somaxconn");
        kernel.write(&key, "32768", WriteMode::One).unwrap();
        assert_eq!(kernel.read(&key).unwrap(), "32768\n");
        assert_eq!(file("net/core/somaxconn"), "32768\n");
        kernel.write(&key, "010", WriteMode::One).unwrap();
        assert_eq!((kernel.read(&key).unwrap(), file("net/core/somaxconn")), ("8\n".into(), "8\n".into()));
        assert_eq!(kernel.write(&key, "-1", WriteMode::One), refused(Operation::Write, Errno::EINVAL));
        kernel.write(&key, "", WriteMode::One).unwrap();
        assert_eq!(kernel.read(&key).unwrap(), "8\n");
    });
}

#[test]
fn short_write_is_an_error() {
    inside(this_test!(), || {
        let mut kernel = kernel();
        let key = sysctl("net.core.somaxconn");
        let short = Operation::ShortWrite { taken: 3, of: 6 };
        assert_eq!(kernel.write(&key, "77 abc", WriteMode::One), refused(short, Errno::EIO));
        assert_eq!(kernel.read(&key).unwrap(), "77\n");
        let pair = sysctl("net.ipv4.ip_local_port_range");
        kernel.write(&pair, "20000 30001", WriteMode::One).unwrap();
        kernel.write(&pair, "10000", WriteMode::One).unwrap();
        assert_eq!(kernel.read(&pair).unwrap(), "10000\t30001\n");
    });
}

#[test]
fn long_port_lists_are_written_and_read_whole() {
    inside(this_test!(), || {
        let list = |first: usize, count: usize| -> String {
            (0..count).map(|n| (first + 2 * n).to_string()).collect::<Vec<_>>().join(",")
        };
        let key = sysctl("net.ipv4.ip_local_reserved_ports");
        let mut kernel = kernel();
        // The second replaces the first; the last has more text than any one read of a page gives.
        for (first, count) in [(10_001, 1000), (20_000, 1000), (1, 32_768)] {
            kernel.write(&key, &list(first, count), WriteMode::Lists).unwrap();
            assert!(kernel.read(&key).unwrap() == list(first, count) + "\n", "{first}");
            let Ok(Value::Ranges(ports)) = Kind::Ports.parse(&file("net/ipv4/ip_local_reserved_ports")) else {
                panic!("no list of ports");
            };
            assert_eq!(ports.count(), count as u64);
        }
        let Err(KernelError { operation: Operation::ShortWrite { of: 5999, taken }, .. }) =
            kernel.write(&key, &list(10_001, 1000), WriteMode::One)
        else {
            panic!("a list of 5999 bytes was taken in one write");
        };
        assert!((4086..=4095).contains(&taken), "{taken}");
        kernel.write(&key, "\n", WriteMode::Lists).unwrap();
        assert_eq!(kernel.read(&key).unwrap(), "\n");
    });
}

#[test]
fn errors_name_the_operation() {
    inside(this_test!(), || {
        let mut kernel = kernel();
        let control = sysctl("net.ipv4.tcp_congestion_control");
        assert_eq!(kernel.write(&control, "nonsense", WriteMode::One), refused(Operation::Write, Errno::ENOENT));
        let missing = sysctl("net.core.nonsense");
        assert_eq!(kernel.write(&missing, "1", WriteMode::One), refused(Operation::OpenToWrite, Errno::ENOENT));
        assert_eq!(kernel.read(&missing), refused(Operation::OpenToRead, Errno::ENOENT));
        let shown = sysctl("net.ipv4.tcp_available_congestion_control");
        assert!(kernel.read(&shown).unwrap().ends_with('\n'));
        assert_eq!(kernel.write(&shown, "reno", WriteMode::One), refused(Operation::OpenToWrite, Errno::EACCES));
        let evidence = kernel.inspect(&shown);
        assert_eq!((evidence.mode, evidence.read_only_mount), (Some(0o444), Some(false)));
    });
}

#[test]
fn write_only_key_is_written() {
    inside(this_test!(), || {
        let mut kernel = kernel();
        let key = sysctl("net.ipv4.route.flush");
        assert_eq!(kernel.read(&key), refused(Operation::Read, Errno::EACCES));
        kernel.write(&key, "1", WriteMode::One).unwrap();
        assert_eq!(kernel.inspect(&key).mode, Some(0o200));
    });
}

#[test]
fn millisecond_values_are_rounded_by_the_kernel() {
    inside(this_test!(), || {
        let mut kernel = kernel();
        let key = sysctl("net.ipv4.neigh.lo.retrans_time_ms");
        kernel.write(&key, "1001", WriteMode::One).unwrap();
        let rounded = kernel.read(&key).unwrap();
        // With 1000, 300, 250 and 100 ticks a second.
        assert!(["1001\n", "1003\n", "1004\n", "1010\n"].contains(&rounded.as_str()), "{rounded}");
    });
}

#[test]
fn interface_names_with_dots_match_patterns() {
    inside(this_test!(), || {
        let mut kernel = kernel();
        let pattern = SysctlName::parse("net.ipv4.conf.*.rp_filter").unwrap();
        let names = |kernel: &mut Linux| -> Vec<String> {
            kernel.names(&pattern).unwrap().iter().map(|name| name.path().to_owned()).collect()
        };
        let path = |interface| format!("net/ipv4/conf/{interface}/rp_filter");
        assert_eq!(names(&mut kernel), ["all", "default", "lo"].map(path));
        if !ip(&["link", "add", "eth0.100", "type", "veth", "peer", "name", "peer0"]) {
            return skip(this_test!(), "`ip` could not add an interface");
        }
        assert_eq!(names(&mut kernel), ["all", "default", "eth0.100", "lo", "peer0"].map(path));
        let key = sysctl("net.ipv4.conf.eth0/100.rp_filter");
        kernel.write(&key, "2", WriteMode::One).unwrap();
        assert_eq!(
            (kernel.read(&key).unwrap(), file("net/ipv4/conf/eth0.100/rp_filter")),
            ("2\n".into(), "2\n".into())
        );
        // Taken away and added again, it is another one with the same name.
        assert!(ip(&["link", "del", "eth0.100"]));
        assert_eq!(kernel.read(&key), refused(Operation::OpenToRead, Errno::ENOENT));
        assert!(ip(&["link", "add", "eth0.100", "type", "veth", "peer", "name", "peer0"]));
        assert_eq!(kernel.read(&key).unwrap(), file("net/ipv4/conf/eth0.100/rp_filter"));
        kernel.write(&key, "1", WriteMode::One).unwrap();
        assert_eq!(file("net/ipv4/conf/eth0.100/rp_filter"), "1\n");
    });
}

#[test]
fn interface_names_that_look_like_patterns_are_written() {
    inside(this_test!(), || {
        let mut kernel = kernel();
        if !ip(&["link", "add", "x=y", "type", "veth", "peer", "name", "a*[b"]) {
            return skip(this_test!(), "`ip` could not add an interface");
        }
        let pattern = SysctlName::parse("net.ipv4.conf.*.rp_filter").unwrap();
        let names = kernel.names(&pattern).unwrap();
        let interfaces: Vec<&str> = names.iter().filter_map(|name| name.path().split('/').nth(3)).collect();
        assert_eq!(interfaces, ["a*[b", "all", "default", "lo", "x=y"]);
        for name in names {
            let key = Key::Sysctl(name);
            kernel.write(&key, "2", WriteMode::One).unwrap();
            assert_eq!(kernel.read(&key).unwrap(), "2\n", "{key}");
        }
        assert_eq!(
            (file("net/ipv4/conf/a*[b/rp_filter"), file("net/ipv4/conf/x=y/rp_filter")),
            ("2\n".into(), "2\n".into())
        );
    });
}

fn ip(arguments: &[&str]) -> bool {
    Command::new("ip").args(arguments).status().is_ok_and(|status| status.success())
}

#[test]
fn recreated_interface_is_written() {
    inside(this_test!(), || {
        if !ip(&["link", "add", "eth7", "type", "veth", "peer", "name", "peer7"]) {
            return skip(this_test!(), "`ip` could not add an interface");
        }
        let mut kernel = kernel();
        let key = sysctl("net.ipv4.conf.eth7.rp_filter");
        kernel.read(&key).unwrap();
        assert!(ip(&["link", "del", "eth7"]));
        assert_eq!(kernel.write(&key, "1", WriteMode::One), refused(Operation::OpenToWrite, Errno::ENOENT));
        assert!(ip(&["link", "add", "eth7", "type", "veth", "peer", "name", "peer7"]));
        kernel.write(&key, "2", WriteMode::One).unwrap();
        assert_eq!(file("net/ipv4/conf/eth7/rp_filter"), "2\n");
    });
}

#[test]
fn ipc_and_uts_settings_are_written() {
    inside(this_test!(), || {
        let mut kernel = kernel();
        let memory = sysctl("kernel.shmmax");
        kernel.write(&memory, "65536", WriteMode::One).unwrap();
        assert_eq!((kernel.read(&memory).unwrap(), file("kernel/shmmax")), ("65536\n".into(), "65536\n".into()));
        let semaphores = sysctl("kernel.sem");
        let wrong = kernel.write(&semaphores, "250 32000 100 99999999", WriteMode::One);
        assert_eq!(wrong, refused(Operation::Write, Errno::ERANGE));
    });
}

#[test]
fn kernel_works_with_few_descriptors() {
    inside(this_test!(), || {
        lower_limit(rlimit::Resource::NOFILE, 16, 16);
        let mut kernel = kernel();
        // Others of ours are open too, so that the keys that are kept meet the limit.
        let others: Vec<fs::File> = (0..8).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        let names = [
            "net.core.somaxconn",
            "net.ipv4.tcp_fin_timeout",
            "net.ipv4.tcp_keepalive_time",
            "net.ipv4.tcp_keepalive_intvl",
            "net.ipv4.conf.lo.rp_filter",
            "net.ipv4.conf.all.rp_filter",
            "net.ipv4.conf.default.rp_filter",
            "net.ipv4.neigh.lo.gc_stale_time",
            "net.unix.max_dgram_qlen",
            "kernel.msgmax",
        ];
        let keys = names.map(sysctl);
        for key in &keys {
            kernel.read(key).unwrap();
        }
        for key in &keys {
            kernel.write(key, "1", WriteMode::One).unwrap();
        }
        for key in &keys {
            assert_eq!(kernel.read(key).unwrap(), "1\n", "{key}");
        }
        drop(others);
    });
}

#[test]
fn limits_agree_with_proc_limits() {
    let shown = fs::read_to_string("/proc/self/limits").unwrap();
    let shown: Vec<&str> = shown.lines().skip(1).collect();
    let mut kernel = Linux::here(AccessMode::Read);
    let found: BTreeMap<Resource, Limits> =
        Resource::ALL.map(|resource| (resource, kernel.limits(Process::Own, resource).unwrap())).into();
    for (resource, line) in Resource::ALL.into_iter().zip(shown) {
        // The names hold blanks, the columns start at fixed places (`proc_pid_limits`, fs/proc/base.c).
        let values: Vec<&str> = line[26..].split_whitespace().take(2).collect();
        let limits = found[&resource];
        assert_eq!(values, [limits.soft.to_string(), limits.hard.to_string()], "{resource}");
    }
    let own = Process::Pid(Pid::this().as_raw());
    for (resource, limits) in found {
        assert_eq!(kernel.limits(own, resource).unwrap(), limits, "{resource}");
    }
}

#[test]
fn limits_of_other_processes_are_set_or_refused() {
    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    let process = Process::Pid(child.id().try_into().unwrap());
    let mut kernel = Linux::here(AccessMode::Write);
    let core = Limits { soft: Limit::Value(0), hard: Limit::Value(4096) };
    let set = kernel.set_limits(process, Resource::Core, core);
    let found = kernel.limits(process, Resource::Core);
    let upside_down = Limits { soft: Limit::Value(2), hard: Limit::Value(1) };
    let wrong = kernel.set_limits(process, Resource::Core, upside_down);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((set, found), (Ok(()), Ok(core)));
    assert_eq!(wrong, refused(Operation::SetLimits, Errno::EINVAL));
    assert_eq!(kernel.limits(process, Resource::Core), refused(Operation::GetLimits, Errno::ESRCH));
    let unlimited = Limits { soft: Limit::Unlimited, hard: Limit::Unlimited };
    let set = kernel.set_limits(Process::Own, Resource::Nofile, unlimited);
    assert_eq!(set, refused(Operation::SetLimits, Errno::EPERM));
    if !Uid::effective().is_root() {
        let refusal = kernel.limits(Process::Pid(1), Resource::Core).unwrap_err();
        assert_eq!(refusal.errno, Errno::EPERM);
        // Where /proc shows other users' processes, proc(5), `hidepid`.
        let Ok(table) = fs::read_to_string("/proc/1/limits") else { return };
        let line = table.lines().find(|line| line.starts_with("Max core file size ")).unwrap();
        let sides: Vec<String> = line.split_whitespace().skip(4).take(2).map(str::to_owned).collect();
        let shown = refusal.shown().unwrap();
        assert_eq!((refusal.errno, vec![shown.soft.to_string(), shown.hard.to_string()]), (Errno::EPERM, sides));
    }
}
