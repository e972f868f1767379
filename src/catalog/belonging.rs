//! What a setting belongs to, for known and unknown settings alike: what may be written from inside a
//! container, and what is the host's.

use super::hostnet;
use super::row::Row;
use super::scope::{InNewNetns, Scope};
use super::table::find;
use super::version::KernelVersion;
use crate::model::setting::{Key, System};

/// What a setting belongs to on that kernel: as its row says, or where it has none, by its name.
///
/// A name that nothing is known of counts as the host's, unless it is in a folder that the kernel keeps
/// for each namespace: refusing too much is the mistake that can be corrected.
#[must_use]
pub fn scope_of(system: System, key: &Key, version: KernelVersion) -> Scope {
    scope_with(find(system, key), system, key, version)
}

/// The same for who has the setting's row already.
#[must_use]
pub fn scope_with(row: Option<&Row>, system: System, key: &Key, version: KernelVersion) -> Scope {
    if let Some(row) = row.filter(|_| !hostnet::is_of_all_neighbours(key)) {
        return row.scope.at(version);
    }
    if host_net(system, key, version).is_some() {
        return Scope::HostNet;
    }
    match (row, system, key) {
        (Some(row), _, _) => row.scope.at(version),
        (None, System::Linux, Key::Sysctl(name)) => scope_by_name(name.path()),
        (None, System::Linux, Key::Sysfs(_)) | (None, System::MacOs, _) => Scope::Host,
    }
}

/// What a fresh network namespace has of a setting, known or unknown.
#[must_use]
pub fn in_new_netns(system: System, key: &Key, version: KernelVersion) -> InNewNetns {
    host_net(system, key, version).unwrap_or_else(|| match find(system, key) {
        Some(row) => row.in_new_netns.at(version),
        None if scope_of(system, key, version) == Scope::NetNs => InNewNetns::Writable,
        None => InNewNetns::Shared,
    })
}

fn host_net(system: System, key: &Key, version: KernelVersion) -> Option<InNewNetns> {
    match key {
        Key::Sysctl(name) if system == System::Linux => hostnet::presence(name.path().strip_prefix("net/")?, version),
        Key::Sysctl(_) | Key::Sysfs(_) => None,
    }
}

/// By the folder, as the kernel registers them: `net/` for each network namespace (`net/sysctl_net.c`), the
/// names of `ipc/ipc_sysctl.c` and `ipc/mq_sysctl.c`, and `user/` (`kernel/ucount.c`).
fn scope_by_name(path: &str) -> Scope {
    let (top, rest) = path.split_once('/').unwrap_or((path, ""));
    match top {
        "net" => Scope::NetNs,
        "user" => Scope::UserNs,
        "fs" if rest.starts_with("mqueue/") => Scope::IpcNs,
        "kernel" if is_ipc(rest) => Scope::IpcNs,
        "kernel" if rest == "ns_last_pid" => Scope::PidNs,
        _ => Scope::Host,
    }
}

/// The names of `ipc/ipc_sysctl.c`.
fn is_ipc(name: &str) -> bool {
    const NAMES: [&str; 3] = ["sem", "sem_next_id", "auto_msgmni"];
    NAMES.contains(&name) || (name.starts_with("shm") || name.starts_with("msg")) && !name.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::{SysctlName, SysfsName};

    fn sysctl(name: &str) -> Key {
        Key::Sysctl(SysctlName::parse(name).unwrap())
    }

    #[test]
    fn scopes_follow_the_rows_the_names_and_the_kernel() {
        const OLD: KernelVersion = KernelVersion(6, 1);
        const NEW: KernelVersion = KernelVersion(6, 18);
        for (name, version, scope) in [
            ("net.core.somaxconn", NEW, Scope::NetNs),
            ("net.core.netdev_max_backlog", NEW, Scope::HostNet),
            ("net.core.rmem_max", OLD, Scope::HostNet),
            ("net.core.rmem_max", NEW, Scope::HostNet),
            ("net.core.optmem_max", OLD, Scope::HostNet),
            ("net.core.optmem_max", NEW, Scope::NetNs),
            ("net.core.of_the_future", NEW, Scope::NetNs),
            ("net.core.fb_tunnels_only_for_init_net", NEW, Scope::HostNet),
            ("net.ipv4.neigh.eth0.gc_stale_time", NEW, Scope::NetNs),
            ("net.ipv4.neigh.default.gc_stale_time", NEW, Scope::HostNet),
            ("net.ipv4.conf.default.rp_filter", NEW, Scope::NetNs),
            ("net.ipv4.*", NEW, Scope::NetNs),
            ("net.ipv4.route.redirect_load", NEW, Scope::HostNet),
            ("net.netfilter.nf_conntrack_max", NEW, Scope::HostNet),
            ("net.sctp.sctp_mem", NEW, Scope::HostNet),
            ("net.sctp.rto_min", NEW, Scope::NetNs),
            ("kernel.shmmax", NEW, Scope::IpcNs),
            ("kernel.shm_next_id", NEW, Scope::IpcNs),
            ("kernel.msg_next_id", NEW, Scope::IpcNs),
            ("kernel.sem_next_id", NEW, Scope::IpcNs),
            ("fs.mqueue.msgsize_max", NEW, Scope::IpcNs),
            ("fs.mqueue.of_the_future", NEW, Scope::IpcNs),
            ("kernel.hostname", NEW, Scope::UtsNs),
            ("kernel.domainname", NEW, Scope::UtsNs),
            ("user.max_net_namespaces", NEW, Scope::UserNs),
            ("user.of_the_future", NEW, Scope::UserNs),
            ("kernel.pid_max", OLD, Scope::Host),
            ("kernel.pid_max", NEW, Scope::PidNs),
            ("kernel.ns_last_pid", NEW, Scope::PidNs),
            ("vm.memfd_noexec", NEW, Scope::PidNs),
            ("vm.swappiness", NEW, Scope::Host),
            ("kernel.random.boot_id", NEW, Scope::Host),
            ("sunrpc.tcp_slot_table_entries", NEW, Scope::Host),
            ("dev.tty.ldisc_autoload", NEW, Scope::Host),
            ("net", NEW, Scope::NetNs),
        ] {
            assert_eq!(scope_of(System::Linux, &sysctl(name), version), scope, "{name} on {version}");
        }
        assert_eq!(scope_of(System::MacOs, &sysctl("kern.maxfiles"), NEW), Scope::Host);
        assert_eq!(scope_of(System::MacOs, &sysctl("net.core.netdev_max_backlog"), NEW), Scope::Host);
        let attribute = Key::Sysfs(SysfsName::parse("net/core/netdev_max_backlog").unwrap());
        assert_eq!(scope_of(System::Linux, &attribute, NEW), Scope::Host);
    }

    #[test]
    fn rows_and_the_list_of_what_is_the_hosts_agree() {
        for version in [KernelVersion::OLDEST, KernelVersion(6, 1), KernelVersion(6, 12), KernelVersion(6, 18)] {
            for name in crate::catalog::names(System::Linux).filter(|name| name.starts_with("net.")) {
                let key = sysctl(name);
                let row = crate::catalog::row(System::Linux, &key).unwrap();
                let listed = host_net(System::Linux, &key, version);
                assert_eq!(row.scope.at(version) == Scope::HostNet, listed.is_some(), "{name} on {version}");
                if let Some(presence) = listed {
                    assert_eq!(row.in_new_netns.at(version), presence, "{name} on {version}");
                }
            }
        }
    }
}
