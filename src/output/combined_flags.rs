//! The flags of all remedies on one command line: a container is started once.

use crate::diagnose::{Diagnosis, Where};

use super::DiagnosedReport;

/// `all at once: docker run --sysctl … --ulimit …`, where more than one finding wants a flag; else nothing.
pub(super) fn together(account: &DiagnosedReport<'_>) -> String {
    let flags: Vec<(&str, &str)> = account.diagnoses.iter().flatten().filter_map(flag).collect();
    // The one that has a variable before it, too, if any has.
    let Some((program, _)) = flags.iter().max_by_key(|(program, _)| program.len()) else { return String::new() };
    let mut distinct: Vec<&str> = Vec::new();
    for (_, flag) in &flags {
        if !distinct.contains(flag) {
            distinct.push(flag);
        }
    }
    if distinct.len() < 2 { String::new() } else { format!("all at once: {program}{}\n", distinct.concat()) }
}

/// The program with its first word, `docker run`, and the flag that a diagnosis wants on its command line.
fn flag(diagnosis: &Diagnosis) -> Option<(&str, &str)> {
    let text = &diagnosis.remedies.iter().find(|remedy| remedy.place == Where::ContainerStart)?.text;
    Some(text.split_at(text.find(" --").unwrap_or(text.len())))
}
