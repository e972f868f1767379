//! LXC and Incus, `lxc.container.conf(5)`.

use super::{ContainerKey, Runtime, Signs};
use crate::catalog::Scope;
use crate::diagnose::context::{DiagnosisContext, is_named};
use crate::diagnose::remedy::{Action, LxcKey, Remedy};
use crate::linux::cgroup::CgroupVersion;
use crate::model::limit::{Limit, Limits, Resource};

pub(super) struct Lxc;

impl Runtime for Lxc {
    fn signs(&self) -> Signs {
        Signs { code: "lxc", names: &["lxc", "lxc-libvirt"], ..Signs::NONE }
    }

    /// LXC sets sysctls from within the container, when it has mounted `/proc` there: all but the network's are on a mount
    /// that is read-only by then (`proc:mixed`), and it gives up. A hook runs outside, with the container's namespaces
    /// made.
    fn set_key(&self, key: &ContainerKey<'_>, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        let (name, value) = (key.key.clone(), key.value.clone());
        let line = match key.scope {
            Scope::NetNs => LxcKey::Sysctl(name, value),
            Scope::UtsNs if is_named(key.key, "kernel.hostname") => LxcKey::UtsName(value),
            Scope::UtsNs | Scope::IpcNs => LxcKey::StartHostHook { scope: key.scope, key: name, value },
            Scope::UserNs | Scope::PidNs | Scope::Host | Scope::HostNet => return Vec::new(),
        };
        vec![Action::Lxc(line).into()]
    }

    fn set_limit(&self, resource: Resource, limits: Limits, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        vec![Action::Lxc(LxcKey::Prlimit(resource, limits)).into()]
    }

    fn raise_pids(&self, most: Limit, context: &DiagnosisContext<'_>) -> Vec<Remedy> {
        let version = context.details.cgroups.unwrap_or(CgroupVersion::V2);
        vec![Action::Lxc(LxcKey::PidsMax(version, most)).into()]
    }

    fn without_apparmor(&self, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        vec![Action::Lxc(LxcKey::AppArmorUnconfined).into()]
    }
}
