//! What the catalog knows of a setting or a limit, as titled lines.

use super::Page;
use crate::catalog::{
    self, Access, ByVersion, Docker, InNewNetns, KernelVersion, Kubernetes, LimitRow, ReadBack, Row, Scope,
};
use crate::model::limit::Limits;
use crate::model::setting::{Key, System};
use crate::model::value::Kind;

/// What the catalog has of a setting, as it is on that kernel.
pub(super) fn known(row: &Row, key: &Key, version: KernelVersion) -> Page {
    // A row may stand for many settings: the page has the name that was asked for.
    let mut page = match key {
        Key::Sysctl(name) => Page::begin(&name.to_string(), row.purpose),
        Key::Sysfs(name) => Page::begin(name.path(), row.purpose),
    };
    page.line("values", &values(row));
    page.some("kernel takes", kernel_takes(row, version));
    page.line("default", &default(row, version));
    if row.system == System::Linux {
        page.line("belongs to", &owner(row, version));
        if row.exists_on(version) {
            let user = row.rare.in_user_netns_since.is_some_and(|since| version < since);
            namespaces(&mut page, row.in_new_netns.at(version), user, row.docker, row.kubernetes);
        }
    }
    page.some("needs", row.rare.capability);
    page.some("module", row.rare.module);
    page.some("exists", existence(row, version));
    page.some("access", access(row.access));
    page.some("one way", row.rare.one_way.map(|value| format!("{value} can't be undone until the next boot")));
    page.some("reads back", row.rare.read_back.map(ReadBack::text));
    page.some("written after", (!row.rare.after.is_empty()).then(|| row.rare.after.join(", ")));
    page.each("note", &mut row.notes.iter().copied());
    page.line("see", &row.sources.join(", "));
    page
}

/// The page of a setting that the catalog has no row of.
pub(super) fn unknown(system: System, key: &Key, version: KernelVersion) -> Page {
    let mut page = Page::begin(&key.to_string(), "what it does is not known");
    if system == System::Linux {
        let scope = catalog::scope_of(system, key, version);
        page.line("belongs to", scope.describe());
        if scope == Scope::HostNet {
            let presence = catalog::in_new_netns(system, key, version);
            namespaces(&mut page, presence, false, Docker::AcceptedButFails, Kubernetes::NotPossible);
        }
    }
    page
}

/// What is known of a resource limit, and what it is now.
pub(super) fn limit(row: &LimitRow, own: Option<Limits>) -> String {
    let mut page = Page::begin(row.resource.name(), row.purpose);
    page.line("counts", row.unit);
    let counted = if row.shell_factor == 1 { String::new() } else { format!(", in units of {}", row.shell_factor) };
    page.line("ulimit", &format!("-{} ({}){counted}", row.flag, row.title));
    page.line("default", row.default);
    page.line("on macOS", if row.on_macos { "yes" } else { "no" });
    page.some("effect", (!row.has_effect).then_some("none on Linux"));
    page.each("note", &mut row.notes.iter().copied());
    page.line("see", "getrlimit(2)");
    page.some("now", own.map(|own| format!("soft {}, hard {}", own.soft, own.hard)));
    page.text
}

/// `a whole number from 1 to 2147483647 (connections)`.
fn values(row: &Row) -> String {
    let shape = match row.values.kind {
        Kind::Number => "a whole number".to_owned(),
        Kind::Numbers(count) => format!("{count} whole numbers"),
        Kind::PortRange => "two ports, the lowest and the highest".to_owned(),
        Kind::Ports => "a list of ports, as in 8080,9000-9010".to_owned(),
        Kind::Cpus => "a list of processors, as in 0-3,8".to_owned(),
        Kind::Word | Kind::Choice => "one word".to_owned(),
        Kind::Text => "one line of text".to_owned(),
        Kind::Address => "an IPv6 address".to_owned(),
        Kind::Limit => "a whole number or unlimited".to_owned(),
    };
    let each = if matches!(row.values.kind, Kind::Numbers(_)) { ", each" } else { "" };
    let range =
        row.values.bounds.map_or_else(String::new, |bounds| format!("{each} from {} to {}", bounds.min, bounds.max));
    format!("{shape}{range} ({})", row.unit)
}

/// What the kernel takes beyond what is sane, or of that refuses.
fn kernel_takes(row: &Row, version: KernelVersion) -> Option<String> {
    let bounds = row.kernel_range?.at(version);
    let varies = row.rare.range_varies.map_or_else(String::new, |varies| format!(", {varies}"));
    (row.values.bounds != Some(bounds)).then(|| format!("{} to {}{varies}", bounds.min, bounds.max))
}

/// `4194304 (before 6.18: 212992)`; on an older kernel `212992 (since 6.18: 4194304)`.
fn default(row: &Row, version: KernelVersion) -> String {
    let ByVersion { first, then } = row.default;
    let now = row.default.at(version);
    let Some(last) = then.iter().rposition(|(since, _)| *since <= version) else {
        return then.first().map_or_else(|| now.to_owned(), |(since, later)| format!("{now} (since {since}: {later})"));
    };
    let before = last.checked_sub(1).map_or(first, |earlier| then[earlier].1);
    format!("{now} (before {}: {before})", then[last].0)
}

/// Likewise: `the network namespace (before 6.8: the host, …)`.
fn owner(row: &Row, version: KernelVersion) -> String {
    let (held, now) = (row.scope.at(version), row.scope.now);
    match row.scope.before {
        Some((since, _)) if version < since => format!("{} (since {since}: {})", held.describe(), now.describe()),
        Some((since, before)) => format!("{} (before {since}: {})", now.describe(), before.describe()),
        None => now.describe().to_owned(),
    }
}

/// What containers have of it.
fn namespaces(page: &mut Page, presence: InNewNetns, rootless: bool, docker: Docker, kubernetes: Kubernetes) {
    let netns = match presence {
        InNewNetns::Writable => Some("one of its own, writable"),
        InNewNetns::ReadOnly => Some("a copy that can't be written"),
        InNewNetns::Absent => Some("nothing: the file does not exist"),
        InNewNetns::Shared => None,
    };
    page.some("new netns has", netns);
    page.some("rootless", rootless.then_some("absent in a network namespace that a user namespace owns"));
    page.line(
        "docker",
        match docker {
            Docker::Accepted => "run --sysctl accepts it",
            Docker::AcceptedButFails => "run --sysctl accepts it, but then the container does not start",
            Docker::Refused => "run --sysctl refuses it",
        },
    );
    let kubernetes = match kubernetes {
        Kubernetes::Safe { since } => format!("safe since {since}: securityContext.sysctls takes it"),
        Kubernetes::Unsafe => "unsafe: only where the kubelet has it in --allowed-unsafe-sysctls".to_owned(),
        Kubernetes::NotPossible => "not in a pod: it is the node's".to_owned(),
    };
    page.line("kubernetes", &kubernetes);
}

/// Since when, or until when; nothing where every supported kernel has it.
fn existence(row: &Row, version: KernelVersion) -> Option<String> {
    let not_here = if row.exists_on(version) { "" } else { ", so not on this kernel" };
    match (row.rare.since, row.rare.removed_in) {
        (Some(since), Some(removed)) => Some(format!("since Linux {since}, removed in {removed}{not_here}")),
        (Some(since), None) => Some(format!("since Linux {since}{not_here}")),
        (None, Some(removed)) => Some(format!("removed in Linux {removed}{not_here}")),
        (None, None) => None,
    }
}

fn access(access: Access) -> Option<&'static str> {
    match access {
        Access::ReadWrite => None,
        Access::ReadOnly => Some("read-only"),
        Access::WriteOnly => Some("write-only"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::limit::Resource;
    use crate::model::name::SysctlName;

    fn page(name: &str, version: KernelVersion) -> String {
        let row =
            catalog::rows(System::Linux).chain(catalog::rows(System::MacOs)).find(|row| row.name == name).unwrap();
        known(row, &Key::Sysctl(SysctlName::parse(name).unwrap()), version).text
    }

    #[test]
    fn a_setting_of_a_namespace() {
        assert_eq!(
            page("net.core.optmem_max", KernelVersion(6, 18)),
            "\
net.core.optmem_max
  memory for ancillary data and options of a socket

  values          a whole number from 0 to 2147483647 (bytes per socket)
  default         131072 (before 6.8: 20480)
  belongs to      the network namespace (before 6.8: the host, in its initial network namespace)
  new netns has   one of its own, writable
  docker          run --sysctl accepts it
  kubernetes      unsafe: only where the kubelet has it in --allowed-unsafe-sysctls
  see             socket(7), Documentation/admin-guide/sysctl/net.rst
"
        );
        let old = page("net.core.optmem_max", KernelVersion(5, 10));
        assert!(old.contains("  default         20480 (since 6.8: 131072)\n"), "{old}");
        assert!(old.contains("  kernel takes    -2147483648 to 2147483647\n"), "{old}");
    }

    #[test]
    fn a_setting_of_the_host() {
        assert_eq!(
            page("vm.overcommit_memory", KernelVersion(6, 18)),
            "\
vm.overcommit_memory
  whether more memory is promised than there is

  values          a whole number from 0 to 2 (0 guess, 1 always promise, 2 never more than there is)
  default         0
  belongs to      the host
  docker          run --sysctl refuses it
  kubernetes      not in a pod: it is the node's
  written after   vm.overcommit_kbytes, vm.overcommit_ratio
  note            Redis wants 1, PostgreSQL 2, and MongoDB warns of 2
  see             proc(5), Documentation/mm/overcommit-accounting.rst
"
        );
    }

    #[test]
    fn what_is_gone_one_way_or_of_another_system() {
        let gone = page("net.ipv4.tcp_tw_recycle", KernelVersion(6, 18));
        assert!(gone.contains("  exists          removed in Linux 4.12, so not on this kernel\n"), "{gone}");
        assert!(!gone.contains("takes it"), "{gone}");
        let late = page("kernel.io_uring_disabled", KernelVersion(6, 18));
        assert!(late.contains("  exists          since Linux 6.6\n"), "{late}");
        let one_way = page("kernel.modules_disabled", KernelVersion(6, 18));
        assert!(one_way.contains("  one way         1 can't be undone until the next boot\n"), "{one_way}");
        let macos = page("kern.ipc.somaxconn", KernelVersion::NEWEST);
        assert!(!macos.contains("docker") && macos.contains("from 1 to 32767"), "{macos}");
    }

    #[test]
    fn a_range_that_the_build_decides_claims_no_more() {
        let ticks = "  kernel takes    -2147483 to 2147483, and more where the clock ticks slower than at 1000 Hz\n";
        for name in ["net.ipv4.tcp_fin_timeout", "net.netfilter.nf_conntrack_icmp_timeout", "vm.stat_interval"] {
            let page = page(name, KernelVersion(6, 18));
            assert!(page.contains(ticks), "{page}");
        }
        let budget = page("net.core.netdev_budget_usecs", KernelVersion(6, 18));
        let less = "  kernel takes    20000 to 2147483647, and less where the clock ticks faster than at 100 Hz\n";
        assert!(budget.contains(less), "{budget}");
        let reordering = page("net.ipv4.tcp_reordering", KernelVersion(6, 18));
        assert!(!reordering.contains("kernel takes") && reordering.contains("tcp_max_reordering\n"), "{reordering}");
    }

    #[test]
    fn a_setting_that_has_no_row() {
        let page = |name: &str| {
            unknown(System::Linux, &Key::Sysctl(SysctlName::parse(name).unwrap()), KernelVersion(6, 18)).text
        };
        assert_eq!(
            page("net.core.max_skb_frags"),
            "\
net.core.max_skb_frags
  what it does is not known

  belongs to      the host, in its initial network namespace
  new netns has   nothing: the file does not exist
  docker          run --sysctl accepts it, but then the container does not start
  kubernetes      not in a pod: it is the node's
"
        );
        assert!(page("net.ipv4.igmp_qrv").ends_with("\n  belongs to      the network namespace\n"));
    }

    #[test]
    fn a_limit() {
        assert_eq!(
            limit(catalog::limit(Resource::Memlock), None),
            "\
memlock
  memory that the process may lock: mlock(2), io_uring, RDMA

  counts          bytes
  ulimit          -l (max locked memory), in units of 1024
  default         8388608 (65536 before 5.16)
  on macOS        yes
  note            not for CAP_IPC_LOCK
                  BPF maps count against the cgroup's memory instead since 5.11
  see             getrlimit(2)
"
        );
    }
}
