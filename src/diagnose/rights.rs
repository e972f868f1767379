//! Who may write a setting, as the kernel decides it: by the file's mode and owner, and for what belongs to a
//! namespace by that namespace's own rule (`net/sysctl_net.c`, `ipc/ipc_sysctl.c`, `kernel/ucount.c`,
//! `kernel/pid_namespace.c`). For most of `/proc/sys` no capability counts (`test_perm`, `fs/proc/proc_sysctl.c`).

use crate::catalog::Scope;
use crate::environment::{Environment, EnvironmentDetails};
use crate::model::capability::Capability;
use crate::model::setting::{Key, System};

/// How a user namespace shows an owner that it does not map, `user_namespaces(7)`.
pub(super) const OVERFLOW_USER: u32 = 65534;

/// Whether we may write, mounts and security modules aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rights {
    /// We may write it.
    Held,
    /// We are neither root nor do we have a right that would do instead.
    NotOneOf(Writers),
    /// We are root of a user namespace, and this capability is missing.
    Lacks(Capability),
    /// That can't be told from what is known.
    Unclear,
}

/// Who may write a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writers {
    /// Root, and nobody else.
    Root,
    /// Root, and whoever has the capability.
    RootOrHolder(Capability),
    /// Root of the container that the setting belongs to, and whoever has the capability.
    ContainerRootOrHolder(Capability),
    /// Whoever has the capability.
    Holder(Capability),
}

/// Whether a setting of this scope can be written by us, given that the `owner` of its file is mapped and its mode
/// lets him write.
pub(super) fn of(
    key: &Key,
    scope: Scope,
    owner: Option<u32>,
    environment: &Environment,
    details: &EnvironmentDetails,
) -> Rights {
    let root = environment.user == 0;
    let has = |capability: Capability| details.has(capability.number());
    if environment.system == System::MacOs {
        return if root { Rights::Held } else { Rights::NotOneOf(Writers::Root) };
    }
    if matches!(key, Key::Sysfs(_)) {
        return match has(Capability::DAC_OVERRIDE) {
            Some(true) => Rights::Held,
            _ if !root => Rights::NotOneOf(Writers::Root),
            _ => machines_root(environment, details),
        };
    }
    match scope {
        Scope::NetNs | Scope::HostNet => match has(Capability::NET_ADMIN) {
            Some(true) => Rights::Held,
            _ if machines_root(environment, details) == Rights::Held => Rights::Held,
            Some(false) if root && details.real_root == Some(false) => Rights::Lacks(Capability::NET_ADMIN),
            Some(false) if !root => Rights::NotOneOf(Writers::RootOrHolder(Capability::NET_ADMIN)),
            _ => Rights::Unclear,
        },
        Scope::UserNs => match has(Capability::SYS_RESOURCE) {
            Some(true) => Rights::Held,
            Some(false) if root => Rights::Lacks(Capability::SYS_RESOURCE),
            Some(false) => Rights::NotOneOf(Writers::Holder(Capability::SYS_RESOURCE)),
            None => Rights::Unclear,
        },
        Scope::PidNs if has(Capability::SYS_ADMIN) == Some(true) => Rights::Held,
        // Root of the host, in a container's namespaces, has to become that owner (`Linux::write`, kernel/linux).
        Scope::IpcNs
            if root
                && owner.is_some_and(|owner| owner != 0 && owner != OVERFLOW_USER)
                && has(Capability::SETUID) == Some(false) =>
        {
            Rights::NotOneOf(Writers::ContainerRootOrHolder(Capability::SETUID))
        }
        // The owner of what belongs to these is the root of their user namespace.
        Scope::IpcNs | Scope::PidNs if root => Rights::Held,
        _ if !root => Rights::NotOneOf(Writers::Root),
        _ => machines_root(environment, details),
    }
}

/// Whether we are the machine's own root, whatever we are called here.
fn machines_root(environment: &Environment, details: &EnvironmentDetails) -> Rights {
    match (environment.user, environment.own_user_namespace_is_initial(), details.real_root) {
        (0, Some(true), _) => Rights::Held,
        // A map of 0 to 0 is the machine's root where the namespace above is its first one, as it nearly always is.
        _ => Rights::Unclear,
    }
}
