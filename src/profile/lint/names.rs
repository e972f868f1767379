//! W003, W004, W007, W013, W014 and W019: keys by what is known of them.

use super::super::RawRequirement;
use super::super::problem::Problem;
use super::{About, Known};
use crate::model::suggest;
use crate::snippet;

/// Keys that no supported kernel has, when they went, and what to do instead.
const REMOVED: [(&str, &str, &str); 7] = [
    ("net.ipv4.tcp_tw_recycle", "Linux 4.12", "it broke clients behind NAT; `net.ipv4.tcp_tw_reuse` is safe"),
    ("net.ipv4.tcp_abc", "Linux 3.9", "leave it out"),
    ("net.ipv4.tcp_frto_response", "Linux 3.10", "leave it out"),
    ("net.ipv4.ip_conntrack_max", "Linux 4.9", "write `net.netfilter.nf_conntrack_max`"),
    ("net.ipv4.netfilter.ip_conntrack_max", "Linux 4.9", "write `net.netfilter.nf_conntrack_max`"),
    ("net.ipv4.tcp_max_ssthresh", "Linux 3.13", "leave it out"),
    ("net.ipv4.tcp_thin_dupack", "Linux 4.11", "leave it out"),
];

/// W004: a key that kernels no longer have, and W007: one that they do not have yet.
pub(super) fn presence(wish: &RawRequirement, name: &str, about: &About) -> Option<Problem> {
    let here = about.lacked_here.as_deref().map(|release| format!("this one, {release}, has no such key"));
    let listed = REMOVED.iter().find(|(removed, _, _)| *removed == name);
    if let Some(gone) = listed.map(|(_, since, _)| (*since).to_owned()).or_else(|| about.gone.clone()) {
        let warning = wish.warn("W004", format!("`{name}` is gone since {gone}"));
        let instead = listed.map(|(_, _, instead)| *instead).or(about.instead);
        let warning = instead.into_iter().fold(warning, Problem::help);
        return Some(here.into_iter().fold(warning, Problem::help));
    }
    let since = about.since.as_deref().filter(|_| wish.required)?;
    let message = format!("`{name}` came with {since}, and older kernels are supported too");
    let warning = wish.warn("W007", message).help("with `required = false` it is set where there is such a key");
    Some(here.into_iter().fold(warning, Problem::help))
}

/// W013: a value that stays until the next boot.
pub(super) fn one_way(wish: &RawRequirement, name: &str, about: &About) -> Option<Problem> {
    let for_good = about.one_way?;
    wish.asked.values().any(|value| value.to_string() == for_good).then(|| {
        let message = format!("`{name}` stays {for_good} until the next boot, whatever is written then");
        wish.warn("W013", message)
    })
}

/// W014: a key that takes no value.
pub(super) fn read_only(wish: &RawRequirement, name: &str, about: &About) -> Option<Problem> {
    about.read_only.then(|| wish.warn("W014", format!("`{name}` can only be read")))
}

/// W019: what a terminal or an editor does not show, or shows in another order.
pub(super) fn hidden(wish: &RawRequirement) -> Option<Problem> {
    let text = wish.origin.source.text.get(wish.origin.span.clone())?;
    text.chars().any(snippet::is_hidden).then(|| {
        let message = format!("{} is written with letters that can't be seen", wish.setting);
        wish.warn("W019", message).help("type it anew")
    })
}

/// W003: a sysctl that is not in the catalog, and differs little from one that is, or is one but for the dots inside
/// an interface's name.
pub(super) fn misspelt(wish: &RawRequirement, name: &str, known: &Known<'_>) -> Option<Problem> {
    let known = || known.names.iter().filter(|(system, _)| wish.system == Some(*system)).map(|(_, name)| *name);
    if wish.is_pattern() || known().any(|known| known == name) {
        return None;
    }
    let near = known()
        .find(|known| *known == name.replace('/', "."))
        .or_else(|| known().find(|known| !known.contains('*') && similar(name, known)))
        .map(str::to_owned)
        .or_else(|| known().find_map(|known| suggest::joined(name, known)))?;
    let message = format!("`{name}` is no sysctl that tunectl knows, did you mean `{near}`?");
    Some(wish.warn("W003", message))
}

/// Whether two names differ in one component only, and there by a few letters. Not by a number at its end: many
/// a sysctl has brothers such as `gc_thresh1` and `gc_thresh2`.
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
