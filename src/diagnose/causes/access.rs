//! What keeps us from a file that is there: its mode and owner, its mount, and our rights.

use nix::errno::Errno;

use super::{Code, Confinement, Family};
use crate::diagnose::case::KeyCase;
use crate::diagnose::key_remedies::Denial;
use crate::diagnose::remedy::Remedy;
use crate::diagnose::rights::{self, Rights, Writers};
use crate::kernel::{KernelError, Operation};
use crate::model::capability::Capability;
use crate::report::Shortfall;

const READ_ONLY_MOUNT: &Code = &Code {
    name: "read-only-mount",
    explanation: "The file is on a read-only mount: Docker, Podman and Kubernetes mount /proc/sys read-only, \
                  and so does systemd with ProtectKernelTunables=yes. No capability helps. Whatever starts \
                  the container can set the container's own settings before the mount becomes read-only; \
                  --privileged is not needed and grants far more.",
};

const NOT_PERMITTED: &Code = &Code {
    name: "not-permitted",
    explanation: "The file's mode lets only its owner, root, write it, whatever capabilities other users \
                  have; for net.* CAP_NET_ADMIN is enough. The kernel checks the mode before the mount, so a \
                  file on a read-only mount can be \"permission denied\" as well.",
};

const MISSING_CAPABILITY: &Code = &Code {
    name: "missing-capability",
    explanation: "Besides the file's mode the kernel requires a capability (capabilities(7)) that our \
                  process does not have: the container runtime, a unit's CapabilityBoundingSet= or a user \
                  namespace removed it. A capability held in a user namespace is valid only for what that \
                  namespace owns.",
};

const WRITE_ONLY: &Code = &Code {
    name: "write-only",
    explanation: "The file is a trigger, not a value: it can be written but not read, so there is nothing to \
                  compare. Leave it out of profiles.",
};

const READ_ONLY: &Code =
    &Code { name: "read-only", explanation: "The kernel reports this value; nobody can write it, on any machine." };

const READ_BITS: u32 = 0o444;

/// What keeps us from reading or writing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessCause {
    /// The mount that its file is on is read-only.
    ReadOnlyMount,
    /// Nobody can write it.
    ReadOnly,
    /// It can be written and never read.
    WriteOnly,
    /// We may not read it.
    NotReadable(KernelError),
    /// We are not the user who may write it.
    NotPermitted {
        /// Who may write it.
        writers: Writers,
        /// Our effective user.
        user: u32,
        /// Whether its mount is read-only too.
        read_only_mount: bool,
    },
    /// A capability is missing.
    MissingCapability {
        /// The capability that is missing.
        capability: Capability,
        /// Whether its mount is read-only too.
        read_only_mount: bool,
    },
    /// A capability of our user namespace does not count: the machine's own would.
    ForeignCapability {
        /// The capability that is missing.
        capability: Capability,
        /// What the kernel said.
        error: KernelError,
    },
}

impl Family for AccessCause {
    const CODES: &'static [&'static Code] =
        &[READ_ONLY_MOUNT, NOT_PERMITTED, MISSING_CAPABILITY, WRITE_ONLY, READ_ONLY];

    fn code(&self) -> &'static Code {
        match self {
            Self::ReadOnlyMount => READ_ONLY_MOUNT,
            Self::ReadOnly => READ_ONLY,
            Self::WriteOnly => WRITE_ONLY,
            Self::NotReadable(_) | Self::NotPermitted { .. } => NOT_PERMITTED,
            Self::MissingCapability { .. } | Self::ForeignCapability { .. } => MISSING_CAPABILITY,
        }
    }

    fn of_key(case: &KeyCase<'_>) -> Option<Self> {
        if let Some(error) = case.read_error() {
            return Self::unreadable(case, error);
        }
        if case.is_denied() {
            return Self::obstacle(case).or_else(|| Self::denied(case));
        }
        let error = case.write_error()?;
        match (error.operation, error.errno) {
            (Operation::Write, Errno::EPERM | Errno::EACCES) => Self::incapable(case, error),
            _ => None,
        }
    }

    fn key_remedies(&self, case: &KeyCase<'_>) -> Vec<Remedy> {
        match self {
            Self::ReadOnlyMount => case.when_denied(Denial::Mount),
            Self::NotReadable(_) | Self::NotPermitted { .. } => case.when_denied(Denial::User),
            Self::MissingCapability { .. } | Self::ForeignCapability { .. } => case.when_denied(Denial::Capability),
            Self::ReadOnly => case.not_required().map(Remedy::or).into_iter().collect(),
            Self::WriteOnly => Vec::new(),
        }
    }
}

impl AccessCause {
    /// What keeps us from writing the file, whatever its value, as far as that is told by its mode, owner and mount.
    pub(super) fn obstacle(case: &KeyCase<'_>) -> Option<Self> {
        if case.is_never_writable() {
            return Some(Self::ReadOnly);
        }
        let read_only_mount = case.read_only_mount();
        let context = case.context;
        match rights::of(case.key, case.scope(), case.evidence.owner, context.environment, context.details) {
            Rights::NotOneOf(writers) => {
                Some(Self::NotPermitted { writers, user: context.environment.user, read_only_mount })
            }
            Rights::Lacks(capability) => Some(Self::MissingCapability { capability, read_only_mount }),
            Rights::Held | Rights::Unclear => read_only_mount.then_some(Self::ReadOnlyMount),
        }
    }

    /// What is left where that does not tell.
    fn denied(case: &KeyCase<'_>) -> Option<Self> {
        match case.write_error().map(|error| error.errno) {
            Some(Errno::EROFS) => Some(Self::ReadOnlyMount),
            // Of macOS, which has no read-only mount and no mode.
            Some(Errno::EPERM) => Some(Self::ReadOnly),
            None if *case.shortfall == Shortfall::Differs && Confinement::obstacle(case).is_none() => {
                Self::lacked(case)
            }
            _ => None,
        }
    }

    fn unreadable(case: &KeyCase<'_>, error: KernelError) -> Option<Self> {
        match error.errno {
            Errno::EACCES if case.evidence.mode.is_some_and(|mode| mode & READ_BITS == 0) => Some(Self::WriteOnly),
            // Some are shown to those alone who may write them.
            Errno::EPERM if Self::lacked(case).is_some() => Self::lacked(case),
            // Root reads every file of its own that has a bit for it.
            Errno::EACCES | Errno::EPERM if case.context.environment.user != 0 => Some(Self::NotReadable(error)),
            _ => None,
        }
    }

    /// The capability that its writer needs besides, if it is known that we do not have it.
    fn lacked(case: &KeyCase<'_>) -> Option<Self> {
        let capability = case.capability()?;
        let missing = case.context.details.has(capability.number()) == Some(false);
        missing.then_some(Self::MissingCapability { capability, read_only_mount: false })
    }

    /// The kernel's own word that a capability is missing: held in a user namespace, it may not count.
    fn incapable(case: &KeyCase<'_>, error: KernelError) -> Option<Self> {
        let capability = case.capability()?;
        let foreign = case.context.environment.own_user_namespace_is_initial() == Some(false);
        Self::lacked(case).or_else(|| foreign.then_some(Self::ForeignCapability { capability, error }))
    }
}
