//! Limits: both sides of one are set in one call, so both are planned as one step.

use std::rc::Rc;

use crate::kernel::KernelError;
use crate::model::limit::{Limit, Limits, Resource, Side};
use crate::model::setting::{Setting, System};
use crate::model::value::Value;

use super::requirement::Requirement;
use super::{Action, SkipReason};

/// One limit: its current value, and what to do about it.
#[derive(Clone, Debug)]
pub struct LimitStep {
    /// The limit that it sets.
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
    /// What is required of it.
    pub requirement: Rc<Requirement>,
}

/// One step for each limit that is named, in the profile's order, but last those that restrict tunectl itself until it
/// has started the service. `read` reads the current value; `ceiling` is the highest hard `nofile` of the kernel.
pub(super) fn steps(
    requirements: &[Rc<Requirement>],
    read: &mut dyn FnMut(Resource) -> Result<Limits, KernelError>,
    ceiling: Option<u64>,
    system: System,
) -> Vec<LimitStep> {
    let limit = |requirement: &Requirement| match requirement.setting {
        Setting::Limit(resource, side) => Some((resource, side)),
        Setting::Key(_) => None,
    };
    let mut resources: Vec<Resource> = Vec::new();
    for (resource, _) in requirements.iter().filter_map(|requirement| limit(requirement)) {
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    let (last, others): (Vec<_>, Vec<_>) = resources.into_iter().partition(|resource| restricts_tunectl(*resource));
    let resources = others.into_iter().chain(last);
    resources
        .map(|resource| {
            let maximum = Maximum { ceiling: ceiling.filter(|_| resource == Resource::Nofile), system };
            let of = |side| requirements.iter().find(|requirement| limit(requirement) == Some((resource, side)));
            step(resource, of(Side::Soft), of(Side::Hard), read(resource), maximum)
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

fn step(
    resource: Resource,
    soft: Option<&Rc<Requirement>>,
    hard: Option<&Rc<Requirement>>,
    current: Result<Limits, KernelError>,
    maximum: Maximum,
) -> LimitStep {
    let now = current.ok();
    let hard_side = hard.map(|requirement| resolve(requirement, Side::Hard, maximum, None));
    let hard_now = now.map(|limits| limits.hard);
    let hard_target = hard_now.map(|found| target_of(hard_side.as_ref(), found));
    let soft_side = soft.map(|requirement| resolve(requirement, Side::Soft, maximum, hard_target));
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

/// The requirement of a side, where `unlimited` stands for `maximum`, and `hard` for the hard limit once it is set. The
/// profile's own where it has neither.
fn resolve(raw: &Rc<Requirement>, side: Side, maximum: Maximum, hard: Option<Limit>) -> LimitSide {
    let maximum = maximum.of(side);
    let limit = |value: &Value| match value {
        Value::Limit(Limit::Unlimited) => Value::Limit(maximum),
        Value::HardLimit => Value::Limit(hard.map_or(maximum, |hard| hard.min(maximum))),
        value => value.clone(),
    };
    let requirement = if raw.wanted.values().all(|value| limit(value) == *value) {
        raw.clone()
    } else {
        Rc::new(Requirement { wanted: raw.wanted.map(limit), ..(**raw).clone() })
    };
    LimitSide { side, requirement }
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
