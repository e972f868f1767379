//! Why a setting falls short, and what to type to mend it. Pure: finding and context in, cause and remedy out.
#![forbid(unsafe_code)]

mod absent;
mod cause;
mod caution;
mod company;
mod confinement;
mod contradiction;
mod hindrance;
mod key;
mod key_remedies;
mod limit;
mod remedy;
mod rights;

pub use cause::Cause;
pub use caution::{Caution, caution};
pub use company::all;
pub use remedy::{Remedy, Where, shell};

use crate::catalog::{self, Scope};
use crate::context::elsewhere::Elsewhere;
use crate::context::{Context, Namespaces, Surroundings};
use crate::kernel::{Evidence, Refusal};
use crate::model::setting::{Key, Setting, System};
use crate::plan::Obstacle;
use crate::report::{Finding, Report, Shortfall, Verdict};
use rights::Rights;

/// Why a setting falls short, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The kind of cause, for programs.
    pub cause: Cause,
    /// One sentence for a person, without a full stop.
    pub why: String,
    /// What to paste, the most fitting first. Empty where nothing that could be pasted would help.
    pub remedies: Vec<Remedy>,
}

/// What was going on when the setting fell short, as far as causes and remedies hang on it.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Where we run.
    pub context: &'a Context,
    /// What is around us there.
    pub around: &'a Surroundings,
    /// The files that set what falls short.
    pub elsewhere: &'a [Elsewhere],
    /// All that was found: one remedy may have to serve two findings.
    pub report: &'a Report,
    /// Whether the limits are those of our own process.
    pub own_limits: bool,
    /// The words of the command line that asked for all this, `-p`, `loadtest`.
    pub asked: &'a [String],
}

impl Scene<'_> {
    /// Whether some key falls short that only root may write: then nothing is to be had without.
    fn needs_root(&self) -> bool {
        let roots = |finding: &Finding| match &finding.setting {
            Setting::Key(key) if finding.verdict == Verdict::Short(Shortfall::Differs) => {
                let scope = catalog::scope_of(self.context.system, key, self.context.version());
                let owner = finding.evidence().owner;
                matches!(rights::of(key, scope, owner, self.context, self.around), Rights::NotRoot(_))
            }
            _ => false,
        };
        self.report.findings.iter().any(roots)
    }

    /// The line that sets a setting to what was found, if there is one. In a container nobody reads these files.
    fn set_elsewhere(&self, finding: &Finding) -> Option<&Elsewhere> {
        let found = words(&finding.found.as_ref()?.to_string());
        let lines = self.elsewhere.iter().filter(|line| line.setting == finding.setting);
        let mut same = lines.filter(|line| words(&line.value) == found);
        same.next().filter(|_| !self.context.in_container() && self.may_be_from_file(&finding.setting, &found))
    }

    /// Whether a file can have set what was found. At boot it does so in the machine's own namespaces; another one starts
    /// with the kernel's own value, and only what is none of that has been set since.
    fn may_be_from_file(&self, setting: &Setting, found: &[String]) -> bool {
        let Setting::Key(key) = setting else { return true };
        let (context, version) = (self.context, self.context.version());
        let Namespaces { ipc, uts, user, pid, net, .. } = context.initial;
        let initial = match catalog::scope_of(context.system, key, version) {
            Scope::NetNs => net,
            Scope::IpcNs => ipc,
            Scope::UtsNs => uts,
            Scope::UserNs => user,
            Scope::PidNs => pid,
            Scope::Host | Scope::HostNet => Some(true),
        };
        let default = catalog::row(context.system, key).map(|row| words(row.default.at(version)));
        let known = |word: &String| word.parse::<i64>().is_ok();
        initial == Some(true) || default.is_some_and(|default| default.iter().all(known) && default != found)
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Says why `finding` falls short; nothing where it does not.
#[must_use]
pub fn diagnose(finding: &Finding, scene: &Scene<'_>) -> Option<Diagnosis> {
    let Verdict::Short(shortfall) = &finding.verdict else { return None };
    Some(match &finding.setting {
        Setting::Key(key) => key::diagnose(key, finding, shortfall, scene),
        Setting::Limit(resource, side) => limit::diagnose(*resource, *side, finding, shortfall, scene),
    })
}

/// The sentence of a shortfall whose cause is not known: what was attempted, and the kernel's own word.
fn unexplained(shortfall: &Shortfall) -> String {
    match shortfall {
        Shortfall::Refused(refusal) => format!("the kernel refused it, {refusal}"),
        Shortfall::Unread(Obstacle::Refused(refusal)) => format!("it could not be read, {refusal}"),
        _ => "the reason is not known".to_owned(),
    }
}

/// What keeps us from reading or writing a key, whatever its value: from how reading it went, and what stands
/// around it. Nothing where nothing does.
#[must_use]
pub fn hindrance(
    key: &Key,
    unread: Option<Refusal>,
    evidence: Evidence,
    context: &Context,
    around: &Surroundings,
) -> Option<(Cause, String)> {
    key::hindrance(key, unread, evidence, context, around)
}

/// Whether the mount that the file is on lets nobody write.
fn read_only(evidence: &Evidence) -> bool {
    evidence.read_only_mount == Some(true)
}

/// Whether this is Linux, where files have modes and owners.
fn has_files(context: &Context) -> bool {
    context.system == System::Linux
}
