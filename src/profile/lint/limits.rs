//! W017 and W018: limits that are no limit, or let nothing start.

use super::super::problem::Problem;
use super::super::{Profile, RawRequirement};
use super::{highest, least};
use crate::model::limit::{Resource, Side};

/// W017: more than there is to count: priorities end at 99 (sched(7)), nice values at 20 - 40 (getrlimit(2)).
pub(super) fn too_high(profile: &Profile, wish: &RawRequirement, resource: Resource) -> Option<Problem> {
    let most = match resource {
        Resource::Rtprio => 99,
        Resource::Nice => 40,
        _ => return None,
    };
    // Of a bare number, which is for both sides, it is said once.
    let said = |other: &RawRequirement| other.origin == wish.origin && other.setting < wish.setting;
    (least(wish)? > most && !profile.requirements.iter().any(said)).then(|| {
        let message = format!("{} is above {most}, the most that there is", wish.setting);
        wish.warn("W017", message)
    })
}

/// The least with which a program starts, its linker and C library too: measured on `/bin/true` of Debian 12.
const LEAST: [(Resource, i128, &str); 5] = [
    (Resource::Nofile, 4, "a program opens its libraries with descriptors behind the first three"),
    (Resource::As, 2_500_000, "that is less than a C library takes"),
    (Resource::Data, 131_072, "that is less than a C library takes"),
    (Resource::Stack, 16_384, "the kernel lays arguments and environment there before the program starts"),
    (Resource::Cpu, 1, "the kernel takes 0 for one second, and then ends the program"),
];

/// W018: so low that no program starts.
pub(super) fn too_low(wish: &RawRequirement, resource: Resource, side: Side) -> Option<Problem> {
    let (_, enough, why) = LEAST.iter().find(|(its, _, _)| *its == resource && side == Side::Soft)?;
    let most = highest(wish)?;
    (most < *enough).then(|| {
        let message = format!("with {} at {most} hardly a program runs", wish.setting);
        wish.warn("W018", message).help(*why)
    })
}
