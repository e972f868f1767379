//! Attributes of the service's process beside limits and privileges: nice value, umask, OOM score adjustment.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use super::error::AttributeError;
use crate::model::run::RunOptions;
use crate::sys;

/// The OOM score adjustment of the reading process, `proc_pid_oom_score_adj(5)`.
pub(super) const OOM_SCORE_ADJ: &str = "/proc/self/oom_score_adj";

/// The attributes that were asked for; the others stay as they are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attributes {
    oom_score_adj: Option<i32>,
    nice: Option<i32>,
    umask: Option<u32>,
}

impl Attributes {
    pub(super) fn new(options: &RunOptions) -> Self {
        Self { oom_score_adj: options.oom_score_adj, nice: options.nice, umask: options.umask }
    }

    /// Whether any was asked for.
    pub(super) fn change_anything(self) -> bool {
        self.oom_score_adj.is_some() || self.nice.is_some() || self.umask.is_some()
    }

    /// Sets them and reads each back.
    pub(super) fn apply(self) -> Result<(), AttributeError> {
        self.oom_score_adj.map_or(Ok(()), set_oom_score_adj)?;
        self.nice.map_or(Ok(()), set_nice)?;
        self.umask.map_or(Ok(()), set_umask)
    }
}

fn set_oom_score_adj(wanted: i32) -> Result<(), AttributeError> {
    let failed = |error: io::Error| AttributeError::OomScoreAdj { wanted, error };
    let mut file = File::options().write(true).open(OOM_SCORE_ADJ).map_err(failed)?;
    file.write_all(wanted.to_string().as_bytes()).map_err(failed)?;
    let found = sys::read_text(Path::new(OOM_SCORE_ADJ)).map_err(failed)?;
    let found = found.trim();
    if found == wanted.to_string() {
        return Ok(());
    }
    Err(AttributeError::OomScoreAdjNotKept { wanted, found: found.to_owned() })
}

fn set_nice(wanted: i32) -> Result<(), AttributeError> {
    match sys::set_priority(wanted).and_then(|()| sys::priority()) {
        Ok(found) if found == wanted => Ok(()),
        Ok(found) => Err(AttributeError::NiceNotKept { wanted, found }),
        Err(error) => Err(AttributeError::Nice { wanted, error }),
    }
}

fn set_umask(wanted: u32) -> Result<(), AttributeError> {
    // Any nine bits are taken; the second call is the only way to read them back.
    let _ = sys::set_umask(wanted);
    if sys::set_umask(wanted) == wanted { Ok(()) } else { Err(AttributeError::UmaskNotKept(wanted)) }
}
