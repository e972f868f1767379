//! Limits: both sides of one are set in one call, so both are planned as one step.

use crate::kernel::KernelError;
use crate::model::expectation::Expectation;
use crate::model::limit::{Limit, Limits, Resource, Side};
use crate::model::setting::System;
use crate::model::value::Value;
use crate::profile::Origin;

use super::goal::{LimitAsked, LimitGoal};

/// One limit: what it is, and what to set it to.
#[derive(Clone, Debug)]
pub struct LimitStep {
    /// Which.
    pub resource: Resource,
    /// What it is now, or why that is not known.
    pub current: Result<Limits, KernelError>,
    /// What to set; nothing where what stands there will do, or where that is not known.
    pub target: Option<Limits>,
    /// What is asked of its sides, one or both.
    pub sides: Vec<SideGoal>,
}

/// What is asked of one side of a limit, with all that it hung on resolved.
#[derive(Clone, Debug)]
pub struct SideGoal {
    /// Which side.
    pub side: Side,
    /// What it should be; of `nofile`, `unlimited` has become the kernel's ceiling.
    pub wanted: Expectation<Value>,
    /// Whether falling short fails the whole.
    pub required: bool,
    /// Where the profile asks for it.
    pub origin: Origin,
}

/// One step for each limit that is named, in the order of the profile, but those last that tunectl itself
/// would feel before it has handed over: memory, file size, processor time and processes.
pub(super) fn steps(
    goals: &[LimitGoal],
    read: &mut dyn FnMut(Resource) -> Result<Limits, KernelError>,
    ceiling: Option<u64>,
    system: System,
) -> Vec<LimitStep> {
    let mut resources: Vec<Resource> = Vec::new();
    for goal in goals {
        if !resources.contains(&goal.resource) {
            resources.push(goal.resource);
        }
    }
    let (felt, others): (Vec<_>, Vec<_>) = resources.into_iter().partition(|resource| felt_by_us(*resource));
    let resources = others.into_iter().chain(felt);
    resources
        .map(|resource| {
            let top = Top { ceiling: ceiling.filter(|_| resource == Resource::Nofile), system };
            step(resource, goals.iter().filter(|goal| goal.resource == resource), read(resource), top)
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
    goals: impl Iterator<Item = &'a LimitGoal>,
    current: Result<Limits, KernelError>,
    top: Top,
) -> LimitStep {
    let (soft, hard): (Vec<_>, Vec<_>) = goals.partition(|goal| goal.side == Side::Soft);
    let now = current.ok();
    let hard_goal = hard.first().map(|goal| resolve(goal, top.of(Side::Hard), None));
    let hard_now = now.map(|limits| limits.hard);
    let hard_target = hard_now.map(|found| aim(hard_goal.as_ref(), found));
    let soft_goal = soft.first().map(|goal| resolve(goal, top.of(Side::Soft), hard_target));
    let target = now.zip(hard_target).map(|(now, hard)| {
        let soft = aim(soft_goal.as_ref(), now.soft);
        fit(Limits { soft, hard }, soft_goal.is_some(), hard_goal.as_ref())
    });
    LimitStep {
        resource,
        current,
        target: target.filter(|target| Some(*target) != now),
        sides: soft_goal.into_iter().chain(hard_goal).collect(),
    }
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

fn resolve(goal: &LimitGoal, top: Limit, hard: Option<Limit>) -> SideGoal {
    let number = |asked: &LimitAsked| -> Result<Value, std::convert::Infallible> {
        Ok(Value::Limit(match asked {
            LimitAsked::Limit(Limit::Unlimited) => top,
            LimitAsked::Limit(limit) => *limit,
            LimitAsked::Hard => hard.map_or(top, |hard| hard.min(top)),
        }))
    };
    let Ok(wanted) = goal.wanted.try_map(number);
    SideGoal { side: goal.side, wanted, required: goal.required, origin: goal.origin.clone() }
}

/// Where a side should go from `found`.
fn aim(goal: Option<&SideGoal>, found: Limit) -> Limit {
    match goal.and_then(|goal| goal.wanted.target(&Value::Limit(found))) {
        Some(Value::Limit(limit)) => limit,
        _ => found,
    }
}

/// The kernel takes no soft limit above its hard one. Where only one side is asked for, the other follows;
/// where both are and they can't be had together, the hard limit stands and the soft one falls short.
fn fit(aim: Limits, soft_is_asked: bool, hard_goal: Option<&SideGoal>) -> Limits {
    if aim.soft <= aim.hard {
        return aim;
    }
    let may_raise_hard = hard_goal.is_none_or(|goal| goal.wanted.holds(&Value::Limit(aim.soft)));
    if soft_is_asked && may_raise_hard {
        Limits { soft: aim.soft, hard: aim.soft }
    } else {
        Limits { soft: aim.hard, hard: aim.hard }
    }
}
