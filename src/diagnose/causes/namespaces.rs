//! Settings of the host or of other namespaces than ours: `user_namespaces(7)`, `network_namespaces(7)`.

use super::{Code, Family, Whose};
use crate::catalog::{Access, InNewNetns, Row, Scope};
use crate::diagnose::case::KeyCase;
use crate::diagnose::remedy::{Action, Remedy};
use crate::diagnose::rights::OVERFLOW_USER;
use crate::plan::Unreadable;
use crate::report::Shortfall;

const HOST_SETTING: &Code = &Code {
    name: "host-setting",
    explanation: "The kernel has this setting once for the whole machine. From inside a container or \
                  namespace tunectl checks it but does not write it, although a privileged container could: \
                  it would change the host and every other container. Set it on the host, or use \
                  --allow-host-settings to write it anyway.",
};

const OWNER_NOT_MAPPED: &Code = &Code {
    name: "owner-not-mapped",
    explanation: "The file is owned by a user that this user namespace does not map (user_namespaces(7)), \
                  usually the host's root, and shows as owned by 65534. Root inside the namespace is a \
                  different user, and its capabilities do not apply to this file.",
};

const READ_ONLY_IN_NAMESPACE: &Code = &Code {
    name: "read-only-in-namespace",
    explanation: "This network namespace shows the initial namespace's value with mode 0444; nobody can \
                  write it here, not even a privileged container. Set it on the host: the value applies here \
                  too.",
};

const OUT_OF_REACH: &Code = &Code {
    name: "out-of-reach",
    explanation: "`--pid` enters the network, IPC and UTS namespaces of the process, but not its user and \
                  PID namespaces, to which this setting belongs. Reading it from here would give another \
                  namespace's value. Run tunectl inside with nsenter(1), or set it when the container is \
                  started.",
};

/// Whose a key is instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamespaceCause {
    /// It is the host's, or may be, so it was not written.
    HostSetting(HostSetting),
    /// Its owner is a user whom our user namespace does not map.
    OwnerNotMapped,
    /// This network namespace only shows the machine's value.
    ReadOnlyInNamespace,
    /// It is of a namespace of the process that `--pid` does not enter.
    OutOfReach {
        /// The kind of namespace.
        scope: Scope,
    },
}

/// How sure it is that a setting of the host is not ours to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostSetting {
    /// It is the host's, and this is a container or namespace.
    InContainer(Whose),
    /// It is the host's, and this may be a container.
    MaybeInContainer(Whose),
    /// It is of a namespace that may be the host's.
    MaybeHosts,
}

impl Family for NamespaceCause {
    const CODES: &'static [&'static Code] = &[HOST_SETTING, OUT_OF_REACH, OWNER_NOT_MAPPED, READ_ONLY_IN_NAMESPACE];

    fn code(&self) -> &'static Code {
        match self {
            Self::HostSetting(_) => HOST_SETTING,
            Self::OwnerNotMapped => OWNER_NOT_MAPPED,
            Self::ReadOnlyInNamespace => READ_ONLY_IN_NAMESPACE,
            Self::OutOfReach { .. } => OUT_OF_REACH,
        }
    }

    fn of_key(case: &KeyCase<'_>) -> Option<Self> {
        let environment = case.context.environment;
        let whose = Whose::of(environment);
        match case.shortfall {
            Shortfall::HostOwned if !case.is_hosts() => Some(Self::HostSetting(HostSetting::MaybeHosts)),
            Shortfall::HostOwned if environment.is_namespaced() => {
                Some(Self::HostSetting(HostSetting::InContainer(whose)))
            }
            Shortfall::HostOwned => Some(Self::HostSetting(HostSetting::MaybeInContainer(whose))),
            Shortfall::Unread(Unreadable::OtherNamespace(scope)) => Some(Self::OutOfReach { scope: *scope }),
            _ if case.is_denied() => Self::obstacle(case),
            _ => None,
        }
    }

    fn key_remedies(&self, case: &KeyCase<'_>) -> Vec<Remedy> {
        match self {
            Self::OwnerNotMapped if case.context.environment.in_container() && !case.is_hosts() => {
                case.by_container(None)
            }
            Self::HostSetting(_) | Self::OwnerNotMapped | Self::ReadOnlyInNamespace => case.by_host(),
            Self::OutOfReach { scope } => apply_inside(*scope, case).into_iter().collect(),
        }
    }
}

impl NamespaceCause {
    /// Why nobody in these namespaces can write the file that is there.
    pub(super) fn obstacle(case: &KeyCase<'_>) -> Option<Self> {
        if case.is_never_writable() {
            return is_only_shown(case).then_some(Self::ReadOnlyInNamespace);
        }
        // What belongs to a user namespace is shown as the host's, and written by capability (kernel/ucount.c).
        let by_others = case.evidence.mode.is_some_and(|mode| mode & 0o2 != 0);
        let unmapped = case.evidence.owner == Some(OVERFLOW_USER) && case.scope() != Scope::UserNs && !by_others;
        unmapped.then_some(Self::OwnerNotMapped)
    }
}

/// Whether we are in a network namespace of our own, and this key can be written in the machine's.
fn is_only_shown(case: &KeyCase<'_>) -> bool {
    let environment = case.context.environment;
    let shown = |row: Row| row.in_new_netns.at(environment.version()) == InNewNetns::ReadOnly;
    let never = case.row.is_some_and(|row| row.access == Access::ReadOnly);
    environment.initial.net == Some(false) && !never && (case.scope() == Scope::HostNet || case.row.is_some_and(shown))
}

/// Have `tunectl apply` set a key of a process's user or PID namespace from within. It needs no `/proc` of
/// its own: the files of `/proc/sys` speak of the namespaces of whoever opens them.
fn apply_inside(scope: Scope, case: &KeyCase<'_>) -> Option<Remedy> {
    let action = Action::ApplyInside {
        pid: Some(case.context.pid?),
        // Nobody may enter the user namespace that he is in, setns(2), and not everyone there may change his groups.
        user_namespace: case.context.environment.target?.other_user_namespace,
        pid_namespace: scope == Scope::PidNs,
        key: case.key.clone(),
        value: case.value(),
    };
    Some(action.into())
}
