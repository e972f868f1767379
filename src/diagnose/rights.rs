//! Who may write a setting, as the kernel decides it: by the file's mode and owner, and for what belongs to a
//! namespace by that namespace's own rule (`net/sysctl_net.c`, `ipc/ipc_sysctl.c`, `kernel/ucount.c`,
//! `kernel/pid_namespace.c`). For most of `/proc/sys` no capability counts (`test_perm`, `fs/proc/proc_sysctl.c`).

use crate::catalog::Scope;
use crate::environment::{Environment, EnvironmentDetails};
use crate::model::setting::{Key, System};

/// How a user namespace shows an owner that it does not map, `user_namespaces(7)`.
pub(super) const OVERFLOW_USER: u32 = 65534;

/// capabilities(7), by number.
const CAP_DAC_OVERRIDE: u32 = 1;
const CAP_SETUID: u32 = 7;
const CAP_NET_ADMIN: u32 = 12;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_SYS_RESOURCE: u32 = 24;

/// Whether we may write, mounts and security modules aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rights {
    /// We may.
    Held,
    /// We are not root, and nothing else that we have will do; who may is in the sentence.
    NotRoot(&'static str),
    /// We are root of a user namespace, and this capability is missing.
    Lacks(&'static str),
    /// That can't be told from what is known.
    Unclear,
}

/// Whether a setting of this scope can be written by us, given that the `owner` of its file is mapped and its mode
/// lets him write.
pub(super) fn of(
    key: &Key,
    scope: Scope,
    owner: Option<u32>,
    environment: &Environment,
    around: &EnvironmentDetails,
) -> Rights {
    let root = environment.user == 0;
    if environment.system == System::MacOs {
        return if root { Rights::Held } else { Rights::NotRoot("root") };
    }
    if matches!(key, Key::Sysfs(_)) {
        return match around.has(CAP_DAC_OVERRIDE) {
            Some(true) => Rights::Held,
            _ if !root => Rights::NotRoot("root"),
            _ => machines_root(environment, around),
        };
    }
    match scope {
        Scope::NetNs | Scope::HostNet => match around.has(CAP_NET_ADMIN) {
            Some(true) => Rights::Held,
            _ if machines_root(environment, around) == Rights::Held => Rights::Held,
            Some(false) if root && around.real_root == Some(false) => Rights::Lacks("CAP_NET_ADMIN"),
            Some(false) if !root => Rights::NotRoot("root, or who has CAP_NET_ADMIN,"),
            _ => Rights::Unclear,
        },
        Scope::UserNs => match around.has(CAP_SYS_RESOURCE) {
            Some(true) => Rights::Held,
            Some(false) if root => Rights::Lacks("CAP_SYS_RESOURCE"),
            Some(false) => Rights::NotRoot("who has CAP_SYS_RESOURCE"),
            None => Rights::Unclear,
        },
        Scope::PidNs if around.has(CAP_SYS_ADMIN) == Some(true) => Rights::Held,
        // Root of the host, in a container's namespaces, has to become that owner (`Linux::write`, kernel/linux).
        Scope::IpcNs
            if root
                && owner.is_some_and(|owner| owner != 0 && owner != OVERFLOW_USER)
                && around.has(CAP_SETUID) == Some(false) =>
        {
            Rights::NotRoot("the root of its container, or who has CAP_SETUID,")
        }
        // The owner of what belongs to these is the root of their user namespace.
        Scope::IpcNs | Scope::PidNs if root => Rights::Held,
        _ if !root => Rights::NotRoot("root"),
        _ => machines_root(environment, around),
    }
}

/// Whether we are the machine's own root, whatever we are called here.
fn machines_root(environment: &Environment, around: &EnvironmentDetails) -> Rights {
    match (environment.user, environment.own_user_namespace_is_initial(), around.real_root) {
        (0, Some(true), _) => Rights::Held,
        // A map of 0 to 0 is the machine's root where the namespace above is its first one, as it nearly always is.
        _ => Rights::Unclear,
    }
}
