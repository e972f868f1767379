//! Calls of the kernel, logged: writes at level debug (`-vv`), reads at level trace (`-vvv`). The text of a value is made
//! only where it is logged.

use std::fmt;

use crate::kernel::{Kernel, KernelError, Process, WriteMode};
use crate::model::limit::{Limits, Resource};
use crate::model::setting::Key;

/// [`Kernel::with_text`], with a line in the log.
pub(super) fn with_text(kernel: &mut dyn Kernel, key: &Key, take: &mut dyn FnMut(&str)) -> Result<(), KernelError> {
    let read = kernel.with_text(key, &mut |text| {
        log::trace!("read {key}: `{}`", text.trim_end().escape_debug());
        take(text);
    });
    if let Err(refusal) = &read {
        log::trace!("read {key}: {refusal}");
    }
    read
}

/// [`Kernel::write`], with a line in the log.
pub(super) fn write(kernel: &mut dyn Kernel, key: &Key, text: &str, pieces: WriteMode) -> Result<(), KernelError> {
    log::debug!("write {key}: `{}`", text.trim_end().escape_debug());
    let written = kernel.write(key, text, pieces);
    if let Err(refusal) = &written {
        log::debug!("write {key}: {refusal}");
    }
    written
}

/// [`Kernel::limits`], with a line in the log.
pub(super) fn limits(kernel: &mut dyn Kernel, process: Process, resource: Resource) -> Result<Limits, KernelError> {
    let read = kernel.limits(process, resource);
    match &read {
        Ok(limits) => log::trace!("read limit {resource}: {}", Sides(*limits)),
        Err(refusal) => log::trace!("read limit {resource}: {refusal}"),
    }
    read
}

/// [`Kernel::set_limits`], with a line in the log.
pub(super) fn set_limits(
    kernel: &mut dyn Kernel,
    process: Process,
    resource: Resource,
    limits: Limits,
) -> Result<(), KernelError> {
    log::debug!("set limit {resource}: {}", Sides(limits));
    let set = kernel.set_limits(process, resource, limits);
    if let Err(refusal) = &set {
        log::debug!("set limit {resource}: {refusal}");
    }
    set
}

/// Both sides of a limit as `--rlimit` takes them, `1024:unlimited`.
struct Sides(Limits);

impl fmt::Display for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.soft, self.0.hard)
    }
}
