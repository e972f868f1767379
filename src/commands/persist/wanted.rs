//! What is to last of what was found.

use std::collections::BTreeMap;
use std::path::Path;

use crate::catalog;
use crate::commands::World;
use crate::commands::prepare::Prepared;
use crate::formats::{self, Lasting};
use crate::kernel::Process;
use crate::model::expectation::Expectation;
use crate::model::limit::{Limit, Limits, Resource, Side};
use crate::model::setting::{Key, Setting, System};
use crate::model::value::Value;
use crate::persist::{self, Asked, Wanted};
use crate::plan::{LimitRequirement, LimitTarget};
use crate::profile::Profile;
use crate::report::{Outcome, Report, Shortfall, Verdict};

use super::PersistFlags;

pub(super) fn units(asked: &PersistFlags) -> Vec<String> {
    asked.unit.iter().filter_map(|name| unit(name)).collect()
}

/// The whole name of a service, systemd.unit(5).
pub(super) fn unit(name: &str) -> Option<String> {
    let stem = name.strip_suffix(".service").unwrap_or(name);
    let may = |c: char| c.is_ascii_alphanumeric() || ":_.\\@-".contains(c);
    let other_kind = [".socket", ".mount", ".swap", ".slice", ".scope", ".timer", ".target", ".path", ".device"];
    let fits = !stem.is_empty() && stem.len() < 240 && stem.chars().all(may) && !stem.starts_with('.');
    (fits && !other_kind.iter().any(|kind| stem.ends_with(kind))).then(|| format!("{stem}.service"))
}

/// Something for every file that there can be, so that each is looked at.
pub(super) fn sample(units: Vec<String>) -> Wanted {
    let lasting = || vec![Lasting { name: String::new(), value: Value::Number(0), asked: String::new() }];
    let none = Limits { soft: Limit::Unlimited, hard: Limit::Unlimited };
    Wanted {
        sysctls: lasting(),
        attributes: lasting(),
        modules: vec![""],
        limits: vec![(Resource::Nofile, none), (Resource::Nproc, none)],
        logins: vec![("*", Resource::Nofile, Side::Soft, Limit::Unlimited)],
        units: units.into_iter().map(|unit| (unit, vec![(Resource::Nofile, none)])).collect(),
        ..Wanted::default()
    }
}

pub(super) fn wanted(
    asked: &PersistFlags,
    ready: &Prepared,
    process: Process,
    report: &Report,
    world: &mut World<'_>,
) -> Wanted {
    let mut wanted = Wanted { profiles: ready.profile.names.clone(), hash: hash(&ready.profile), ..Wanted::default() };
    let mut sides: BTreeMap<Resource, [Option<&Outcome>; 2]> = BTreeMap::new();
    for finding in &report.outcomes {
        match (&finding.requirement.setting, lasting(finding)) {
            (Setting::Key(key), Some(value)) => {
                let lasting = Lasting { name: key.to_string(), value, asked: finding.requirement.wanted.to_string() };
                let module = catalog::row(ready.place.system, key).and_then(|row| row.module);
                wanted.modules.extend(module.filter(|module| !wanted.modules.contains(module)));
                match key {
                    Key::Sysctl(_) => wanted.sysctls.push(lasting),
                    Key::Sysfs(_) => wanted.attributes.push(lasting),
                }
            }
            (Setting::Limit(resource, side), Some(_)) => {
                sides.entry(*resource).or_default()[usize::from(*side == Side::Hard)] = Some(finding);
            }
            _ => {}
        }
    }
    if ready.place.system == System::MacOs {
        wanted.limits =
            sides.into_iter().map(|(resource, sides)| (resource, jobs(resource, sides, process, world))).collect();
        return wanted;
    }
    let sides = sides.into_iter().map(|(resource, sides)| {
        let first = world.kernel.limits(Process::Pid(1), resource).ok();
        let is_hard =
            |its: &LimitRequirement| its.resource == resource && its.wanted == Expectation::Exactly(LimitTarget::Hard);
        let asked =
            Asked::of(resource, sides.map(|side| side.map(|finding| finding.requirement.wanted.clone())), first);
        Asked { as_hard: ready.requirements.limits.iter().any(is_hard), ..asked }
    });
    let sides: Vec<Asked> = sides.collect();
    let root = asked.root.as_deref().unwrap_or(Path::new("/"));
    wanted.logins = persist::logins(root, &sides);
    wanted.units = units(asked).into_iter().map(|name| (name.clone(), persist::unit(root, &name, &sides))).collect();
    wanted
}

/// On macOS, which has no files that say what there would be without us, the other side is the shell's.
fn jobs(resource: Resource, sides: [Option<&Outcome>; 2], process: Process, world: &mut World<'_>) -> Limits {
    let now = world.kernel.limits(process, resource).ok();
    let [soft, hard] = sides.map(|side| match lasting(side?)? {
        Value::Limit(limit) => Some(limit),
        _ => None,
    });
    let hard = hard.or(now.map(|now| now.hard)).unwrap_or(Limit::Unlimited);
    Limits { soft: soft.or(now.map(|now| now.soft)).unwrap_or(hard).min(hard), hard }
}

/// What is to last of a finding: what stands there and is what is asked for, so that nothing is lowered that was
/// higher; on macOS, whose limits nobody could set, what is asked for.
pub(super) fn lasting(finding: &Outcome) -> Option<Value> {
    match &finding.verdict {
        Verdict::Holds | Verdict::Changed => finding.found.clone(),
        Verdict::WouldChange(value) => Some(value.clone()),
        Verdict::Short(Shortfall::Differs) if matches!(finding.requirement.setting, Setting::Limit(..)) => {
            finding.requirement.wanted.nearest(finding.found.as_ref())
        }
        Verdict::Short(_) => None,
    }
}

/// The hash of the text of all the profiles, in the order in which they have a say.
fn hash(profile: &Profile) -> u64 {
    let texts: Vec<&str> = profile.sources.iter().map(|source| source.text.as_str()).collect();
    formats::hash(&texts.concat())
}
