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
    title: "a sysctl that kernels of today no longer have",
    explanation: "Guides outlive kernels. The key falls short on every newer kernel, and what it did is gone or done \
        by something else: the warning says by what. Leave it out, or mark it `required = false` where old kernels \
        are meant too.",
    check: Check::Requirement(removed),
};

fn removed(subject: &Subject<'_>) -> Option<Problem> {
    let Subject { requirement, name, key, .. } = *subject;
    let listed = REMOVED_KEYS.iter().find(|(removed, _, _)| *removed == name);
    let gone = listed.map(|(_, since, _)| (*since).to_owned()).or_else(|| key.gone.clone())?;
    let warning = requirement.warn(&REMOVED, format!("`{name}` is gone since {gone}"));
    let instead = listed.map(|(_, _, instead)| *instead).or(key.instead);
    let warning = instead.into_iter().fold(warning, Problem::help);
    Some(lacked_here(subject).into_iter().fold(warning, Problem::help))
}

fn lacked_here(subject: &Subject<'_>) -> Option<String> {
    subject.key.lacked_here.as_deref().map(|release| format!("this one, {release}, has no such key"))
}

pub(super) static RECENT: Warning = Warning {
    code: "W007",
    title: "a required sysctl that the oldest supported kernels lack",
    explanation: "On a kernel from before it came the profile falls short as a whole. Mark it `required = false`, so \
        that it is set where there is such a key, or allow the warning where all machines are new enough.",
    check: Check::Requirement(recent),
};

fn recent(subject: &Subject<'_>) -> Option<Problem> {
    let Subject { requirement, name, key, .. } = *subject;
    let since = key.since.as_deref().filter(|_| requirement.required && removed(subject).is_none())?;
    let message = format!("`{name}` came with {since}, and older kernels are supported too");
    let warning =
        requirement.warn(&RECENT, message).help("with `required = false` it is set where there is such a key");
    Some(lacked_here(subject).into_iter().fold(warning, Problem::help))
}

pub(super) static IRREVERSIBLE: Warning = Warning {
    code: "W013",
    title: "a value that can't be undone before the next boot",
    explanation: "The kernel takes it for good: neither tunectl nor root can put the former value back. `apply` \
        refuses it, before anything is changed, unless `--allow-irreversible` says that it is meant.",
    check: Check::Requirement(irreversible),
};

fn irreversible(subject: &Subject<'_>) -> Option<Problem> {
    let Subject { requirement, name, .. } = *subject;
    let for_good = subject.key.one_way?;
    requirement.asked.values().any(|value| value.to_string() == for_good).then(|| {
        let message = format!("`{name}` stays {for_good} until the next boot, whatever is written then");
        requirement.warn(&IRREVERSIBLE, message)
    })
}

pub(super) static READ_ONLY: Warning = Warning {
    code: "W014",
    title: "a sysctl that can only be read",
    explanation: "It reports something and takes no value: unless it is what is asked for already it falls short \
        everywhere.",
    check: Check::Requirement(read_only),
};

fn read_only(subject: &Subject<'_>) -> Option<Problem> {
    let Subject { requirement, name, key, .. } = *subject;
    key.read_only.then(|| requirement.warn(&READ_ONLY, format!("`{name}` can only be read")))
}

pub(super) static HIDDEN_LETTERS: Warning = Warning {
    code: "W019",
    title: "a setting written with letters that can't be seen",
    explanation: "Characters without width, or such as turn the writing direction (U+200B to U+200F, U+202A to U+202E, \
        U+2060 to U+206F, U+FEFF), come along when text is copied, and make a name or value another than the one \
        that is read. Type it anew.",
    check: Check::Requirement(hidden_letters),
};

fn hidden_letters(subject: &Subject<'_>) -> Option<Problem> {
    let requirement = subject.requirement;
    let text = requirement.origin.source.text.get(requirement.origin.span.clone())?;
    text.chars().any(snippet::is_hidden).then(|| {
        let message = format!("{} is written with letters that can't be seen", requirement.setting);
        requirement.warn(&HIDDEN_LETTERS, message).help("type it anew")
    })
}

pub(super) static MISSPELT: Warning = Warning {
    code: "W003",
    title: "a sysctl that is not known, and nearly spelt like one that is",
    explanation: "A key that does not exist falls short on every machine. Not every key of every module is known to \
        tunectl, so this is no error; where the name is right, allow the warning.",
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
    let message = format!("`{name}` is no sysctl that tunectl knows, did you mean `{near}`?");
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
