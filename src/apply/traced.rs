//! Each step, told to the log: `-vv` says what is written, `-vvv` also what is read. A text is made only where the log
//! wants it.

use std::fmt;

use crate::kernel::{Kernel, KernelError, Process, WriteMode};
use crate::model::limit::{Limits, Resource};
use crate::model::setting::Key;

/// [`Kernel::show`].
pub(super) fn show(kernel: &mut dyn Kernel, key: &Key, look: &mut dyn FnMut(&str)) -> Result<(), KernelError> {
    let read = kernel.with_text(key, &mut |text| {
        log::trace!("read {key}: `{}`", text.trim_end().escape_debug());
        look(text);
    });
    if let Err(refusal) = &read {
        log::trace!("read {key}: {refusal}");
    }
    read
}

/// [`Kernel::write`].
pub(super) fn write(kernel: &mut dyn Kernel, key: &Key, text: &str, pieces: WriteMode) -> Result<(), KernelError> {
    log::debug!("write {key}: `{}`", text.trim_end().escape_debug());
    let written = kernel.write(key, text, pieces);
    if let Err(refusal) = &written {
        log::debug!("write {key}: {refusal}");
    }
    written
}

/// [`Kernel::limits`].
pub(super) fn limits(kernel: &mut dyn Kernel, process: Process, resource: Resource) -> Result<Limits, KernelError> {
    let read = kernel.limits(process, resource);
    match &read {
        Ok(limits) => log::trace!("read limit {resource}: {}", Sides(*limits)),
        Err(refusal) => log::trace!("read limit {resource}: {refusal}"),
    }
    read
}

/// [`Kernel::set_limits`].
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

/// Both sides, as `--rlimit` takes them.
struct Sides(Limits);

impl fmt::Display for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.soft, self.0.hard)
    }
}
