//! Security modules of the kernel (`AppArmor`, `SELinux`, Landlock): no file tells what they refuse. They are found by what
//! is left, and named where our own label does so.

use crate::environment::EnvironmentDetails;

use super::Cause;

/// That one refuses `what`, a word or a few with a blank in front.
pub(super) fn refuses(what: &str, around: &EnvironmentDetails) -> (Cause, String) {
    let by = match (&around.confined, around.security_module()) {
        (Some(label), Some(module)) => format!("{} confines us as `{label}`", module.name()),
        (Some(label), None) => format!("we are confined as `{label}`"),
        (None, _) => "Landlock shows no label".to_owned(),
    };
    (Cause::SecurityModule, format!("a security module of the kernel refuses{what} ({by})"))
}

/// That nobody has tried to write it, and so nobody knows whether one would refuse.
pub(super) fn untried(around: &EnvironmentDetails) -> (Cause, String) {
    let doubt = around.confined.as_ref().map(|label| format!(", and whether `{label}` lets us only trying shows"));
    (Cause::NotApplied, format!("nothing has set it yet{}", doubt.unwrap_or_default()))
}
