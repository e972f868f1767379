//! W012: what can't be set from inside a container.

use super::super::problem::Problem;
use super::super::{Profile, RawRequirement};
use super::{Check, LintFacts, Warning, spans};
use crate::model::limit::{Resource, Side};
use crate::model::setting::{Setting, System};

/// The hard limits that container engines give: Docker 25 on, with systemd's defaults and a kernel from 6.1 on.
/// Others depend on the machine, or are unlimited.
const ENGINE_DEFAULTS: [(Resource, i128); 5] = [
    (Resource::Nofile, 524_288),
    (Resource::Memlock, 8 << 20),
    (Resource::Msgqueue, 819_200),
    (Resource::Nice, 0),
    (Resource::Rtprio, 0),
];

/// How many places are shown at most.
const SHOWN: usize = 6;

pub(super) static OUT_OF_REACH: Warning = Warning {
    code: "W012",
    title: "required settings that can't be set from inside an unprivileged container",
    explanation: "Settings of the whole machine (`vm.*`, most of `kernel.*` and `fs.*`, /sys) can't be written from \
        inside a container, and a hard limit can't be raised above what the container engine gives. The \
        profile falls short there unless the host is already tuned. Mark such a setting `required = false`, \
        move it to a profile for the host, or allow the warning in a profile that is only for hosts.",
    check: Check::Profile(out_of_reach),
};

fn out_of_reach(profile: &Profile, facts: &LintFacts<'_>) -> Vec<Problem> {
    one_for_all(profile, facts).into_iter().collect()
}

/// One warning for all requirements of the profile that are out of reach.
fn one_for_all(profile: &Profile, facts: &LintFacts<'_>) -> Option<Problem> {
    let requirements: Vec<&RawRequirement> = profile
        .requirements
        .iter()
        .filter(|requirement| {
            requirement.required
                && is_out_of_reach(requirement, facts)
                && !has_required_hard_limit(profile, requirement)
        })
        .collect();
    let (first, more) = requirements.split_first()?;
    let others = match more.len() {
        0 => String::new(),
        1 => " and 1 more".to_owned(),
        count => format!(" and {count} more"),
    };
    let message = format!("`{}`{others} can't be set from inside an unprivileged container", first.setting);
    let warning = first.warn(&OUT_OF_REACH, message);
    let warning =
        more.iter().take(SHOWN - 1).fold(warning, |warning, requirement| warning.see(&requirement.origin, ""));
    Some(warning.help("`required = false` makes it a warning where the host is not tuned for it"))
}

fn is_out_of_reach(requirement: &RawRequirement, facts: &LintFacts<'_>) -> bool {
    match &requirement.setting {
        Setting::Key(key) => requirement.system == Some(System::Linux) && (facts.key)(System::Linux, key).of_host,
        Setting::Limit(resource, _) => {
            let given = ENGINE_DEFAULTS.iter().find(|(limit, _)| limit == resource);
            let lowest = spans(&requirement.wanted).and_then(|spans| spans.first().map(|(low, _)| *low));
            given.zip(lowest).is_some_and(|((_, given), lowest)| lowest > *given)
        }
    }
}

/// Whether the hard limit is required too, so that its own warning is enough.
fn has_required_hard_limit(profile: &Profile, requirement: &RawRequirement) -> bool {
    let Setting::Limit(resource, Side::Soft) = requirement.setting else { return false };
    let hard = Setting::Limit(resource, Side::Hard);
    profile.requirements.iter().any(|other| other.setting == hard && other.required)
}
