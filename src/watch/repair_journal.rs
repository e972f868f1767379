//! Where a watch notes what stood there before it put something back, so that `revert` can.

use crate::apply;
use crate::journal::{self, BootIdentity, Journal, JournalError, JournalLocations, Recorder};
use crate::kernel::Kernel;
use crate::plan::Plan;
use crate::report::Report;

/// The journal of a watch. It is held open, and others kept out of it, only while something is put back.
#[derive(Clone, Debug)]
pub struct RepairJournal {
    /// Where it is.
    pub places: JournalLocations,
    /// Where we are.
    pub here: BootIdentity,
}

impl RepairJournal {
    /// Carries out a plan, with the originals written down first.
    pub(super) fn apply(
        &self,
        kernel: &mut dyn Kernel,
        plan: &Plan,
        profiles: &[String],
    ) -> Result<Report, JournalError> {
        let store = Journal::open_or_create(&self.places)?;
        let changes = journal::planned_changes(kernel, plan, &self.here, None);
        let mut recorder = Recorder::resume_or_create(kernel, &store, &self.here, profiles.to_vec(), changes)?;
        let report = apply::execute_keys(&mut recorder, plan, apply::OnFailure::Keep);
        if let Err(trouble) = recorder.finish() {
            log::warn!("{trouble}");
        }
        Ok(report)
    }
}
