//! Why a limit falls short.

use nix::errno::Errno;

use crate::kernel::{Operation, Refusal};
use crate::model::limit::{Limit, Resource, Side};
use crate::model::setting::System;
use crate::model::value::Value;
use crate::plan::Obstacle;
use crate::report::{Finding, Shortfall};

use super::{Cause, Diagnosis, Remedy, Scene, remedy, unexplained};

/// capabilities(7): "override resource limits", in the machine's own user namespace only.
const CAP_SYS_RESOURCE: u8 = 24;

pub(super) fn diagnose(
    resource: Resource,
    side: Side,
    finding: &Finding,
    shortfall: &Shortfall,
    scene: &Scene<'_>,
) -> Diagnosis {
    let wanted = wanted(finding);
    let hard = finding.evidence.hard_limit;
    let (cause, why) = match shortfall {
        Shortfall::Unread(Obstacle::Refused(refusal)) | Shortfall::Refused(refusal)
            if refusal.operation == Operation::GetLimits || refusal.errno != Errno::EPERM =>
        {
            other_refusal(*refusal, shortfall)
        }
        Shortfall::HeldBack(other) => {
            let why = format!(
                "it was held back: `{other}` fell short, and a hard limit that is lowered can't be raised again"
            );
            (Cause::HeldBack, why)
        }
        Shortfall::Contradicted(sentence) => (Cause::Contradiction, sentence.clone()),
        _ if above_ceiling(finding, wanted) => above_nr_open(finding, wanted, scene),
        Shortfall::Refused(refusal) => (Cause::HardLimit, needs_capability(hard, wanted, *refusal, scene)),
        Shortfall::Differs if hard.is_some_and(|hard| wanted <= hard) => {
            (Cause::NotApplied, "nothing has raised it yet, and the hard limit allows it".to_owned())
        }
        Shortfall::Differs if may_raise(scene) => {
            (Cause::NotApplied, "nothing has raised it yet, and CAP_SYS_RESOURCE allows it".to_owned())
        }
        Shortfall::Differs if scene.context.system == System::MacOs => {
            (Cause::HardLimit, format!("raising the hard limit to {wanted} needs root"))
        }
        Shortfall::Differs => (Cause::HardLimit, too_low(hard, wanted)),
        _ => (Cause::Unknown, unexplained(shortfall)),
    };
    let remedies = remedies(cause, resource, side, wanted, scene);
    Diagnosis { cause, why, remedies }
}

fn wanted(finding: &Finding) -> Limit {
    match finding.wanted.nearest(finding.before.as_ref()) {
        Some(Value::Limit(limit)) => limit,
        _ => Limit::Unlimited,
    }
}

fn above_ceiling(finding: &Finding, wanted: Limit) -> bool {
    finding.evidence.ceiling.is_some_and(|ceiling| wanted > Limit::Value(ceiling))
}

fn above_nr_open(finding: &Finding, wanted: Limit, scene: &Scene<'_>) -> (Cause, String) {
    let (key, ceiling) = (ceiling_key(scene), finding.evidence.ceiling.unwrap_or_default());
    let why = format!("{wanted} is above {key}, which is {ceiling}: the kernel gives nobody more, root included");
    (Cause::AboveNrOpen, why)
}

fn ceiling_key(scene: &Scene<'_>) -> &'static str {
    match scene.context.system {
        System::Linux => "fs.nr_open",
        System::MacOs => "kern.maxfilesperproc",
    }
}

fn other_refusal(refusal: Refusal, shortfall: &Shortfall) -> (Cause, String) {
    match refusal.errno {
        Errno::EINVAL => (Cause::NoSuchLimit, "this system has no such limit, or does not take this value".to_owned()),
        Errno::ESRCH => (Cause::ProcessGone, "the process is gone".to_owned()),
        Errno::EPERM | Errno::EACCES => {
            (Cause::NotOurProcess, "the process is somebody else's: that needs CAP_SYS_RESOURCE".to_owned())
        }
        _ => (Cause::Unknown, unexplained(shortfall)),
    }
}

fn too_low(hard: Option<Limit>, wanted: Limit) -> String {
    match hard {
        Some(hard) => format!("the hard limit is {hard}, and raising it to {wanted} needs CAP_SYS_RESOURCE"),
        None => format!("raising the hard limit to {wanted} needs CAP_SYS_RESOURCE"),
    }
}

/// The capability counts in the machine's own user namespace only.
fn may_raise(scene: &Scene<'_>) -> bool {
    scene.context.has_capability(CAP_SYS_RESOURCE) == Some(true) && scene.context.initial.user != Some(false)
}

fn needs_capability(hard: Option<Limit>, wanted: Limit, refusal: Refusal, scene: &Scene<'_>) -> String {
    match (scene.context.has_capability(CAP_SYS_RESOURCE), scene.context.initial.user) {
        (Some(false), _) => format!("{}, which we do not have", too_low(hard, wanted)),
        (Some(true), Some(false)) => {
            format!("{} in the machine's own user namespace, and we are in another", too_low(hard, wanted))
        }
        (Some(true), _) => format!("the kernel refused {wanted}, {refusal}"),
        (None, _) => {
            format!("{}, and whether we have it can't be told; the kernel refused, {refusal}", too_low(hard, wanted))
        }
    }
}

fn remedies(cause: Cause, resource: Resource, side: Side, wanted: Limit, scene: &Scene<'_>) -> Vec<Remedy> {
    match cause {
        Cause::NotApplied if scene.context.system == System::MacOs => vec![remedy::ulimit(resource, side, wanted)],
        Cause::NotApplied if side == Side::Soft => vec![remedy::apply(scene), remedy::ulimit(resource, side, wanted)],
        Cause::NotApplied => vec![remedy::apply(scene)],
        Cause::HardLimit if scene.context.system == System::MacOs => Vec::new(),
        Cause::HardLimit => remedy::higher_hard_limit(resource, wanted, scene),
        Cause::AboveNrOpen => match wanted {
            Limit::Value(number) => {
                vec![remedy::profile_line(format!("\"{}\" = {{ at_least = {number} }}", ceiling_key(scene)))]
            }
            Limit::Unlimited => Vec::new(),
        },
        _ => Vec::new(),
    }
}
