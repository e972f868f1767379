//! Why a setting falls short, and what to type to mend it. Pure: finding and context in, cause and remedy out.
#![forbid(unsafe_code)]

mod cause;
mod key;
mod limit;
mod remedy;

pub use cause::Cause;
pub use remedy::{Remedy, Where};

use crate::context::Context;
use crate::model::setting::Setting;
use crate::report::{Finding, Shortfall, Verdict};

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

/// What was going on when the setting fell short, as far as remedies hang on it.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Where we run.
    pub context: &'a Context,
    /// The words of the command line that asked for all this, `-p`, `loadtest`.
    pub asked: &'a [String],
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
        Shortfall::Unread(crate::plan::Obstacle::Refused(refusal)) => format!("it could not be read, {refusal}"),
        _ => "the reason is not known".to_owned(),
    }
}
