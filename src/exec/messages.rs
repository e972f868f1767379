//! The sentences for what `error.rs` states as facts: lower case, no full stop, and what to do in parentheses.

use std::fmt::{self, Display, Formatter};
use std::io;

use super::accounts::Database;
use super::attributes::OOM_SCORE_ADJ;
use super::error::{
    AttributeError, ExecError, Identity, NotExecutableReason, PrivilegeError, StageError, UnknownAccount,
};
use super::file_format::FileFormat;
use crate::model::capability::Capability;
use crate::model::signal::Signal;
use crate::snippet::visible;
use crate::sys::strerror;

impl std::error::Error for ExecError {}
impl std::error::Error for StageError {}

impl Display for StageError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exec(error) => error.fmt(f),
            Self::Account(error) => error.fmt(f),
            Self::Attribute(error) => error.fmt(f),
            Self::Limits { command } => write!(f, "a required setting falls short: `{command}` was not started"),
            Self::Privileges(error) => error.fmt(f),
            Self::WorkingDirectory { path, error } => {
                write!(f, "cannot change to the working directory `{}`: {}", path.display(), strerror(error))
            }
            Self::ParentDeathSignal(error) => {
                write!(f, "cannot set the service's parent-death signal: {}", strerror(error))
            }
            Self::ParentDied => f.write_str("the parent died before the service was started"),
        }
    }
}

impl Display for ExecError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { command, .. } if command.is_empty() => f.write_str("the command name is empty"),
            Self::NotFound { command, searched: Some(path) } => {
                write!(f, "`{}` not found in PATH (`{}`)", shortened(command), shortened(path))
            }
            Self::NotFound { command, searched: None } => write!(f, "`{}` does not exist", shortened(command)),
            Self::NotExecutable { path, reason } => write!(f, "`{}` can't be executed: {reason}", path.display()),
            Self::Interrupted { signal } => match Signal::new(*signal) {
                Some(signal) => write!(f, "{signal} arrived before the service was started"),
                None => write!(f, "signal {signal} arrived before the service was started"),
            },
        }
    }
}

impl Display for NotExecutableReason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory => f.write_str("it is a directory"),
            Self::NotRegularFile => f.write_str("it is not a regular file"),
            Self::NoExecuteBit(mode) => write!(f, "its mode {mode:04o} has no execute permission: `chmod +x` it"),
            Self::UnsearchableDirectory => f.write_str("a directory in its path lacks search permission"),
            Self::NoexecMount => f.write_str("its file system is mounted noexec"),
            Self::PermissionDenied { uid } => {
                write!(f, "uid {uid} lacks the permission to execute it or its interpreter")
            }
            Self::Format(format) => format.fmt(f),
            Self::Other(error) => match error.raw_os_error() {
                Some(libc::E2BIG) => f.write_str(
                    "its arguments and environment are too long: together they may use a quarter of the stack limit",
                ),
                Some(libc::EAGAIN) => f.write_str("its user already has more processes than the nproc limit allows"),
                Some(libc::ETXTBSY) => f.write_str("a process has it open for writing"),
                _ => f.write_str(&strerror(error)),
            },
        }
    }
}

impl Display for FileFormat {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the file is empty"),
            Self::Script(interpreter) if interpreter.ends_with('\r') => f.write_str(
                "its `#!` line ends in a carriage return (Windows line ending), which becomes part of the \
            interpreter's name",
            ),
            Self::Script(interpreter) => {
                write!(f, "its interpreter `{}` does not exist or can't be executed", interpreter.escape_debug())
            }
            Self::TextWithoutInterpreter => f.write_str(
                "it is neither a program nor a script with a `#!` line; a shell script starts with `#!/bin/sh`",
            ),
            Self::Elf { machine, .. } if machine != std::env::consts::ARCH => {
                write!(f, "it is a program for {machine}, and this is {}", std::env::consts::ARCH)
            }
            Self::Elf { loader: Some(loader), .. } => {
                write!(f, "its dynamic loader `{loader}` does not exist here (a program of another distribution?)")
            }
            Self::Elf { .. } => f.write_str("it is a damaged program, or one for another system"),
            Self::MachO => f.write_str("it is a program for macOS"),
            Self::Unknown => f.write_str("this kernel does not know its format"),
        }
    }
}

impl Display for UnknownAccount {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (name, file) = (self.name.escape_debug(), self.database.path());
        let what = match self.database {
            Database::Passwd => "user",
            Database::Group => "group",
        };
        match &self.unread {
            None => write!(f, "{what} `{name}` is not in {file}"),
            Some(error) => write!(f, "{what} `{name}` can't be looked up: {file}: {}", strerror(error)),
        }
    }
}

impl Display for AttributeError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::OomScoreAdj { wanted, error } => {
                let hint = oom_score_hint(*wanted);
                write!(f, "cannot set oom_score_adj to {wanted}: {OOM_SCORE_ADJ}: {}{hint}", strerror(error))
            }
            Self::OomScoreAdjNotKept { wanted, found } => {
                let hint = oom_score_hint(*wanted);
                write!(f, "cannot set oom_score_adj to {wanted}: it reads back as {found}{hint}")
            }
            Self::Nice { wanted, error } => {
                write!(f, "cannot set the nice value to {wanted}: {}; lowering it needs CAP_SYS_NICE", strerror(error))
            }
            Self::NiceNotKept { wanted, found } => {
                write!(f, "the nice value was set to {wanted}, but reads back as {found}")
            }
            Self::UmaskNotKept(wanted) => {
                write!(f, "umask was set to {wanted:03o}, but reads back differently")
            }
        }
    }
}

fn oom_score_hint(wanted: i32) -> &'static str {
    if wanted < 0 { "; lowering it needs CAP_SYS_RESOURCE" } else { "" }
}

impl Display for PrivilegeError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetIdentity { identity, id, error } => {
                let hint = set_identity_hint(error);
                write!(f, "cannot change to {identity} {id}: {}{hint}", strerror(error))
            }
            Self::IdentityNotKept { uid, gid, found } => {
                write!(f, "changed to user {uid} and group {gid}, but found {found:?}")
            }
            Self::GroupsNotKept => f.write_str("the supplementary groups were not applied"),
            Self::DropBounding { capability, error } => write!(
                f,
                "cannot drop {} from the bounding set: {} (needs CAP_SETPCAP; not necessary with no_new_privs)",
                name(*capability),
                strerror(error)
            ),
            Self::BoundingKept { capability } => write!(f, "{} is still in the bounding set", name(*capability)),
            Self::NotPermitted { capability } => {
                let name = name(*capability);
                let flag = name.to_ascii_uppercase();
                write!(
                    f,
                    "cannot keep capability {name}: we do not have it (start the container with `--cap-add {flag}`)"
                )
            }
            Self::RaiseAmbient { capability, error } => {
                write!(f, "ambient {}: {}", name(*capability), strerror(error))
            }
            Self::CapabilitiesNotKept { wanted, found, ambient } => {
                write!(f, "kept the capabilities {wanted:#x}, but found {found:x?} and ambient {ambient:#x}")
            }
            Self::NoNewPrivsNotKept => f.write_str("no_new_privs was set, but reads back as unset"),
            Self::Call { operation, error } => write!(f, "{operation}: {}", strerror(error)),
        }
    }
}

fn set_identity_hint(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EPERM) => " (needs CAP_SETUID and CAP_SETGID; start as root)",
        Some(libc::EINVAL) => " (the user namespace does not map that number)",
        Some(libc::EAGAIN) => " (it already has more processes than the nproc limit allows)",
        _ => "",
    }
}

impl Display for Identity {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Groups => "groups",
        })
    }
}

/// The name of a capability, or its number where it is newer than we are.
fn name(capability: u32) -> String {
    Capability::new(capability).map_or_else(|| capability.to_string(), |known| known.to_string())
}

/// The first 500 characters of a text, as they can be shown.
fn shortened(text: &str) -> String {
    const MOST: usize = 500;
    match text.char_indices().nth(MOST) {
        None => visible(text),
        Some((end, _)) => format!("{}…", visible(&text[..end])),
    }
}
