//! Requirements: what profiles ask for, with amounts resolved on this machine and patterns replaced by what exists.

use std::collections::HashSet;
use std::rc::Rc;

use crate::model::amount::Machine;
use crate::model::expectation::Expectation;
use crate::model::limit::{Limit, Resource, Side};
use crate::model::name::SysctlName;
use crate::model::ranges::Ranges;
use crate::model::setting::{Key, Setting, System};
use crate::model::value::{Kind, Value};
use crate::profile::{Origin, RawRequirement, Source, ValueExpr};

/// What a profile asks of one setting, resolved on this machine. Made once and shared from there on: by the step of
/// the plan, the outcome in the report, and whatever watches the setting.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// The setting; a pattern of names where nothing that exists matches it.
    pub setting: Setting,
    /// The shape of its values.
    pub kind: Kind,
    /// The values that satisfy it.
    pub wanted: Expectation<Value>,
    /// Whether the whole profile fails where it is not satisfied.
    pub required: bool,
    /// Where the profile asks for it.
    pub origin: Origin,
}

/// All that a profile asks for on one system.
#[derive(Clone, Debug, Default)]
pub struct Requirements {
    /// Of the kernel's keys, in the profile's order.
    pub keys: Vec<Rc<Requirement>>,
    /// Of the limits of the process, in the profile's order.
    pub limits: Vec<LimitRequirement>,
}

/// What a profile asks of one side of a limit. It becomes a [`Requirement`] when the plan is made: what `hard` and an
/// unlimited `nofile` come to depends on the present limits and on the other settings of the plan.
#[derive(Clone, Debug)]
pub struct LimitRequirement {
    /// The limit.
    pub resource: Resource,
    /// Its side.
    pub side: Side,
    /// The values that satisfy it.
    pub wanted: Expectation<LimitTarget>,
    /// Whether the whole profile fails where it is not satisfied.
    pub required: bool,
    /// Where the profile asks for it.
    pub origin: Origin,
}

/// A limit, perhaps relative to the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitTarget {
    /// This number, or no limit.
    Limit(Limit),
    /// What the hard limit is, once it is set.
    Hard,
}

/// Resolves what a profile and the ports of its service ask for on `system`. `machine` is called only where an amount
/// depends on it.
///
/// # Errors
/// The origin of the first amount that does not fit its setting on this machine, and a sentence that says why.
pub fn resolve(
    raw: Vec<RawRequirement>,
    service_ports: &Ranges,
    system: System,
    machine: &dyn Fn() -> Machine,
) -> Result<Requirements, (Origin, String)> {
    let (mut keys, mut limits) = (Vec::with_capacity(raw.len()), Vec::new());
    for raw in raw.into_iter().filter(|raw| raw.system.is_none_or(|its| its == system)) {
        let RawRequirement { setting, wanted, kind, required, origin, .. } = raw;
        let failed = |message| (origin.clone(), message);
        if let Setting::Limit(resource, side) = setting {
            let wanted = wanted.try_map(|value| resolve_limit(value, machine)).map_err(failed)?;
            limits.push(LimitRequirement { resource, side, wanted, required, origin });
        } else {
            let wanted = wanted.try_map(|value| resolve_value(value, machine)).map_err(failed)?;
            keys.push(Requirement { setting, kind, wanted, required, origin });
        }
    }
    if system == System::Linux {
        reserve(&mut keys, service_ports);
    }
    Ok(Requirements { keys: keys.into_iter().map(Rc::new).collect(), limits })
}

/// The service's ports are reserved along with whatever the profile says of the list itself: otherwise the
/// kernel may hand one of them to an outgoing connection, and the service's next bind fails with EADDRINUSE.
fn reserve(keys: &mut Vec<Requirement>, ports: &Ranges) {
    let Ok(name) = SysctlName::parse(RESERVED_PORTS) else { return };
    if ports.is_empty() {
        return;
    }
    let setting = Setting::Key(Key::Sysctl(name));
    for requirement in keys.iter_mut().filter(|requirement| requirement.setting == setting) {
        if let Expectation::Exactly(Value::Ranges(list)) | Expectation::Includes(Value::Ranges(list)) =
            &mut requirement.wanted
        {
            *list = list.union(ports);
            return;
        }
    }
    let source = Source { label: "the service's ports".to_owned(), text: String::new() };
    keys.push(Requirement {
        setting,
        kind: Kind::Ports,
        wanted: Expectation::Includes(Value::Ranges(ports.clone())),
        required: true,
        origin: Origin { source: Rc::new(source), span: 0..0 },
    });
}

/// Ports that are never chosen for an outgoing connection (Documentation/networking/ip-sysctl.rst).
const RESERVED_PORTS: &str = "net.ipv4.ip_local_reserved_ports";

fn resolve_value(expression: &ValueExpr, machine: &dyn Fn() -> Machine) -> Result<Value, String> {
    Ok(match expression {
        ValueExpr::Amount(amount) => Value::Number(amount.resolve(machine)),
        ValueExpr::Amounts(amounts) => Value::Numbers(amounts.iter().map(|amount| amount.resolve(machine)).collect()),
        ValueExpr::Ranges(ranges) => Value::Ranges(ranges.clone()),
        ValueExpr::Text(text) => Value::text(text),
        ValueExpr::Unlimited | ValueExpr::Hard => {
            return Err("`unlimited` and `hard` are values of limits only".to_owned());
        }
    })
}

fn resolve_limit(expression: &ValueExpr, machine: &dyn Fn() -> Machine) -> Result<LimitTarget, String> {
    match expression {
        ValueExpr::Unlimited => Ok(LimitTarget::Limit(Limit::Unlimited)),
        ValueExpr::Hard => Ok(LimitTarget::Hard),
        ValueExpr::Amount(amount) => u64::try_from(amount.resolve(machine))
            .map(|number| LimitTarget::Limit(Limit::Value(number)))
            .map_err(|_| format!("`{amount}` does not fit a limit: expected 0 to 18446744073709551614")),
        ValueExpr::Amounts(_) | ValueExpr::Ranges(_) | ValueExpr::Text(_) => {
            Err("expected a whole number or `\"unlimited\"` for a limit".to_owned())
        }
    }
}

/// Replaces each pattern by the names that it stands for. A key that is named in full goes before a pattern
/// that matches it, as in sysctl.d(5); of two patterns, the later one wins. A pattern that matches nothing
/// stays as it is.
pub fn expand_patterns(
    requirements: &[Rc<Requirement>],
    names: &mut dyn FnMut(&SysctlName) -> Vec<SysctlName>,
) -> Vec<Rc<Requirement>> {
    if requirements.iter().all(|requirement| pattern(requirement).is_none()) {
        return requirements.to_vec();
    }
    let by_name = requirements.iter().filter(|requirement| pattern(requirement).is_none());
    let mut taken: HashSet<Setting> = by_name.map(|requirement| requirement.setting.clone()).collect();
    // From the last to the first, so that a later pattern takes its keys before an earlier one does.
    let mut reversed: Vec<Rc<Requirement>> = Vec::with_capacity(requirements.len());
    for requirement in requirements.iter().rev() {
        let found = pattern(requirement).map_or_else(Vec::new, &mut *names);
        if found.is_empty() {
            reversed.push(requirement.clone());
            continue;
        }
        for name in found.into_iter().rev() {
            let setting = Setting::Key(Key::Sysctl(name));
            if taken.insert(setting.clone()) {
                reversed.push(Rc::new(Requirement { setting, ..(**requirement).clone() }));
            }
        }
    }
    reversed.reverse();
    reversed
}

fn pattern(requirement: &Requirement) -> Option<&SysctlName> {
    match &requirement.setting {
        Setting::Key(Key::Sysctl(name)) if name.is_pattern() => Some(name),
        _ => None,
    }
}
