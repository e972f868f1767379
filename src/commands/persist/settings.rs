//! The settings that are to outlive the boot, of those that a report names.

use std::collections::BTreeMap;
use std::path::Path;

use crate::catalog;
use crate::commands::World;
use crate::commands::prepare::Prepared;
use crate::formats::{Assignment, checksum_header};
use crate::kernel::Process;
use crate::model::expectation::Expectation;
use crate::model::limit::{Limit, Limits, Resource, Side};
use crate::model::setting::{Key, Setting, System};
use crate::model::value::Value;
use crate::persist::{LimitRequest, PersistentSettings, login_limits, unit_limits};
use crate::profile::Profile;
use crate::report::{Outcome, Report, Shortfall, Verdict};

use super::PersistFlags;

/// The whole names of the services of `--unit`.
pub(super) fn unit_names(options: &PersistFlags) -> Vec<String> {
    options.unit.iter().filter_map(|name| unit_name(name)).collect()
}

/// The whole name of a service, systemd.unit(5); `None` for what can't be one.
pub(super) fn unit_name(name: &str) -> Option<String> {
    let stem = name.strip_suffix(".service").unwrap_or(name);
    let may = |c: char| c.is_ascii_alphanumeric() || ":_.\\@-".contains(c);
    let other_kind = [".socket", ".mount", ".swap", ".slice", ".scope", ".timer", ".target", ".path", ".device"];
    let fits = !stem.is_empty() && stem.len() < 240 && stem.chars().all(may) && !stem.starts_with('.');
    (fits && !other_kind.iter().any(|kind| stem.ends_with(kind))).then(|| format!("{stem}.service"))
}

/// A setting for each file that there can be, so that each file is checked.
pub(super) fn one_of_each_file(units: Vec<String>) -> PersistentSettings {
    let any = || vec![Assignment { name: String::new(), value: Value::Number(0), comment: String::new() }];
    let unlimited = Limits { soft: Limit::Unlimited, hard: Limit::Unlimited };
    PersistentSettings {
        sysctls: any(),
        attributes: any(),
        modules: vec![""],
        limits: vec![(Resource::Nofile, unlimited), (Resource::Nproc, unlimited)],
        logins: vec![("*", Resource::Nofile, Side::Soft, Limit::Unlimited)],
        units: units.into_iter().map(|unit| (unit, vec![(Resource::Nofile, unlimited)])).collect(),
        ..PersistentSettings::default()
    }
}

/// The settings of a report that are to outlive the boot.
pub(super) fn persistent_settings(
    options: &PersistFlags,
    ready: &Prepared,
    process: Process,
    report: &Report,
    world: &mut World<'_>,
) -> PersistentSettings {
    let (profiles, profile_hash) = (ready.profile.names.clone(), profile_hash(&ready.profile));
    let mut settings = PersistentSettings { profiles, profile_hash, ..PersistentSettings::default() };
    let mut sides: BTreeMap<Resource, [Option<&Outcome>; 2]> = BTreeMap::new();
    for outcome in &report.outcomes {
        match (&outcome.requirement.setting, persistent_value(outcome)) {
            (Setting::Key(key), Some(value)) => {
                let comment = outcome.requirement.wanted.to_string();
                let assignment = Assignment { name: key.to_string(), value, comment };
                let module = catalog::row(ready.plan_environment.system, key).and_then(|row| row.rare.module);
                settings.modules.extend(module.filter(|module| !settings.modules.contains(module)));
                match key {
                    Key::Sysctl(_) => settings.sysctls.push(assignment),
                    Key::Sysfs(_) => settings.attributes.push(assignment),
                }
            }
            (Setting::Limit(resource, side), Some(_)) => {
                sides.entry(*resource).or_default()[usize::from(*side == Side::Hard)] = Some(outcome);
            }
            _ => {}
        }
    }
    if ready.plan_environment.system == System::MacOs {
        let limits = sides.into_iter().map(|(resource, sides)| (resource, job_limits(resource, sides, process, world)));
        settings.limits = limits.collect();
        return settings;
    }
    let requests: Vec<LimitRequest> =
        sides.into_iter().map(|(resource, sides)| limit_request(resource, sides, ready, world)).collect();
    let root = options.root.as_deref().unwrap_or(Path::new("/"));
    settings.logins = login_limits(root, &requests);
    let units = unit_names(options).into_iter();
    settings.units = units.map(|name| (name.clone(), unit_limits(root, &name, &requests))).collect();
    settings
}

fn limit_request(
    resource: Resource,
    sides: [Option<&Outcome>; 2],
    ready: &Prepared,
    world: &mut World<'_>,
) -> LimitRequest {
    let of_first_process = world.kernel.limits(Process::Pid(1), resource).ok();
    let hard = Expectation::Exactly(Value::HardLimit);
    let of_resource = |setting: &Setting| matches!(setting, Setting::Limit(its, _) if *its == resource);
    let sides = sides.map(|side| side.map(|outcome| outcome.requirement.wanted.clone()));
    let as_hard = ready.requirements.limits.iter().any(|its| of_resource(&its.setting) && its.wanted == hard);
    LimitRequest { as_hard, ..LimitRequest::new(resource, sides, of_first_process) }
}

/// The limits of a job of launchd. macOS has no files that say what there would be without us, so a side that is not
/// asked for is the process's.
fn job_limits(resource: Resource, sides: [Option<&Outcome>; 2], process: Process, world: &mut World<'_>) -> Limits {
    let now = world.kernel.limits(process, resource).ok();
    let [soft, hard] = sides.map(|side| match persistent_value(side?)? {
        Value::Limit(limit) => Some(limit),
        _ => None,
    });
    let hard = hard.or(now.map(|now| now.hard)).unwrap_or(Limit::Unlimited);
    Limits { soft: soft.or(now.map(|now| now.soft)).unwrap_or(hard).min(hard), hard }
}

/// The value to persist of a setting: its current one where that satisfies the profile, so that nothing is lowered that
/// was higher; for limits that could not be set (macOS), what the profile asks for.
pub(super) fn persistent_value(outcome: &Outcome) -> Option<Value> {
    match &outcome.verdict {
        Verdict::Holds | Verdict::Changed => outcome.found.clone(),
        Verdict::WouldChange(value) | Verdict::MayChange(value, _) => Some(value.clone()),
        Verdict::Short(Shortfall::Differs | Shortfall::CallingShell) if is_limit(outcome) => {
            outcome.requirement.wanted.nearest(outcome.found.as_ref())
        }
        Verdict::Short(_) => None,
    }
}

fn is_limit(outcome: &Outcome) -> bool {
    matches!(outcome.requirement.setting, Setting::Limit(..))
}

/// The hash of the text of all the profiles, in the order in which they are applied.
fn profile_hash(profile: &Profile) -> u64 {
    let texts: Vec<&str> = profile.sources.iter().map(|source| source.text.as_str()).collect();
    checksum_header::hash(&texts.concat())
}
