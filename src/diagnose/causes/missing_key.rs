//! Why a key is not there: a module, a namespace, a version of the kernel, a name that does not exist, or what is mounted
//! in its place.

use nix::errno::Errno;

use super::{Code, Family, Whose};
use crate::catalog::{self, InNewNetns, KernelVersion, Row};
use crate::diagnose::case::KeyCase;
use crate::diagnose::key_remedies::load_module;
use crate::diagnose::remedy::{Action, FileContent, FileLocation, ProfileLine, Remedy};
use crate::kernel::Operation;
use crate::model::setting::Key;
use crate::model::suggest;
use crate::plan::Unreadable;
use crate::report::Shortfall;

const HIDDEN_IN_NAMESPACE: &Code = &Code {
    name: "hidden-in-namespace",
    explanation: "Only the initial network namespace has this file; in every other one, such as a \
                  container's, it does not exist. `docker run --sysctl` accepts the name, and then the \
                  container does not start. Set it on the host, where it applies to all. It can't be checked \
                  from here.",
};

const HIDDEN_IN_USER_NAMESPACE: &Code = &Code {
    name: "hidden-in-user-namespace",
    explanation: "Kernels older than the version named do not show this file in a network namespace that is \
                  owned by a user namespace, such as a rootless container's. Use a newer kernel, or a \
                  container started by root.",
};

const MODULE_MISSING: &Code = &Code {
    name: "module-missing",
    explanation: "The setting belongs to a kernel module; the file does not exist until the module is \
                  loaded. Only the host can load it; a file in /etc/modules-load.d does so at boot.",
};

const NOT_IN_THIS_KERNEL: &Code = &Code {
    name: "not-in-this-kernel",
    explanation: "The setting was added in a later kernel version, or removed in this one or an earlier one. \
                  If the profile is for several kernels, mark it `required = false`.",
};

const NO_SUCH_KEY: &Code = &Code {
    name: "no-such-key",
    explanation: "The file does not exist, and no module, namespace or kernel version known to tunectl \
                  explains it: the name may be misspelt, or the kernel was built without it.",
};

const NO_MATCH: &Code =
    &Code { name: "no-match", explanation: "The pattern matches no existing setting. An interface may not exist yet." };

const MASKED: &Code = &Code {
    name: "masked",
    explanation: "Another file system is mounted over this file, or over a directory above it. Its contents \
                  are not the kernel's, so it is neither read nor written.",
};

const NO_PROC: &Code = &Code {
    name: "no-proc",
    explanation: "Sysctls can't be read or written without /proc: mount it (`mount -t proc proc /proc`), or \
                  start the container with it. Resource limits work without it.",
};

/// What is in a key's place, or why nothing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MissingKey {
    /// `/proc/sys` is not there.
    NoProc {
        /// Whether something else is mounted there.
        replaced: bool,
    },
    /// Another file is mounted over it.
    Masked,
    /// The pattern matches nothing that exists.
    NoMatch,
    /// It is a directory of keys.
    Directory,
    /// Only the machine's own network namespace has it.
    HiddenInNamespace {
        /// Whose network namespace is another one.
        whose: Whose,
    },
    /// A network namespace that a user namespace owns does not have it.
    HiddenInUserNamespace {
        /// The first kernel on which it has; none where no kernel does.
        until: Option<KernelVersion>,
    },
    /// Nothing is known of this name.
    UnknownName {
        /// The nearest name that is known.
        nearest: Option<String>,
    },
    /// This kernel's version does not have it.
    NotInThisKernel(Presence),
    /// The kernel module that brings it is not loaded.
    ModuleMissing {
        /// The name of the module.
        module: &'static str,
    },
    /// It is known, and the kernel's build, its command line or the machine does without it.
    NotBuilt,
    /// There is no such interface, disk or the like, or its kind has no such key.
    NoInstance {
        /// The name of the interface or the like.
        name: String,
    },
}

/// When kernels have a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Since this version.
    Since(KernelVersion),
    /// Until this version, which does not have it any more.
    Until(KernelVersion),
}

impl Family for MissingKey {
    const CODES: &'static [&'static Code] = &[
        NO_PROC,
        MASKED,
        NO_MATCH,
        NO_SUCH_KEY,
        HIDDEN_IN_NAMESPACE,
        HIDDEN_IN_USER_NAMESPACE,
        NOT_IN_THIS_KERNEL,
        MODULE_MISSING,
    ];

    fn code(&self) -> &'static Code {
        match self {
            Self::NoProc { .. } => NO_PROC,
            Self::Masked => MASKED,
            Self::NoMatch => NO_MATCH,
            Self::Directory | Self::UnknownName { .. } | Self::NotBuilt | Self::NoInstance { .. } => NO_SUCH_KEY,
            Self::HiddenInNamespace { .. } => HIDDEN_IN_NAMESPACE,
            Self::HiddenInUserNamespace { .. } => HIDDEN_IN_USER_NAMESPACE,
            Self::NotInThisKernel(_) => NOT_IN_THIS_KERNEL,
            Self::ModuleMissing { .. } => MODULE_MISSING,
        }
    }

    fn of_key(case: &KeyCase<'_>) -> Option<Self> {
        // A setting of the host is left alone, whatever its file.
        if case.evidence.foreign == Some(true) && *case.shortfall != Shortfall::HostOwned {
            let replaced = case.evidence.tree_present == Some(false);
            return Some(if replaced { Self::NoProc { replaced } } else { Self::Masked });
        }
        if let Shortfall::Unread(Unreadable::NoMatch) = case.shortfall {
            return Some(Self::NoMatch);
        }
        let opened = |operation| operation == Operation::OpenToWrite;
        let absent = case.write_error().filter(|error| opened(error.operation)).or_else(|| case.read_error());
        match absent?.errno {
            Errno::ENOENT => Self::absent(case),
            Errno::EISDIR if case.read_error().is_some() => Some(Self::Directory),
            _ => None,
        }
    }

    fn key_remedies(&self, case: &KeyCase<'_>) -> Vec<Remedy> {
        let system = case.context.environment.system;
        match self {
            Self::NoProc { .. } => vec![Action::MountProc.into()],
            Self::Masked => case.evidence.mask.map(|mask| unmount(case.key, mask)).into_iter().collect(),
            Self::HiddenInNamespace { .. } => case.by_host().into_iter().chain(case.not_required()).collect(),
            Self::HiddenInUserNamespace { .. } | Self::NotInThisKernel(_) => case.not_required().into_iter().collect(),
            Self::ModuleMissing { module } => vec![load_module(module, case.context), load_at_boot(module, case)],
            Self::UnknownName { nearest: Some(nearest) } => case
                .wanted
                .map(|wanted| Action::Profile(ProfileLine::sysctl(nearest.clone(), system, wanted.clone())).into())
                .into_iter()
                .collect(),
            Self::Directory if case.row.is_none() => match nearest(case) {
                Some(nearest) => Self::UnknownName { nearest: Some(nearest) }.key_remedies(case),
                None => case.not_required().map(Remedy::or).into_iter().collect(),
            },
            Self::NoMatch
            | Self::Directory
            | Self::UnknownName { nearest: None }
            | Self::NotBuilt
            | Self::NoInstance { .. } => case.not_required().map(Remedy::or).into_iter().collect(),
        }
    }
}

impl MissingKey {
    /// Why the file is not there; nothing where that can't be told.
    fn absent(case: &KeyCase<'_>) -> Option<Self> {
        let environment = case.context.environment;
        match case.evidence.tree_present {
            Some(false) => return Some(Self::NoProc { replaced: false }),
            // Whether a file is missing from a tree that can't be looked at is not known either.
            None if case.context.is_linux() => return None,
            _ => {}
        }
        let version = environment.version();
        let hidden = environment.initial.net == Some(false)
            && catalog::in_new_netns(environment.system, case.key, version) == InNewNetns::Absent;
        let Some(row) = case.row else {
            let unknown = || Self::UnknownName { nearest: nearest(case) };
            return Some(if hidden { Self::hidden(case) } else { unknown() });
        };
        if !row.exists_on(version) {
            let since = row.rare.since.filter(|since| version < *since).map(Presence::Since);
            return since.or(row.rare.removed_in.map(Presence::Until)).map(Self::NotInThisKernel);
        }
        if hidden {
            return Some(Self::hidden(case));
        }
        if let Some(since) = row.rare.in_user_netns_since.filter(|since| version < *since) {
            if environment.initial.net == Some(false) && environment.initial.user == Some(false) {
                let until = Some(since).filter(|since| *since != KernelVersion::NEWEST);
                return Some(Self::HiddenInUserNamespace { until });
            }
        }
        if let Some(module) = row.rare.module {
            return Some(Self::ModuleMissing { module });
        }
        Some(match instance(case.key, &row) {
            // Each network namespace has these.
            None | Some("all" | "default" | "lo") => Self::NotBuilt,
            Some(name) => Self::NoInstance { name: name.to_owned() },
        })
    }

    fn hidden(case: &KeyCase<'_>) -> Self {
        Self::HiddenInNamespace { whose: Whose::of(case.context.environment) }
    }
}

fn nearest(case: &KeyCase<'_>) -> Option<String> {
    suggest::nearest_setting(&case.key.to_string(), catalog::names(case.context.environment.system))
}

/// Which of many the key is of, where its row stands for all of them: an interface, a disk.
fn instance<'a>(key: &'a Key, row: &Row) -> Option<&'a str> {
    let (path, separator) = match key {
        Key::Sysctl(name) => (name.path(), '.'),
        Key::Sysfs(name) => (name.path(), '/'),
    };
    let place = row.name.split(separator).position(|part| part.contains('*'))?;
    path.split('/').nth(place)
}

/// Take away what is mounted over a key, or over a directory of `length` bytes of its path.
fn unmount(key: &Key, length: usize) -> Remedy {
    let (tree, path) = match key {
        Key::Sysctl(name) => ("/proc/sys/", name.path()),
        Key::Sysfs(name) => ("/sys/", name.path()),
    };
    Action::Unmount { path: format!("{tree}{}", path.get(..length).unwrap_or(path)) }.into()
}

/// Have a module loaded at each boot, modules-load.d(5).
fn load_at_boot(module: &str, case: &KeyCase<'_>) -> Remedy {
    let on_host = case.context.environment.in_container();
    let location = FileLocation { path: format!("/etc/modules-load.d/{module}.conf"), line: None, on_host };
    Remedy::from(Action::File { location, content: FileContent::Module(module.to_owned()) }).or()
}
