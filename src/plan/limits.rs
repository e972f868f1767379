//! Limits: both sides of one are set in one call, so both are planned as one step.

use std::rc::Rc;

use crate::kernel::KernelError;
use crate::model::limit::{Limit, Limits, Resource, Side};
use crate::model::setting::{Setting, System};
use crate::model::value::{Kind, Value};

use super::requirement::{LimitRequirement, LimitTarget, Requirement};
use super::{Action, SkipReason};

/// One limit: its current value, and what to do about it.
#[derive(Clone, Debug)]
pub struct LimitStep {
    /// The limit.
    pub resource: Resource,
    /// Its current value, or why that is not known.
    pub current: Result<Limits, KernelError>,
    /// What to do about it.
    pub action: Action<Limits>,
    /// What is required of its sides, one or both. What they depended on is resolved: of `nofile`, `unlimited` has
    /// become the kernel's ceiling.
    pub sides: Vec<LimitSide>,
}

/// What is required of one side of a limit.
#[derive(Clone, Debug)]
pub struct LimitSide {
    /// The side of `requirement.setting`.
    pub side: Side,
    /// The requirement.
    pub requirement: Rc<Requirement>,
}

/// One step for each limit that is named, in the profile's order, but last those that restrict tunectl itself until it
/// has started the service. `read` reads the current value; `ceiling` is the highest hard `nofile` of the kernel.
pub(super) fn steps(
    requirements: &[LimitRequirement],
    read: &mut dyn FnMut(Resource) -> Result<Limits, KernelError>,
    ceiling: Option<u64>,
    system: System,
) -> Vec<LimitStep> {
    let mut resources: Vec<Resource> = Vec::new();
    for requirement in requirements {
        if !resources.contains(&requirement.resource) {
            resources.push(requirement.resource);
        }
    }
    let (last, others): (Vec<_>, Vec<_>) = resources.into_iter().partition(|resource| restricts_tunectl(*resource));
    let resources = others.into_iter().chain(last);
    resources
        .map(|resource| {
            let maximum = Maximum { ceiling: ceiling.filter(|_| resource == Resource::Nofile), system };
            let its = requirements.iter().filter(|requirement| requirement.resource == resource);
            step(resource, its, read(resource), maximum)
        })
        .collect()
}

/// Whether tunectl itself may fail under a low value: memory, file size, processor time, processes.
fn restricts_tunectl(resource: Resource) -> bool {
    matches!(
        resource,
        Resource::As | Resource::Data | Resource::Stack | Resource::Fsize | Resource::Cpu | Resource::Nproc
    )
}

fn step<'a>(
    resource: Resource,
    requirements: impl Iterator<Item = &'a LimitRequirement>,
    current: Result<Limits, KernelError>,
    maximum: Maximum,
) -> LimitStep {
    let (soft, hard): (Vec<_>, Vec<_>) = requirements.partition(|requirement| requirement.side == Side::Soft);
    let now = current.ok();
    let hard_side = hard.first().map(|requirement| resolve(requirement, maximum.of(Side::Hard), None));
    let hard_now = now.map(|limits| limits.hard);
    let hard_target = hard_now.map(|found| target_of(hard_side.as_ref(), found));
    let soft_side = soft.first().map(|requirement| resolve(requirement, maximum.of(Side::Soft), hard_target));
    let target = now.zip(hard_target).map(|(now, hard)| {
        let soft = target_of(soft_side.as_ref(), now.soft);
        fit_soft_below_hard(Limits { soft, hard }, soft_side.is_some(), hard_side.as_ref())
    });
    let sides: Vec<LimitSide> = soft_side.into_iter().chain(hard_side).collect();
    let holds =
        |now: Limits| sides.iter().all(|side| side.requirement.wanted.holds(&Value::Limit(now.side(side.side))));
    let action = match (now, target) {
        (Some(now), Some(target)) if now != target => Action::Write(target),
        (Some(now), _) if holds(now) => Action::Skip(SkipReason::Satisfied),
        (Some(_), _) => Action::Skip(SkipReason::Conflict),
        (None, _) => Action::Skip(SkipReason::Unreadable),
    };
    LimitStep { resource, current, action, sides }
}

/// What `unlimited` stands for. Linux refuses an infinite `nofile` even to root (`do_prlimit`, kernel/sys.c), macOS an
/// infinite soft one (`dosetrlimit`, XNU): then it stands for the highest value that the kernel allows.
#[derive(Clone, Copy)]
struct Maximum {
    ceiling: Option<u64>,
    system: System,
}

impl Maximum {
    fn of(self, side: Side) -> Limit {
        match (self.ceiling, self.system, side) {
            (None, _, _) | (_, System::MacOs, Side::Hard) => Limit::Unlimited,
            (Some(ceiling), _, _) => Limit::Value(ceiling),
        }
    }
}

/// The requirement of a side, where `unlimited` stands for `maximum`, and `hard` for the hard limit once it is set.
fn resolve(raw: &LimitRequirement, maximum: Limit, hard: Option<Limit>) -> LimitSide {
    let value = |target: &LimitTarget| -> Result<Value, std::convert::Infallible> {
        Ok(Value::Limit(match target {
            LimitTarget::Limit(Limit::Unlimited) => maximum,
            LimitTarget::Limit(limit) => *limit,
            LimitTarget::Hard => hard.map_or(maximum, |hard| hard.min(maximum)),
        }))
    };
    let Ok(wanted) = raw.wanted.try_map(value);
    let requirement = Requirement {
        setting: Setting::Limit(raw.resource, raw.side),
        kind: Kind::Limit,
        wanted,
        required: raw.required,
        origin: raw.origin.clone(),
    };
    LimitSide { side: raw.side, requirement: Rc::new(requirement) }
}

/// What a side should be set to where it is `found` now.
fn target_of(side: Option<&LimitSide>, found: Limit) -> Limit {
    match side.and_then(|side| side.requirement.wanted.target(&Value::Limit(found))) {
        Some(Value::Limit(limit)) => limit,
        _ => found,
    }
}

/// The kernel takes no soft limit above the hard one. Where only one side is asked for, the other follows it; where both
/// are and they are not possible together, the hard limit is set and the soft one falls short.
fn fit_soft_below_hard(target: Limits, soft_is_asked: bool, hard_side: Option<&LimitSide>) -> Limits {
    if target.soft <= target.hard {
        return target;
    }
    let may_raise_hard = hard_side.is_none_or(|side| side.requirement.wanted.holds(&Value::Limit(target.soft)));
    if soft_is_asked && may_raise_hard {
        Limits { soft: target.soft, hard: target.soft }
    } else {
        Limits { soft: target.hard, hard: target.hard }
    }
}
