//! The catalog's rows by themselves: whole, sane, and agreeing with each other.

use tunectl::catalog::{self, Access, Docker, InNewNetns, Kubernetes, ReadBack, Row, Scope};
use tunectl::model::limit::Resource;
use tunectl::model::name::{SysctlName, SysfsName};
use tunectl::model::setting::{Key, System};
use tunectl::model::value::Kind;
use tunectl::output::{self, Explained, ExplainedSetting, SettingState};

const SYSTEMS: [System; 2] = [System::Linux, System::MacOs];

fn all() -> impl Iterator<Item = &'static Row> {
    SYSTEMS.into_iter().flat_map(catalog::rows)
}

/// Sysctls have dots, attributes have slashes.
fn key(row: &Row) -> Key {
    if row.name.contains('/') {
        Key::Sysfs(SysfsName::parse(row.name).unwrap())
    } else {
        Key::Sysctl(SysctlName::parse(row.name).unwrap())
    }
}

#[test]
fn every_row_is_found_by_its_name() {
    for row in all() {
        let key = key(row);
        assert_eq!(catalog::row(row.system, &key).map(|found| found.name), Some(row.name));
        let spec = catalog::spec(row.system, &key).unwrap();
        assert_eq!(spec, row.spec(), "{}", row.name);
    }
}

#[test]
fn every_row_has_a_description() {
    for row in all() {
        let name = row.name;
        assert!(!row.purpose.is_empty() && !row.unit.is_empty() && !row.sources.is_empty(), "{name}");
        for version in [catalog::KernelVersion::OLDEST, catalog::KernelVersion::NEWEST] {
            assert!(!row.default.at(version).is_empty(), "{name}");
        }
        let texts = row.notes.iter().copied().chain([row.purpose]).chain(row.rare.read_back.map(ReadBack::text));
        for text in texts {
            assert!(!text.ends_with('.') && !text.contains('\n') && text.trim() == text, "{name}: {text:?}");
        }
    }
}

#[test]
fn every_range_is_valid_and_within_a_kernel_range() {
    for row in all() {
        let name = row.name;
        let numeric = matches!(row.values.kind, Kind::Number | Kind::Numbers(_) | Kind::PortRange | Kind::Ports);
        assert!(numeric || row.values.bounds.is_none(), "{name} has a range, but no numbers");
        assert!(!matches!(row.values.kind, Kind::Limit), "{name}");
        let kernels =
            row.kernel_range.iter().flat_map(|range| range.then.iter().map(|(_, bounds)| bounds).chain([&range.first]));
        for bounds in kernels.chain(&row.values.bounds) {
            assert!(i128::from(bounds.min) <= i128::from(bounds.max), "{name}");
        }
    }
}

#[test]
fn versions_within_a_row_ascend() {
    for row in all() {
        let name = row.name;
        assert!(row.default.then.is_sorted_by_key(|(since, _)| since), "{name}");
        assert!(row.kernel_range.is_none_or(|range| range.then.is_sorted_by_key(|(since, _)| since)), "{name}");
        if let (Some(since), Some(removed)) = (row.rare.since, row.rare.removed_in) {
            assert!(since < removed, "{name}");
        }
    }
}

#[test]
fn dependencies_are_rows_and_acyclic() {
    for row in all() {
        let mut reached: Vec<&'static str> = row.rare.after.to_vec();
        let mut next = 0;
        while next < reached.len() {
            let before = all().find(|other| other.name == reached[next]);
            let before = before.unwrap_or_else(|| panic!("{}: no row `{}`", row.name, reached[next]));
            assert_ne!(before.name, row.name, "a circle");
            assert!(matches!(key(before), Key::Sysctl(_)), "{}", row.name);
            assert_eq!(before.system, row.system, "{}", row.name);
            reached
                .extend(before.rare.after.iter().filter(|name| !reached.contains(name)).copied().collect::<Vec<_>>());
            next += 1;
        }
    }
}

#[test]
fn docker_and_kubernetes_columns_follow_from_the_scope() {
    for row in catalog::rows(System::Linux) {
        let name = row.name;
        let scope = row.scope.now;
        // Docker's client lets these pass by name (opts.ValidateSysctl in docker/cli), runc then looks.
        let by_name = name.starts_with("net.") || name.starts_with("fs.mqueue.") || scope == Scope::IpcNs;
        let docker = match scope {
            _ if !by_name => Docker::Refused,
            _ if row.access == Access::ReadOnly => Docker::AcceptedButFails,
            Scope::HostNet => Docker::AcceptedButFails,
            _ => Docker::Accepted,
        };
        assert_eq!(row.docker, docker, "{name}");
        let namespaced = matches!(scope, Scope::NetNs | Scope::IpcNs) && row.access != Access::ReadOnly;
        assert_eq!(row.kubernetes != Kubernetes::NotPossible, namespaced, "{name}");
        let presence = row.in_new_netns.now;
        match scope {
            Scope::NetNs if row.access == Access::ReadOnly => assert_eq!(presence, InNewNetns::ReadOnly, "{name}"),
            Scope::NetNs => assert_eq!(presence, InNewNetns::Writable, "{name}"),
            Scope::HostNet => assert!(matches!(presence, InNewNetns::Absent | InNewNetns::ReadOnly), "{name}"),
            _ => assert_eq!(presence, InNewNetns::Shared, "{name}"),
        }
    }
}

/// kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster, "Safe and Unsafe Sysctls".
#[test]
fn kubernetes_safe_sysctls_are_listed() {
    let safe: Vec<&str> = catalog::rows(System::Linux)
        .filter(|row| matches!(row.kubernetes, Kubernetes::Safe { .. }))
        .map(|row| row.name)
        .collect();
    assert_eq!(
        safe,
        [
            "kernel.shm_rmid_forced",
            "net.ipv4.ip_local_port_range",
            "net.ipv4.ip_local_reserved_ports",
            "net.ipv4.ip_unprivileged_port_start",
            "net.ipv4.ping_group_range",
            "net.ipv4.tcp_fin_timeout",
            "net.ipv4.tcp_keepalive_intvl",
            "net.ipv4.tcp_keepalive_probes",
            "net.ipv4.tcp_keepalive_time",
            "net.ipv4.tcp_notsent_lowat",
            "net.ipv4.tcp_rmem",
            "net.ipv4.tcp_slow_start_after_idle",
            "net.ipv4.tcp_syncookies",
            "net.ipv4.tcp_wmem",
        ]
    );
}

#[test]
fn commonly_tuned_settings_are_in_the_catalog() {
    for name in [
        "net.core.somaxconn",
        "net.ipv4.tcp_max_syn_backlog",
        "net.ipv4.conf.eth0/100.rp_filter",
        "net.ipv4.neigh.default.gc_thresh3",
        "net.ipv6.conf.default.disable_ipv6",
        "net.netfilter.nf_conntrack_max",
        "vm.max_map_count",
        "vm.dirty_writeback_centisecs",
        "vm.page-cluster",
        "kernel.sched_migration_cost_ns",
        "fs.inotify.max_user_watches",
        "net.ipv4.tcp_tw_recycle",
    ] {
        let key = Key::Sysctl(SysctlName::parse(name).unwrap());
        assert!(catalog::row(System::Linux, &key).is_some(), "{name}");
    }
    assert!(catalog::names(System::Linux).count() > 280);
    assert!(catalog::names(System::MacOs).any(|name| name == "kern.maxfilesperproc"));
}

#[test]
fn every_row_can_be_explained_on_every_kernel() {
    for row in all() {
        for version in [(4, 19), (5, 10), (6, 1), (6, 12), (6, 18), (7, 2)] {
            let page = output::explain(&Explained::Setting(ExplainedSetting {
                key: &key(row),
                system: row.system,
                row: Some(row),
                version: catalog::KernelVersion(version.0, version.1),
                state: SettingState::Pattern,
            }));
            assert!(page.starts_with(row.name) && page.contains(row.purpose), "{page}");
            assert!(page.lines().all(|line| line.trim_end() == line), "{page}");
        }
    }
    for resource in Resource::ALL {
        let page = output::explain(&Explained::Limit(catalog::limit(resource), None));
        assert!(page.starts_with(resource.name()), "{page}");
    }
}
