//! What holds, as far as the profile goes, and will hurt all the same.

use crate::model::limit::{Limit, Resource, Side};
use crate::model::setting::Setting;
use crate::model::value::Value;
use crate::report::Outcome;

/// A warning beside a finding; the code is that of the lint which says the same of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caution {
    /// `W006`, for `tunectl explain`.
    pub code: &'static str,
    /// One sentence for a person, without a full stop.
    pub text: &'static str,
}

/// From how many descriptors on closing them all, one by one, takes minutes: at a quarter of a microsecond each. As
/// many as `fs.nr_open` can be, less a few, is what container engines from before 2023 give (1073741816).
const ENDLESS: u64 = 1 << 29;

/// Warns of a limit that is so high that programs stand still; nothing where the finding falls short, which says more.
#[must_use]
pub fn caution(finding: &Outcome) -> Option<Caution> {
    let (Setting::Limit(Resource::Nofile, Side::Soft), Some(Value::Limit(Limit::Value(found)))) =
        (&finding.requirement.setting, &finding.found)
    else {
        return None;
    };
    let endless = !finding.falls_short() && *found >= ENDLESS;
    endless.then_some(Caution {
        code: "W006",
        text: "programs that close every possible descriptor one by one take minutes at this soft limit: lower it, \
               and leave the hard one to those that want more",
    })
}
