//! Why a setting falls short, and what to type to mend it. Pure: finding and context in, cause and remedy out.
#![forbid(unsafe_code)]

mod best_effort;
mod cause;
mod contradiction;
mod key;
mod key_remedies;
mod limit;
mod lsm;
mod missing_key;
mod preconditions;
mod remedy;
mod rights;
mod warning;

pub use best_effort::all;
pub use cause::Cause;
pub use remedy::{Remedy, Where, shell};
pub use warning::{Caution, caution};

use crate::catalog::{self, Scope};
use crate::environment::config_files::ConfigLine;
use crate::environment::{Environment, EnvironmentDetails, Namespaces};
use crate::kernel::{Evidence, KernelError};
use crate::model::setting::{Key, Setting, System};
use crate::plan::Unreadable;
use crate::report::{Outcome, Report, Shortfall, Verdict};
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
pub struct DiagnosisContext<'a> {
    /// Where we run.
    pub environment: &'a Environment,
    /// What is around us there.
    pub around: &'a EnvironmentDetails,
    /// The files that set what falls short.
    pub elsewhere: &'a [ConfigLine],
    /// All that was found: one remedy may have to serve two findings.
    pub report: &'a Report,
    /// Whether the limits are those of our own process.
    pub own_limits: bool,
    /// The words of the command line that asked for all this, `-p`, `loadtest`.
    pub asked: &'a [String],
}

impl DiagnosisContext<'_> {
    /// Whether some key falls short that only root may write: then nothing is to be had without.
    fn needs_root(&self) -> bool {
        let roots = |finding: &Outcome| match &finding.requirement.setting {
            Setting::Key(key) if finding.verdict == Verdict::Short(Shortfall::Differs) => {
                let scope = catalog::scope_of(self.environment.system, key, self.environment.version());
                let owner = finding.evidence().owner;
                matches!(rights::of(key, scope, owner, self.environment, self.around), Rights::NotRoot(_))
            }
            _ => false,
        };
        self.report.outcomes.iter().any(roots)
    }

    /// The line that sets a setting to what was found, if there is one. In a container nobody reads these files.
    fn set_elsewhere(&self, finding: &Outcome) -> Option<&ConfigLine> {
        let found = words(&finding.found.as_ref()?.to_string());
        let lines = self.elsewhere.iter().filter(|line| line.setting == finding.requirement.setting);
        let mut same = lines.filter(|line| words(&line.value) == found);
        same.next()
            .filter(|_| !self.environment.in_container() && self.may_be_from_file(&finding.requirement.setting, &found))
    }

    /// Whether a file can have set what was found. At boot it does so in the machine's own namespaces; another one starts
    /// with the kernel's own value, and only what is none of that has been set since.
    fn may_be_from_file(&self, setting: &Setting, found: &[String]) -> bool {
        let Setting::Key(key) = setting else { return true };
        let (environment, version) = (self.environment, self.environment.version());
        let Namespaces { ipc, uts, user, pid, net, .. } = environment.initial;
        let initial = match catalog::scope_of(environment.system, key, version) {
            Scope::NetNs => net,
            Scope::IpcNs => ipc,
            Scope::UtsNs => uts,
            Scope::UserNs => user,
            Scope::PidNs => pid,
            Scope::Host | Scope::HostNet => Some(true),
        };
        let default = catalog::row(environment.system, key).map(|row| words(row.default.at(version)));
        let known = |word: &String| word.parse::<i64>().is_ok();
        initial == Some(true) || default.is_some_and(|default| default.iter().all(known) && default != found)
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Says why `finding` falls short; nothing where it does not.
#[must_use]
pub fn diagnose(finding: &Outcome, scene: &DiagnosisContext<'_>) -> Option<Diagnosis> {
    let Verdict::Short(shortfall) = &finding.verdict else { return None };
    Some(match &finding.requirement.setting {
        Setting::Key(key) => key::diagnose(key, finding, shortfall, scene),
        Setting::Limit(resource, side) => limit::diagnose(*resource, *side, finding, shortfall, scene),
    })
}

/// The sentence of a shortfall whose cause is not known: what was attempted, and the kernel's own word.
fn unexplained(shortfall: &Shortfall) -> String {
    match shortfall {
        Shortfall::Refused(refusal) => format!("the kernel refused it, {refusal}"),
        Shortfall::Unread(Unreadable::Refused(refusal)) => format!("it could not be read, {refusal}"),
        _ => "the reason is not known".to_owned(),
    }
}

/// What keeps us from reading or writing a key, whatever its value: from how reading it went, and what stands
/// around it. Nothing where nothing does.
#[must_use]
pub fn hindrance(
    key: &Key,
    unread: Option<KernelError>,
    evidence: Evidence,
    environment: &Environment,
    around: &EnvironmentDetails,
) -> Option<(Cause, String)> {
    key::hindrance(key, unread, evidence, environment, around)
}

/// Whether the mount that the file is on lets nobody write.
fn read_only(evidence: &Evidence) -> bool {
    evidence.read_only_mount == Some(true)
}

/// Whether this is Linux, where files have modes and owners.
fn has_files(environment: &Environment) -> bool {
    environment.system == System::Linux
}
