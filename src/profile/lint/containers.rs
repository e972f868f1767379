//! W012: what can't be had inside a container.

use super::super::problem::Problem;
use super::super::{Profile, RawRequirement};
use super::{Known, spans};
use crate::model::limit::{Resource, Side};
use crate::model::setting::{Setting, System};

/// The hard limits that container engines give: Docker 25 on, with systemd's defaults and a kernel from 6.1 on.
/// Others hang on the machine, or are unlimited.
const GIVEN: [(Resource, i128); 5] = [
    (Resource::Nofile, 524_288),
    (Resource::Memlock, 8 << 20),
    (Resource::Msgqueue, 819_200),
    (Resource::Nice, 0),
    (Resource::Rtprio, 0),
];

/// How many places are shown, of perhaps a hundred.
const SHOWN: usize = 6;

/// One warning for all settings that are required and out of reach.
pub(super) fn unreachable(profile: &Profile, known: &Known<'_>) -> Option<Problem> {
    let wishes: Vec<&RawRequirement> = profile
        .requirements
        .iter()
        .filter(|wish| wish.required && out_of_reach(wish, known) && !is_said_of_the_hard_one(profile, wish))
        .collect();
    let (first, more) = wishes.split_first()?;
    let others = match more.len() {
        0 => String::new(),
        1 => " and 1 more".to_owned(),
        count => format!(" and {count} more"),
    };
    let message = format!("`{}`{others} can't be had from inside an unprivileged container", first.setting);
    let warning = first.warn("W012", message);
    let warning = more.iter().take(SHOWN - 1).fold(warning, |warning, wish| warning.see(&wish.origin, ""));
    Some(warning.help("`required = false` makes a warning of it where the host has not been set up for it"))
}

fn out_of_reach(wish: &RawRequirement, known: &Known<'_>) -> bool {
    match &wish.setting {
        Setting::Key(key) => wish.system == Some(System::Linux) && (known.about)(System::Linux, key).of_host,
        Setting::Limit(resource, _) => {
            let given = GIVEN.iter().find(|(limit, _)| limit == resource);
            let lowest = spans(&wish.asked).and_then(|spans| spans.first().map(|(low, _)| *low));
            given.zip(lowest).is_some_and(|((_, given), lowest)| lowest > *given)
        }
    }
}

/// A soft limit that a hard one stands beside says nothing new.
fn is_said_of_the_hard_one(profile: &Profile, wish: &RawRequirement) -> bool {
    let Setting::Limit(resource, Side::Soft) = wish.setting else { return false };
    let hard = Setting::Limit(resource, Side::Hard);
    profile.requirements.iter().any(|other| other.setting == hard && other.required)
}
