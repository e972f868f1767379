//! Wishes made concrete: amounts resolved on this machine, patterns replaced by what exists.

use std::collections::HashSet;
use std::rc::Rc;

use crate::model::amount::Machine;
use crate::model::expectation::Expectation;
use crate::model::limit::{Limit, Resource, Side};
use crate::model::name::SysctlName;
use crate::model::ranges::Ranges;
use crate::model::setting::{Key, RowNumber, Setting, System};
use crate::model::value::{Kind, Value};
use crate::profile::{Origin, RawRequirement, Source, ValueExpr};

/// All that a profile asks for on one system.
#[derive(Clone, Debug, Default)]
pub struct Goals {
    /// Of the kernel, in the profile's order.
    pub keys: Vec<KeyGoal>,
    /// Of the process, in the profile's order.
    pub limits: Vec<LimitGoal>,
}

/// What is asked of a key, or of all that a pattern stands for.
#[derive(Clone, Debug)]
pub struct KeyGoal {
    /// Which.
    pub key: Key,
    /// The shape of its values.
    pub kind: Kind,
    /// The catalog's row of it, where it has been found.
    pub row: Option<RowNumber>,
    /// What it should be.
    pub wanted: Expectation<Value>,
    /// Whether falling short fails the whole.
    pub required: bool,
    /// Where the profile asks for it.
    pub origin: Origin,
}

/// What is asked of one side of a limit.
#[derive(Clone, Debug)]
pub struct LimitGoal {
    /// Of which limit.
    pub resource: Resource,
    /// Of which side.
    pub side: Side,
    /// What it should be.
    pub wanted: Expectation<LimitAsked>,
    /// Whether falling short fails the whole.
    pub required: bool,
    /// Where the profile asks for it.
    pub origin: Origin,
}

/// A limit that may hang on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitAsked {
    /// This.
    Limit(Limit),
    /// What the hard limit is, once it is set.
    Hard,
}

/// What the wishes of a profile, and the ports of its service, come to on `system`. `machine` is only asked where an
/// amount hangs on it.
///
/// # Errors
/// The wish whose amount does not fit its setting on this machine, and why.
pub fn goals(
    wishes: Vec<RawRequirement>,
    service_ports: &Ranges,
    system: System,
    machine: &dyn Fn() -> Machine,
) -> Result<Goals, (Origin, String)> {
    let mut goals = Goals { keys: Vec::with_capacity(wishes.len()), limits: Vec::new() };
    for wish in wishes.into_iter().filter(|wish| wish.system.is_none_or(|its| its == system)) {
        let RawRequirement { setting, asked, kind, row, required, origin, .. } = wish;
        match setting {
            Setting::Key(key) => match asked.try_map(|asked| value(asked, machine)) {
                Ok(wanted) => goals.keys.push(KeyGoal { key, kind, row, wanted, required, origin }),
                Err(message) => return Err((origin, message)),
            },
            Setting::Limit(resource, side) => match asked.try_map(|asked| limit(asked, machine)) {
                Ok(wanted) => goals.limits.push(LimitGoal { resource, side, wanted, required, origin }),
                Err(message) => return Err((origin, message)),
            },
        }
    }
    if system == System::Linux {
        reserve(&mut goals.keys, service_ports);
    }
    Ok(goals)
}

/// The service's ports are reserved along with whatever the profile says of the list itself: otherwise the
/// kernel may hand one of them to an outgoing connection, and the service's next bind fails with EADDRINUSE.
fn reserve(keys: &mut Vec<KeyGoal>, ports: &Ranges) {
    let Ok(name) = SysctlName::parse(RESERVED_PORTS) else { return };
    if ports.is_empty() {
        return;
    }
    let key = Key::Sysctl(name);
    for goal in keys.iter_mut().filter(|goal| goal.key == key) {
        if let Expectation::Exactly(Value::Ranges(list)) | Expectation::Includes(Value::Ranges(list)) = &mut goal.wanted
        {
            *list = list.union(ports);
            return;
        }
    }
    let source = Source { label: "the service's ports".to_owned(), text: String::new() };
    keys.push(KeyGoal {
        key,
        kind: Kind::Ports,
        row: None,
        wanted: Expectation::Includes(Value::Ranges(ports.clone())),
        required: true,
        origin: Origin { source: Rc::new(source), span: 0..0 },
    });
}

/// Ports that are never chosen for an outgoing connection (Documentation/networking/ip-sysctl.rst).
const RESERVED_PORTS: &str = "net.ipv4.ip_local_reserved_ports";

fn value(asked: &ValueExpr, machine: &dyn Fn() -> Machine) -> Result<Value, String> {
    Ok(match asked {
        ValueExpr::Amount(amount) => Value::Number(amount.resolve(machine)),
        ValueExpr::Amounts(amounts) => Value::Numbers(amounts.iter().map(|amount| amount.resolve(machine)).collect()),
        ValueExpr::Ranges(ranges) => Value::Ranges(ranges.clone()),
        ValueExpr::Text(text) => Value::text(text),
        ValueExpr::Unlimited | ValueExpr::Hard => {
            return Err("`unlimited` and `hard` are values of limits only".to_owned());
        }
    })
}

fn limit(asked: &ValueExpr, machine: &dyn Fn() -> Machine) -> Result<LimitAsked, String> {
    match asked {
        ValueExpr::Unlimited => Ok(LimitAsked::Limit(Limit::Unlimited)),
        ValueExpr::Hard => Ok(LimitAsked::Hard),
        ValueExpr::Amount(amount) => u64::try_from(amount.resolve(machine))
            .map(|number| LimitAsked::Limit(Limit::Value(number)))
            .map_err(|_| format!("`{amount}` does not fit a limit: expected 0 to 18446744073709551614")),
        ValueExpr::Amounts(_) | ValueExpr::Ranges(_) | ValueExpr::Text(_) => {
            Err("expected a whole number or `\"unlimited\"` for a limit".to_owned())
        }
    }
}

/// Replaces each pattern by the names that it stands for. A key that is named in full goes before a pattern
/// that matches it, as in sysctl.d(5); of two patterns, the later one wins. A pattern that matches nothing
/// stays as it is.
pub fn expand(goals: Vec<KeyGoal>, names: &mut dyn FnMut(&SysctlName) -> Vec<SysctlName>) -> Vec<KeyGoal> {
    let is_pattern = |goal: &KeyGoal| matches!(&goal.key, Key::Sysctl(name) if name.is_pattern());
    if !goals.iter().any(is_pattern) {
        return goals;
    }
    let mut taken: HashSet<Key> = goals.iter().filter(|goal| !is_pattern(goal)).map(|goal| goal.key.clone()).collect();
    // From the last to the first, so that a later pattern takes its keys before an earlier one comes by.
    let mut reversed: Vec<KeyGoal> = Vec::with_capacity(goals.len());
    for goal in goals.into_iter().rev() {
        let Key::Sysctl(pattern) = &goal.key else {
            reversed.push(goal);
            continue;
        };
        if !pattern.is_pattern() {
            reversed.push(goal);
            continue;
        }
        let found = names(pattern);
        if found.is_empty() {
            reversed.push(goal);
            continue;
        }
        for name in found.into_iter().rev() {
            let key = Key::Sysctl(name);
            if taken.insert(key.clone()) {
                // One of them may have a row of its own.
                reversed.push(KeyGoal { key, row: None, ..goal.clone() });
            }
        }
    }
    reversed.reverse();
    reversed
}
