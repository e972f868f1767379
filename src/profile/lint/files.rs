//! W006 and W011: too many open files.

use super::super::problem::Problem;
use super::super::{Profile, RawRequirement, ValueExpr};
use super::{highest, least};
use crate::model::expectation::Expectation;
use crate::model::limit::{Resource, Side};
use crate::model::setting::{Setting, System};

use super::super::value_expr::plain;

/// The highest `fs.nr_open` of a kernel that nobody has told otherwise; with systemd it may be a thousand times
/// as much.
const MANY: i128 = 1 << 20;

/// W006: so many descriptors that programs which close them all one by one stand still.
pub(super) fn many(wish: &RawRequirement) -> Option<Problem> {
    let many = wish.asked.values().any(|value| match value {
        ValueExpr::Unlimited => true,
        ValueExpr::Amount(amount) => plain(*amount).is_some_and(|number| number > MANY),
        _ => false,
    });
    let raised = !matches!(wish.asked, Expectation::Bounds { at_least: None, .. });
    (many && raised).then(|| {
        wish.warn("W006", format!("{} is more than {MANY}", wish.setting)).help(
            "programs that close every possible descriptor one by one need minutes then, and some reserve memory \
                 for each; ask for what the service needs",
        )
    })
}

/// W011: more than the kernel gives anybody.
pub(super) fn above_ceiling(profile: &Profile, wish: &RawRequirement) -> Option<Problem> {
    let Setting::Limit(Resource::Nofile, side) = wish.setting else { return None };
    let wanted = least(wish)?;
    let hard = Setting::Limit(Resource::Nofile, Side::Hard);
    // The soft limit can't be above the hard one, whose own warning says it all.
    if side == Side::Soft
        && profile.requirements.iter().any(|other| other.setting == hard && least(other) >= Some(wanted))
    {
        return None;
    }
    let ceiling = profile
        .requirements
        .iter()
        .find(|other| other.system == Some(System::Linux) && other.setting.to_string() == "fs.nr_open");
    let given = ceiling.map_or(Some(MANY), |ceiling| match highest(ceiling) {
        Some(most) => Some(most),
        // An amount that hangs on the machine, or only an upper bound that is unknown.
        None => least(ceiling).map(|least| least.max(MANY)),
    })?;
    (wanted > given).then(|| {
        let message = format!("{} of {wanted} is above fs.nr_open", wish.setting);
        let warning = wish.warn("W011", message);
        match ceiling {
            Some(ceiling) => warning.see(&ceiling.origin, format!("which becomes {given} here")),
            None => warning.help(format!(
                "it is {MANY} where nobody has raised it: ask for `\"fs.nr_open\" = {{ at_least = {wanted} }}` too"
            )),
        }
    })
}
