//! W003, W004, W007, W013, W014 and W019: keys by what is known of them.

use super::super::problem::Problem;
use super::{Check, Subject, Warning};
use crate::model::suggest;
use crate::snippet;

/// Keys that no supported kernel has, when they went, and what to do instead.
const REMOVED_KEYS: [(&str, &str, &str); 7] = [
    ("net.ipv4.tcp_tw_recycle", "Linux 4.12", "it broke clients behind NAT; `net.ipv4.tcp_tw_reuse` is safe"),
    ("net.ipv4.tcp_abc", "Linux 3.9", "leave it out"),
    ("net.ipv4.tcp_frto_response", "Linux 3.10", "leave it out"),
    ("net.ipv4.ip_conntrack_max", "Linux 4.9", "write `net.netfilter.nf_conntrack_max`"),
    ("net.ipv4.netfilter.ip_conntrack_max", "Linux 4.9", "write `net.netfilter.nf_conntrack_max`"),
    ("net.ipv4.tcp_max_ssthresh", "Linux 3.13", "leave it out"),
    ("net.ipv4.tcp_thin_dupack", "Linux 4.11", "leave it out"),
];

pub(super) static REMOVED: Warning = Warning {
    code: "W004",
    title: "a sysctl that current kernels no longer have",
    explanation: "The setting was removed from the kernel, so it falls short on every newer one; the warning names its \
        replacement, if there is one. Leave it out, or mark it `required = false` if the profile is for old \
        kernels too.",
    check: Check::Requirement(removed),
};

fn removed(subject: &Subject<'_>) -> Option<Problem> {
    let Subject { requirement, name, key, .. } = *subject;
    let listed = REMOVED_KEYS.iter().find(|(removed, _, _)| *removed == name);
    let gone = listed.map(|(_, since, _)| (*since).to_owned()).or_else(|| key.gone.clone())?;
    let warning = requirement.warn(&REMOVED, format!("`{name}` was removed in {gone}"));
    let instead = listed.map(|(_, _, instead)| *instead).or(key.instead);
    let warning = instead.into_iter().fold(warning, Problem::help);
    Some(lacked_here(subject).into_iter().fold(warning, Problem::help))
}

fn lacked_here(subject: &Subject<'_>) -> Option<String> {
    subject.key.lacked_here.as_deref().map(|release| format!("this one, {release}, has no such key"))
}

pub(super) static RECENT: Warning = Warning {
    code: "W007",
    title: "a required sysctl that the oldest supported kernels do not have",
    explanation: "On an older kernel the whole profile falls short. Mark it `required = false`, so that it is set \
        where it exists, or allow the warning if all machines are new enough.",
    check: Check::Requirement(recent),
};

fn recent(subject: &Subject<'_>) -> Option<Problem> {
    let Subject { requirement, name, key, .. } = *subject;
    let since = key.since.as_deref().filter(|_| requirement.required && removed(subject).is_none())?;
    let message = format!("`{name}` was added in {since}, and older kernels are supported too");
    let warning = requirement.warn(&RECENT, message).help("with `required = false` it is set where it exists");
    Some(lacked_here(subject).into_iter().fold(warning, Problem::help))
}

pub(super) static IRREVERSIBLE: Warning = Warning {
    code: "W013",
    title: "a value that can't be undone until the next boot",
    explanation: "The kernel does not let anyone put the previous value back. `apply` refuses it, before anything is \
        changed, unless `--allow-irreversible` is given.",
    check: Check::Requirement(irreversible),
};

fn irreversible(subject: &Subject<'_>) -> Option<Problem> {
    let Subject { requirement, name, .. } = *subject;
    let for_good = subject.key.one_way?;
    requirement.wanted.values().any(|value| value.to_string() == for_good).then(|| {
        let message = format!("`{name}` stays {for_good} until the next boot, whatever is written afterwards");
        requirement.warn(&IRREVERSIBLE, message)
    })
}

pub(super) static READ_ONLY: Warning = Warning {
    code: "W014",
    title: "a sysctl that can only be read",
    explanation: "It only reports a value and can't be set, so it falls short unless it already matches.",
    check: Check::Requirement(read_only),
};

fn read_only(subject: &Subject<'_>) -> Option<Problem> {
    let Subject { requirement, name, key, .. } = *subject;
    key.read_only.then(|| requirement.warn(&READ_ONLY, format!("`{name}` can only be read")))
}

pub(super) static HIDDEN_LETTERS: Warning = Warning {
    code: "W019",
    title: "a setting written with invisible characters",
    explanation: "Zero-width characters and those that change the writing direction (U+200B to U+200F, U+202A to \
        U+202E, U+2060 to U+206F, U+FEFF) get in when text is copied, and make a name or value differ from \
        what it looks like. Type it again.",
    check: Check::Requirement(hidden_letters),
};

fn hidden_letters(subject: &Subject<'_>) -> Option<Problem> {
    let requirement = subject.requirement;
    let text = requirement.origin.source.text.get(requirement.origin.span.clone())?;
    text.chars().any(snippet::is_hidden).then(|| {
        let message = format!("{} contains invisible characters", requirement.setting);
        requirement.warn(&HIDDEN_LETTERS, message).help("type it again")
    })
}

pub(super) static MISSPELT: Warning = Warning {
    code: "W003",
    title: "an unknown sysctl, spelt nearly like a known one",
    explanation: "A setting that does not exist falls short on every machine. tunectl does not know every setting of \
        every module, so this is not an error; if the name is right, allow the warning.",
    check: Check::Requirement(misspelt),
};

/// A sysctl that differs little from a known one, or only by the dots inside an interface's name.
fn misspelt(subject: &Subject<'_>) -> Option<Problem> {
    let Subject { requirement, name, facts, .. } = *subject;
    let known = || facts.names.iter().filter(|(system, _)| requirement.system == Some(*system)).map(|(_, name)| *name);
    if name.is_empty() || requirement.is_pattern() || known().any(|known| known == name) || removed(subject).is_some() {
        return None;
    }
    let near = known()
        .find(|known| *known == name.replace('/', "."))
        .or_else(|| known().find(|known| !known.contains('*') && similar(name, known)))
        .map(str::to_owned)
        .or_else(|| known().find_map(|known| suggest::joined(name, known)))?;
    let message = format!("`{name}` is not a known sysctl, did you mean `{near}`?");
    Some(requirement.warn(&MISSPELT, message))
}

/// Whether two names differ in one component only, and there by a few letters. Not by a number at its end: there
/// are families such as `gc_thresh1` and `gc_thresh2`.
fn similar(name: &str, known: &str) -> bool {
    let (ours, theirs): (Vec<&str>, Vec<&str>) = (name.split('.').collect(), known.split('.').collect());
    let differing: Vec<_> = ours.iter().zip(&theirs).filter(|(a, b)| a != b).collect();
    let &[(a, b)] = differing.as_slice() else { return false };
    let letters = |text: &str| text.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    ours.len() == theirs.len()
        && a.len().abs_diff(b.len()) <= 2
        && letters(a) != letters(b)
        && suggest::nearest(a, [*b]).is_some()
}
