//! How a kernel lets limits be changed: `do_prlimit` (kernel/sys.c) and `dosetrlimit` (XNU).

use std::collections::BTreeMap;

use nix::errno::Errno;

use crate::model::limit::{Limit, Limits, Resource};
use crate::model::setting::System;

/// The limits of one process.
pub(super) type LimitTable = BTreeMap<Resource, Limits>;

/// What a change of limits depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct LimitRules {
    pub(super) system: System,
    /// Whether hard limits may be raised: `CAP_SYS_RESOURCE`, or root on macOS.
    pub(super) may_raise: bool,
    /// `fs.nr_open` on Linux, which nothing may go above.
    pub(super) most_files: Option<u64>,
    /// `kern.maxproc` for root, `kern.maxprocperuid` for others.
    pub(super) most_processes: Option<u64>,
}

/// One limit of a process.
pub(super) fn get(table: &LimitTable, system: System, resource: Resource) -> Result<Limits, Errno> {
    table.get(&slot(system, resource)).copied().ok_or(Errno::EINVAL)
}

/// Sets one limit in `table`.
pub(super) fn set(table: &mut LimitTable, rules: LimitRules, resource: Resource, new: Limits) -> Result<(), Errno> {
    let old = get(table, rules.system, resource)?;
    if new.soft > new.hard {
        return Err(Errno::EINVAL);
    }
    let new = match (rules.system, resource) {
        // Also for a process that has more already, and with all capabilities.
        (System::Linux, Resource::Nofile) if rules.most_files.is_some_and(|most| new.hard > Limit::Value(most)) => {
            return Err(Errno::EPERM);
        }
        (System::MacOs, Resource::Nofile) if new.soft == Limit::Unlimited => return Err(Errno::EINVAL),
        (System::MacOs, Resource::Nproc) => {
            let most = rules.most_processes.map_or(Limit::Unlimited, Limit::Value);
            Limits { soft: new.soft.min(most), hard: new.hard.min(most) }
        }
        _ => new,
    };
    if new.hard > old.hard && !rules.may_raise {
        return Err(Errno::EPERM);
    }
    table.insert(slot(rules.system, resource), new);
    Ok(())
}

/// Where the limit is kept: macOS has one for the resident set and the address space.
fn slot(system: System, resource: Resource) -> Resource {
    if system == System::MacOs && resource == Resource::Rss { Resource::As } else { resource }
}

/// The limits that a service of systemd starts with.
pub(super) fn linux() -> LimitTable {
    let mut table: LimitTable = Resource::ALL.into_iter().map(|resource| (resource, UNLIMITED)).collect();
    table.insert(Resource::Stack, Limits { soft: Limit::Value(8 << 20), hard: Limit::Unlimited });
    table.insert(Resource::Core, Limits { soft: Limit::Value(0), hard: Limit::Unlimited });
    table.insert(Resource::Nofile, both(1024, 524_288));
    table.insert(Resource::Nproc, both(30_500, 30_500));
    table.insert(Resource::Sigpending, both(30_500, 30_500));
    table.insert(Resource::Memlock, both(8 << 20, 8 << 20));
    table.insert(Resource::Msgqueue, both(819_200, 819_200));
    table.insert(Resource::Nice, both(0, 0));
    table.insert(Resource::Rtprio, both(0, 0));
    table
}

/// What a shell on macOS starts with, by the defaults of XNU's `bsd_init.c`; the limits it lacks aren't there.
pub(super) fn macos() -> LimitTable {
    LimitTable::from([
        (Resource::Cpu, UNLIMITED),
        (Resource::Fsize, UNLIMITED),
        (Resource::Data, UNLIMITED),
        (Resource::Stack, both(8_372_224, 67_092_480)),
        (Resource::Core, Limits { soft: Limit::Value(0), hard: Limit::Unlimited }),
        (Resource::Nproc, both(2666, 4000)),
        (Resource::Nofile, Limits { soft: Limit::Value(256), hard: Limit::Unlimited }),
        (Resource::Memlock, UNLIMITED),
        (Resource::As, UNLIMITED),
    ])
}

const UNLIMITED: Limits = Limits { soft: Limit::Unlimited, hard: Limit::Unlimited };

fn both(soft: u64, hard: u64) -> Limits {
    Limits { soft: Limit::Value(soft), hard: Limit::Value(hard) }
}
