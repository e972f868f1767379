//! macOS: sysctl(3) by name, getrlimit(2). Type-checked and linted for it; behaviour is the in-memory kernel's to show.

use nix::errno::Errno;
use sysctl::{Ctl, CtlIter, CtlType, CtlValue, Sysctl, SysctlError};

use super::{AccessMode, Evidence, Kernel, KernelError, Operation, Process, WriteMode, rlimits};
use crate::linux::errno_of;
use crate::model::limit::{Limits, Resource};
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};
use crate::sys;

/// The kernel that we run on.
#[derive(Debug)]
pub struct Macos {
    access: AccessMode,
}

impl Macos {
    /// The kernel of this machine.
    #[must_use]
    pub fn here(access: AccessMode) -> Self {
        Self { access }
    }
}

impl Kernel for Macos {
    fn system(&self) -> System {
        System::MacOs
    }

    fn read(&mut self, key: &Key) -> Result<String, KernelError> {
        let ctl = find(key).map_err(|errno| KernelError { operation: Operation::OpenToRead, errno })?;
        ctl.value_string().map_err(|error| KernelError { operation: Operation::Read, errno: errno(&error) })
    }

    fn write(&mut self, key: &Key, text: &str, _pieces: WriteMode) -> Result<(), KernelError> {
        if self.access == AccessMode::Read {
            return Err(KernelError { operation: Operation::Write, errno: Errno::EBADF });
        }
        let ctl = find(key).map_err(|errno| KernelError { operation: Operation::OpenToWrite, errno })?;
        let refusal = |error: &SysctlError| KernelError { operation: Operation::Write, errno: errno(error) };
        let value = ctl.value_type().and_then(|kind| value(kind, text)).map_err(|error| refusal(&error))?;
        ctl.set_value(value).map_err(|error| refusal(&error))?;
        Ok(())
    }

    fn names(&mut self, pattern: &SysctlName) -> Result<Vec<SysctlName>, KernelError> {
        let refused = |errno| KernelError { operation: Operation::OpenToRead, errno };
        if !pattern.is_pattern() {
            return match find(&Key::Sysctl(pattern.clone())) {
                Ok(_) => Ok(vec![pattern.clone()]),
                Err(Errno::ENOENT) => Ok(Vec::new()),
                Err(errno) => Err(refused(errno)),
            };
        }
        let mut names = Vec::new();
        for ctl in CtlIter::root() {
            // Some nodes have no name.
            let name = ctl.map_err(|error| refused(errno(&error)))?.name();
            names.extend(name.ok().and_then(|name| SysctlName::parse(&name).ok()).filter(|name| pattern.matches(name)));
        }
        names.sort();
        Ok(names)
    }

    fn ending_signal(&mut self) -> Option<i32> {
        sys::ending_signal()
    }

    fn inspect(&mut self, key: &Key) -> Evidence {
        let exists = match find(key) {
            Ok(_) => Some(true),
            Err(Errno::ENOENT) => Some(false),
            Err(_) => None,
        };
        Evidence { exists, ..Evidence::default() }
    }

    fn limits(&mut self, process: Process, resource: Resource) -> Result<Limits, KernelError> {
        match process {
            Process::Own => rlimits::limits(resource),
            Process::Pid(_) => Err(KernelError { operation: Operation::GetLimits, errno: Errno::ENOSYS }),
        }
    }

    fn set_limits(&mut self, process: Process, resource: Resource, limits: Limits) -> Result<(), KernelError> {
        match process {
            Process::Own => rlimits::set_limits(resource, limits),
            Process::Pid(_) => Err(KernelError { operation: Operation::SetLimits, errno: Errno::ENOSYS }),
        }
    }
}

/// Looks a key up by its name; there are no sysfs attributes here.
fn find(key: &Key) -> Result<Ctl, Errno> {
    match key {
        Key::Sysctl(name) => {
            let dotted: Vec<&str> = name.components().collect();
            Ctl::new(&dotted.join(".")).map_err(|error| errno(&error))
        }
        Key::Sysfs(_) => Err(Errno::ENOENT),
    }
}

/// The value in the type that the kernel keeps it in. The crate's own conversion from text lacks the 64-bit ones.
fn value(kind: CtlType, text: &str) -> Result<CtlValue, SysctlError> {
    fn number<T: std::str::FromStr>(text: &str, wrap: impl Fn(T) -> CtlValue) -> Result<CtlValue, SysctlError> {
        text.trim().parse().map(wrap).map_err(|_| SysctlError::ParseError)
    }
    match kind {
        CtlType::Int => number(text, CtlValue::Int),
        CtlType::Uint => number(text, CtlValue::Uint),
        CtlType::Long => number(text, CtlValue::Long),
        CtlType::Ulong => number(text, CtlValue::Ulong),
        CtlType::S64 => number(text, CtlValue::S64),
        CtlType::U64 => number(text, CtlValue::U64),
        CtlType::String => Ok(CtlValue::String(text.trim_end_matches('\n').to_owned())),
        _ => Err(SysctlError::MissingImplementation),
    }
}

/// What the system said, or the number that sysctl(3) has for what the crate found out by itself.
fn errno(error: &SysctlError) -> Errno {
    match error {
        SysctlError::NotFound(_) => Errno::ENOENT,
        SysctlError::IoError(error) => errno_of(error),
        SysctlError::NoReadAccess | SysctlError::NoWriteAccess => Errno::EPERM,
        SysctlError::ShortRead { .. } => Errno::EIO,
        SysctlError::MissingImplementation | SysctlError::NotSupported => Errno::ENOTSUP,
        _ => Errno::EINVAL,
    }
}
