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

/// One step for each limit that is named, in the order of the profile, but those last that tunectl itself
/// would feel before it has handed over: memory, file size, processor time and processes.
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
    let (felt, others): (Vec<_>, Vec<_>) = resources.into_iter().partition(|resource| felt_by_us(*resource));
    let resources = others.into_iter().chain(felt);
    resources
        .map(|resource| {
            let top = Top { ceiling: ceiling.filter(|_| resource == Resource::Nofile), system };
            let its = requirements.iter().filter(|requirement| requirement.resource == resource);
            step(resource, its, read(resource), top)
        })
        .collect()
}

fn felt_by_us(resource: Resource) -> bool {
    matches!(
        resource,
        Resource::As | Resource::Data | Resource::Stack | Resource::Fsize | Resource::Cpu | Resource::Nproc
    )
}

fn step<'a>(
    resource: Resource,
    requirements: impl Iterator<Item = &'a LimitRequirement>,
    current: Result<Limits, KernelError>,
    top: Top,
) -> LimitStep {
    let (soft, hard): (Vec<_>, Vec<_>) = requirements.partition(|requirement| requirement.side == Side::Soft);
    let now = current.ok();
    let hard_side = hard.first().map(|requirement| resolve(requirement, top.of(Side::Hard), None));
    let hard_now = now.map(|limits| limits.hard);
    let hard_target = hard_now.map(|found| aim(hard_side.as_ref(), found));
    let soft_side = soft.first().map(|requirement| resolve(requirement, top.of(Side::Soft), hard_target));
    let target = now.zip(hard_target).map(|(now, hard)| {
        let soft = aim(soft_side.as_ref(), now.soft);
        fit(Limits { soft, hard }, soft_side.is_some(), hard_side.as_ref())
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

/// What no limit at all comes to. Linux refuses an infinite nofile even from full root (`do_prlimit`, kernel/sys.c),
/// macOS only an infinite soft one (`dosetrlimit`, XNU): what is meant is as many as the kernel ever gives.
#[derive(Clone, Copy)]
struct Top {
    ceiling: Option<u64>,
    system: System,
}

impl Top {
    fn of(self, side: Side) -> Limit {
        match (self.ceiling, self.system, side) {
            (None, _, _) | (_, System::MacOs, Side::Hard) => Limit::Unlimited,
            (Some(ceiling), _, _) => Limit::Value(ceiling),
        }
    }
}

fn resolve(raw: &LimitRequirement, top: Limit, hard: Option<Limit>) -> LimitSide {
    let number = |asked: &LimitTarget| -> Result<Value, std::convert::Infallible> {
        Ok(Value::Limit(match asked {
            LimitTarget::Limit(Limit::Unlimited) => top,
            LimitTarget::Limit(limit) => *limit,
            LimitTarget::Hard => hard.map_or(top, |hard| hard.min(top)),
        }))
    };
    let Ok(wanted) = raw.wanted.try_map(number);
    let requirement = Requirement {
        setting: Setting::Limit(raw.resource, raw.side),
        kind: Kind::Limit,
        wanted,
        required: raw.required,
        origin: raw.origin.clone(),
    };
    LimitSide { side: raw.side, requirement: Rc::new(requirement) }
}

/// Where a side should go from `found`.
fn aim(side: Option<&LimitSide>, found: Limit) -> Limit {
    match side.and_then(|side| side.requirement.wanted.target(&Value::Limit(found))) {
        Some(Value::Limit(limit)) => limit,
        _ => found,
    }
}

/// The kernel takes no soft limit above its hard one. Where only one side is asked for, the other follows;
/// where both are and they can't be had together, the hard limit stands and the soft one falls short.
fn fit(aim: Limits, soft_is_asked: bool, hard_side: Option<&LimitSide>) -> Limits {
    if aim.soft <= aim.hard {
        return aim;
    }
    let may_raise_hard = hard_side.is_none_or(|side| side.requirement.wanted.holds(&Value::Limit(aim.soft)));
    if soft_is_asked && may_raise_hard {
        Limits { soft: aim.soft, hard: aim.soft }
    } else {
        Limits { soft: aim.hard, hard: aim.hard }
    }
}
