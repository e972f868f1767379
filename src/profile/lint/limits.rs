//! W006, W011, W017 and W018: resource limits.

use super::super::problem::Problem;
use super::super::value_expr::plain;
use super::super::{RawRequirement, ValueExpr};
use super::{Check, Subject, Warning, highest, least};
use crate::model::expectation::Expectation;
use crate::model::limit::{Resource, Side};
use crate::model::setting::{Setting, System};

pub(super) static TOO_HIGH: Warning = Warning {
    code: "W017",
    title: "a limit above the highest value that has a meaning",
    explanation: "Realtime priorities end at 99 (sched(7)), and a `nice` limit of 40 allows the nice value -20, the \
        lowest (getrlimit(2)). A higher limit is accepted and has no further effect, but may need a \
        privilege to set.",
    check: Check::Requirement(too_high),
};

fn too_high(subject: &Subject<'_>) -> Option<Problem> {
    let Subject { requirement, profile, .. } = *subject;
    let Setting::Limit(resource, _) = requirement.setting else { return None };
    let most = match resource {
        Resource::Rtprio => 99,
        Resource::Nice => 40,
        _ => return None,
    };
    // A bare number is for both sides: one warning is enough.
    let said = |other: &RawRequirement| other.origin == requirement.origin && other.setting < requirement.setting;
    (least(requirement)? > most && !profile.requirements.iter().any(said)).then(|| {
        let message = format!("{} is above {most}, the highest that has a meaning", requirement.setting);
        requirement.warn(&TOO_HIGH, message)
    })
}

/// The least with which a program starts, its linker and C library too: measured on `/bin/true` of Debian 12.
const LEAST: [(Resource, i128, &str); 5] = [
    (Resource::Nofile, 4, "a program opens its libraries with descriptors behind the first three"),
    (Resource::As, 2_500_000, "that is less than a C library needs"),
    (Resource::Data, 131_072, "that is less than a C library needs"),
    (Resource::Stack, 16_384, "the kernel lays arguments and environment there before the program starts"),
    (Resource::Cpu, 1, "the kernel treats 0 as one second, and then kills the program"),
];

pub(super) static TOO_LOW: Warning = Warning {
    code: "W018",
    title: "a soft limit too low for most programs",
    explanation: "The dynamic linker and the C library need descriptors, memory and a stack before a program's first \
        line runs: below that it ends with an error that names a library, or with SIGSEGV. Often the unit \
        was mistaken: the kernel counts bytes and seconds, a shell's `ulimit` KiB.",
    check: Check::Requirement(too_low),
};

fn too_low(subject: &Subject<'_>) -> Option<Problem> {
    let requirement = subject.requirement;
    let Setting::Limit(resource, side) = requirement.setting else { return None };
    let (_, enough, why) = LEAST.iter().find(|(its, _, _)| *its == resource && side == Side::Soft)?;
    let most = highest(requirement)?;
    (most < *enough).then(|| {
        let message = format!("with {} at {most} most programs don't start", requirement.setting);
        requirement.warn(&TOO_LOW, message).help(*why)
    })
}

/// The default of `fs.nr_open`; systemd may raise it to a thousand times as much.
const MANY: i128 = 1 << 20;

pub(super) static MANY_FILES: Warning = Warning {
    code: "W006",
    title: "a limit of open files so high that some programs hang",
    explanation: "Programs that close every possible descriptor one by one (old Python and Java, xinetd, sudo, rpm) \
        do so up to their soft limit: a fifth of a second for a million, nearly five minutes of full processor time \
        for the 1073741816 that some container engines give. Others (uwsgi, haproxy) reserve memory for each. Ask for \
        what the service needs: a soft limit of 65536 is enough for most, a hard one of 524288 for nearly all. \
        Programs that need more raise their soft limit to the hard one themselves.",
    check: Check::Requirement(many_files),
};

fn many_files(subject: &Subject<'_>) -> Option<Problem> {
    let requirement = subject.requirement;
    let Setting::Limit(Resource::Nofile, _) = requirement.setting else { return None };
    let many = requirement.wanted.values().any(|value| match value {
        ValueExpr::Unlimited => true,
        ValueExpr::Amount(amount) => plain(*amount).is_some_and(|number| number > MANY),
        _ => false,
    });
    let raised = !matches!(requirement.wanted, Expectation::Bounds { at_least: None, .. });
    (many && raised).then(|| {
        requirement.warn(&MANY_FILES, format!("{} is more than {MANY}", requirement.setting)).help(
            "programs that close every possible descriptor one by one then take minutes, and some \
                 reserve memory for each; ask for what the service needs",
        )
    })
}

pub(super) static ABOVE_NR_OPEN: Warning = Warning {
    code: "W011",
    title: "a limit of open files above fs.nr_open",
    explanation: "No process, not even root's, gets a hard limit above `fs.nr_open` (kernel/sys.c, do_prlimit), which \
        is 1048576 by default. Set `fs.nr_open` in the same profile; it is applied first. It belongs to the \
        whole machine, so a container can't set it.",
    check: Check::Requirement(above_nr_open),
};

fn above_nr_open(subject: &Subject<'_>) -> Option<Problem> {
    let Subject { requirement, profile, .. } = *subject;
    let Setting::Limit(Resource::Nofile, side) = requirement.setting else { return None };
    let wanted = least(requirement)?;
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
        // An amount that depends on the machine, or no upper bound.
        None => least(ceiling).map(|least| least.max(MANY)),
    })?;
    (wanted > given).then(|| {
        let message = format!("{} of {wanted} is above fs.nr_open", requirement.setting);
        let warning = requirement.warn(&ABOVE_NR_OPEN, message);
        match ceiling {
            Some(ceiling) => warning.see(&ceiling.origin, format!("which amounts to {given} here")),
            None => warning.help(format!(
                "it is {MANY} where nobody has raised it: ask for `\"fs.nr_open\" = {{ at_least = {wanted} }}` too"
            )),
        }
    })
}
