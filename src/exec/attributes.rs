//! What a process has beside limits and rights: its nice value, umask, and rank when memory runs out.

use std::fs;
use std::io;
use std::path::Path;

use crate::model::run::RunOptions;
use crate::sys;

/// Where the kernel keeps it, `proc_pid_oom_score_adj(5)`.
const OOM_SCORE_ADJ: &str = "/proc/self/oom_score_adj";

/// What the service is to have; what was not asked for stays as it is.
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

    /// Sets them, and reads each back.
    pub(super) fn apply(self) -> Result<(), String> {
        if let Some(wanted) = self.oom_score_adj {
            set_oom_score(wanted).map_err(|why| {
                let hint = if wanted < 0 { "; lower than it was needs CAP_SYS_RESOURCE" } else { "" };
                format!("oom_score_adj can't be set to {wanted}: {why}{hint}")
            })?;
        }
        if let Some(wanted) = self.nice {
            let found = sys::set_priority(wanted).and_then(|()| sys::priority());
            match found {
                Ok(found) if found == wanted => {}
                Ok(found) => return Err(format!("nice was set to {wanted}, but the kernel made it {found}")),
                Err(error) => {
                    return Err(format!(
                        "nice can't be set to {wanted}: {}; lower needs CAP_SYS_NICE",
                        sys::reason(&error)
                    ));
                }
            }
        }
        if let Some(wanted) = self.umask {
            // Any nine bits are taken; the second call is the only way to read them back.
            let _ = sys::set_umask(wanted);
            if sys::set_umask(wanted) != wanted {
                return Err(format!("umask was set to {wanted:03o}, but the kernel made it something else"));
            }
        }
        Ok(())
    }
}

fn set_oom_score(wanted: i32) -> Result<(), String> {
    let refused = |error: io::Error| format!("{OOM_SCORE_ADJ}: {}", sys::reason(&error));
    fs::write(OOM_SCORE_ADJ, wanted.to_string()).map_err(refused)?;
    let found = sys::read_text(Path::new(OOM_SCORE_ADJ)).map_err(refused)?;
    if found.trim() == wanted.to_string() { Ok(()) } else { Err(format!("it reads back as {}", found.trim())) }
}
