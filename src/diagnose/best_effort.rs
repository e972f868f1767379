//! What holds for a remedy beside the other findings: `apply` is all or nothing.

use super::{Cause, Diagnosis, DiagnosisContext, Remedy, Where, diagnose};
use crate::report::Outcome;

/// Diagnoses every finding of a report. Where something required falls short that `tunectl apply` does not mend, it is
/// named with `--best-effort`: without, it would put everything back.
#[must_use]
pub fn all(scene: &DiagnosisContext<'_>) -> Vec<Option<Diagnosis>> {
    let findings = &scene.report.outcomes;
    let mut diagnoses: Vec<_> = findings.iter().map(|finding| diagnose(finding, scene)).collect();
    let stays = |(finding, its): (&Outcome, &Option<Diagnosis>)| {
        finding.fails() && its.as_ref().is_some_and(|its| !is_mended(its))
    };
    if findings.iter().zip(&diagnoses).any(stays) {
        let remedies = diagnoses.iter_mut().flatten().flat_map(|its| &mut its.remedies);
        // What is asked for by itself has no company.
        let whole = |remedy: &&mut Remedy| {
            remedy.place == Where::Shell && remedy.text.trim_start_matches("sudo ").starts_with(APPLY)
        };
        for remedy in remedies.filter(whole) {
            remedy.text = remedy.text.replacen(APPLY, "tunectl apply --best-effort", 1);
        }
    }
    diagnoses
}

const APPLY: &str = "tunectl apply";

fn is_mended(its: &Diagnosis) -> bool {
    matches!(its.cause, Cause::NotApplied | Cause::SetElsewhere | Cause::HeldBack)
        || its.remedies.iter().any(|remedy| remedy.text.contains(APPLY))
}
