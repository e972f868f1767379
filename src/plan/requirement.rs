//! Requirements: what profiles ask for, with amounts resolved on this machine and patterns replaced by what exists.

use std::collections::HashSet;
use std::rc::Rc;

use super::computed;
use crate::kernel::KernelError;
use crate::model::amount::Machine;
use crate::model::expectation::Expectation;
use crate::model::limit::Limit;
use crate::model::name::SysctlName;
use crate::model::ranges::Ranges;
use crate::model::setting::{Key, Setting, System};
use crate::model::value::{Kind, Value};
use crate::profile::{Origin, RawRequirement, Source, ValueExpr};

/// What a profile asks of one setting, resolved on this machine. Made once and shared from there on: by the step of
/// the plan, the outcome in the report, and whatever watches the setting. The plan makes another one only where it puts
/// a name in the place of a pattern, or a limit in that of `hard` or of what the kernel has for `unlimited`.
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
    /// The pattern that the setting's name was found by, `net.ipv4.conf.*.rp_filter`.
    pub pattern: Option<Rc<SysctlName>>,
    /// Whether it is for the service's ports alone, which have to be reserved only where the kernel may give one of them to
    /// an outgoing connection.
    pub for_service: bool,
}

/// All that a profile asks for on one system.
#[derive(Clone, Debug, Default)]
pub struct Requirements {
    /// Of the kernel's keys, in the profile's order.
    pub keys: Vec<Rc<Requirement>>,
    /// Of the limits of the process, in the profile's order.
    pub limits: Vec<Rc<Requirement>>,
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
        let is_limit = matches!(setting, Setting::Limit(..));
        let resolve = if is_limit { resolve_limit } else { resolve_value };
        let resolved = wanted.try_map(|value| resolve(value, machine)).map_err(failed)?;
        computed::check(&wanted, &resolved, &setting, system).map_err(failed)?;
        let requirement =
            Requirement { setting, kind, wanted: resolved, required, origin, pattern: None, for_service: false };
        if is_limit { limits.push(Rc::new(requirement)) } else { keys.push(requirement) }
    }
    let sides: Vec<_> = limits.iter().map(|requirement| (&requirement.setting, &requirement.wanted)).collect();
    if let Some((index, message)) = computed::soft_above_hard(&sides) {
        return Err((limits[index].origin.clone(), message));
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
    let source = Source { label: "the service's ports".to_owned(), text: String::new(), hidden_from: None };
    keys.push(Requirement {
        setting,
        kind: Kind::Ports,
        wanted: Expectation::Includes(Value::Ranges(ports.clone())),
        required: true,
        origin: Origin { source: Rc::new(source), span: 0..0 },
        pattern: None,
        for_service: true,
    });
}

/// The requirement of the service's ports where outgoing connections get those of `range`, a pair, and none of them is
/// within: then none has to be reserved. Nothing where one is.
#[must_use]
pub fn outside_of_range(requirement: &Requirement, range: &Value) -> Option<Requirement> {
    let (Expectation::Includes(Value::Ranges(ports)), Value::Numbers(range)) = (&requirement.wanted, range) else {
        return None;
    };
    let [low, high] = range[..] else { return None };
    let range = Ranges::between(u32::try_from(low).ok()?, u32::try_from(high).ok()?);
    let wanted = Expectation::Includes(Value::Ranges(Ranges::default()));
    (ports.without(&range) == *ports).then(|| Requirement { wanted, ..requirement.clone() })
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

fn resolve_limit(expression: &ValueExpr, machine: &dyn Fn() -> Machine) -> Result<Value, String> {
    match expression {
        ValueExpr::Unlimited => Ok(Value::Limit(Limit::Unlimited)),
        ValueExpr::Hard => Ok(Value::HardLimit),
        ValueExpr::Amount(amount) => u64::try_from(amount.resolve(machine))
            .map(|number| Value::Limit(Limit::Value(number)))
            .map_err(|_| format!("`{amount}` does not fit a limit: expected 0 to 18446744073709551614")),
        ValueExpr::Amounts(_) | ValueExpr::Ranges(_) | ValueExpr::Text(_) => {
            Err("expected a whole number or `\"unlimited\"` for a limit".to_owned())
        }
    }
}

/// A requirement of what is no pattern, or of a pattern that could not be expanded.
#[derive(Clone, Debug)]
pub struct ExpandedRequirement {
    /// The requirement of one name, or of the pattern.
    pub requirement: Rc<Requirement>,
    /// Why the names that its pattern matches are not known.
    pub unlisted: Option<KernelError>,
}

impl ExpandedRequirement {
    fn new(requirement: Rc<Requirement>) -> Self {
        Self { requirement, unlisted: None }
    }
}

/// Replaces each pattern by the names that it stands for. A key that is named in full goes before a pattern
/// that matches it, as in sysctl.d(5); of two patterns, the later one wins. A pattern that matches nothing
/// stays as it is, and so does one whose names can't be listed; what that may match, an earlier pattern is not for.
pub fn expand_patterns(
    requirements: &[Rc<Requirement>],
    names: &mut dyn FnMut(&SysctlName) -> Result<Vec<SysctlName>, KernelError>,
) -> Vec<ExpandedRequirement> {
    if requirements.iter().all(|requirement| pattern(requirement).is_none()) {
        return requirements.iter().cloned().map(ExpandedRequirement::new).collect();
    }
    let by_name = requirements.iter().filter(|requirement| pattern(requirement).is_none());
    let mut taken: HashSet<Setting> = by_name.map(|requirement| requirement.setting.clone()).collect();
    // From the last to the first, so that a later pattern takes its keys before an earlier one does.
    let mut reversed: Vec<ExpandedRequirement> = Vec::with_capacity(requirements.len());
    let mut unlisted: Vec<&SysctlName> = Vec::new();
    for requirement in requirements.iter().rev() {
        let pattern = pattern(requirement);
        let found = match pattern.map(|pattern| (pattern, names(pattern))) {
            None => Vec::new(),
            Some((_, Ok(found))) => found,
            Some((pattern, Err(error))) => {
                unlisted.push(pattern);
                reversed.push(ExpandedRequirement { requirement: requirement.clone(), unlisted: Some(error) });
                continue;
            }
        };
        if found.is_empty() {
            reversed.push(ExpandedRequirement::new(requirement.clone()));
            continue;
        }
        let pattern = pattern.cloned().map(Rc::new);
        for name in found.into_iter().rev().filter(|name| !unlisted.iter().any(|pattern| pattern.matches(name))) {
            let setting = Setting::Key(Key::Sysctl(name));
            if taken.insert(setting.clone()) {
                let requirement = Rc::new(Requirement { setting, pattern: pattern.clone(), ..(**requirement).clone() });
                reversed.push(ExpandedRequirement::new(requirement));
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

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::*;
    use crate::kernel::Operation;

    fn requirement(name: &str) -> Rc<Requirement> {
        let source = Rc::new(Source { label: "a.toml".to_owned(), text: String::new(), hidden_from: None });
        Rc::new(Requirement {
            setting: Setting::Key(Key::Sysctl(SysctlName::parse(name).unwrap())),
            kind: Kind::Number,
            wanted: Expectation::Exactly(Value::Number(1)),
            required: true,
            origin: Origin { source, span: 0..0 },
            pattern: None,
            for_service: false,
        })
    }

    /// What an earlier pattern says of a name may be what the later one says otherwise.
    #[test]
    fn a_pattern_that_cannot_be_listed_keeps_what_it_may_match_from_earlier_ones() {
        let error = KernelError { operation: Operation::OpenToRead, errno: Errno::EMFILE };
        let all = ["c.a.f", "c.b.f", "c.d.f"].map(|name| SysctlName::parse(name).unwrap());
        let mut names = |pattern: &SysctlName| match pattern.to_string().as_str() {
            "c.[ab].f" => Err(error),
            _ => Ok(all.iter().filter(|name| pattern.matches(name)).cloned().collect()),
        };
        let asked = ["c.*.f", "c.[ab].f", "c.b.f", "x.*.f"].map(requirement);
        let expanded = expand_patterns(&asked, &mut names);
        let found: Vec<_> =
            expanded.iter().map(|found| (found.requirement.setting.to_string(), found.unlisted)).collect();
        let listed = |name: &str| (name.to_owned(), None);
        assert_eq!(found, [listed("c.d.f"), ("c.[ab].f".to_owned(), Some(error)), listed("c.b.f"), listed("x.*.f")]);
    }
}
