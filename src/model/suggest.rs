//! "Did you mean …": the nearest known word to one that is not known.

use strsim::osa_distance;

/// The word of `known` that is most likely meant by `typed`, if any is near enough to be worth naming.
///
/// Near enough is at most a third of the letters edited (insertions, deletions, changes and swaps of
/// neighbours count one each).
#[must_use]
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase();
    let near = known.into_iter().filter_map(|word| Some((edits(&typed, word)?, word)));
    near.min_by_key(|(edits, _)| *edits).map(|(_, word)| word)
}

/// The same for the name of a sysctl among those of the catalog, where a `*` stands for any one interface: the
/// answer names the one that was typed, with slashes for the dots inside its name as in sysctl.d(5).
#[must_use]
pub fn nearest_setting<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let lower = typed.to_ascii_lowercase();
    let near = known.into_iter().filter(|word| is_near_at_its_end(&lower, word)).filter_map(|word| {
        let edits = if word.contains('*') { edits(&general(&lower, word)?.0, word) } else { edits(&lower, word) };
        Some((edits?, word))
    });
    let (_, word) = near.min_by_key(|(edits, _)| *edits)?;
    Some(general(typed, word).map_or_else(|| word.to_owned(), |(_, instance)| filled(word, instance)))
}

/// The name that was meant if `typed` is one of those that `pattern` stands for, but for dots inside the one
/// component.
#[must_use]
pub fn joined(typed: &str, pattern: &str) -> Option<String> {
    let (general, instance) = general(typed, pattern)?;
    (general == pattern && instance.contains('.')).then(|| filled(pattern, instance))
}

fn filled(pattern: &str, instance: &str) -> String {
    pattern.replacen('*', &instance.replace('.', "/"), 1)
}

/// What was typed with a `*` where `pattern` has one, and what it stands for: all between as many components before
/// and behind as the pattern has there.
fn general<'t>(typed: &'t str, pattern: &str) -> Option<(String, &'t str)> {
    let (head, tail) = pattern.split_once('*')?;
    let before = head.matches('.').count().checked_sub(1)?;
    let behind = tail.matches('.').count().checked_sub(1)?;
    let (start, _) = typed.match_indices('.').nth(before)?;
    let (end, _) = typed.rmatch_indices('.').nth(behind)?;
    let instance = typed.get(start + 1..end).filter(|instance| !instance.is_empty())?;
    Some((format!("{}*{}", &typed[..=start], &typed[end..]), instance))
}

/// How many edits `word` is away, if it is near enough.
fn edits(typed: &str, word: &str) -> Option<usize> {
    let (length, letters) = (typed.chars().count(), word.chars().count());
    let most = letters.max(3) / 3;
    // A word that is too long or too short can't be near: what was typed may be a megabyte.
    if letters.abs_diff(length) > most || other_letters(typed, word) > most || !is_near_at_its_end(typed, word) {
        return None;
    }
    Some(osa_distance(typed, word)).filter(|edits| *edits <= most)
}

/// Of a path the last part says what is meant: folders alone make no two settings alike.
fn is_near_at_its_end(typed: &str, word: &str) -> bool {
    let (typed_end, word_end) = (last_part(typed), last_part(word));
    let letters = word_end.chars().count();
    let most = letters.max(3) / 3;
    typed_end.chars().count().abs_diff(letters) <= most
        && other_letters(typed_end, word_end) <= most
        && osa_distance(typed_end, word_end) <= most
}

/// How many letters one of the words has and the other has not: there are at least as many edits. Tells most words apart
/// in a tenth of the time of [`osa_distance`], which counts where thousands of names are compared with the whole catalog.
fn other_letters(a: &str, b: &str) -> usize {
    if !a.is_ascii() || !b.is_ascii() {
        return 0;
    }
    // Letters that differ in their lower five bits alone count as the same, which makes the bound no higher.
    let mut counts = [0_i32; 32];
    a.bytes().for_each(|byte| counts[usize::from(byte & 31)] += 1);
    b.bytes().for_each(|byte| counts[usize::from(byte & 31)] -= 1);
    let sum = |sign: i32| counts.iter().map(|count| (count * sign).max(0)).sum::<i32>();
    usize::try_from(sum(1).max(sum(-1))).unwrap_or(0)
}

fn last_part(path: &str) -> &str {
    path.rsplit(['.', '/']).next().unwrap_or(path)
}

/// How far a word is from one that is known, to rank known words by: edits of the whole, or of its last part where what
/// was typed has one part, in hundredths of the length.
#[must_use]
pub fn remoteness(typed: &str, word: &str) -> usize {
    let word = if typed == last_part(typed) { last_part(word) } else { word };
    100 * osa_distance(typed, word) / word.chars().count().max(typed.chars().count()).max(1)
}

/// `, did you mean …?`, or nothing: to be put behind a message that names an unknown word.
#[must_use]
pub fn hint<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(typed, known).map_or_else(String::new, |word| format!(", did you mean `{word}`?"))
}

/// The same for a setting.
pub fn setting_hint<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest_setting(typed, known).map_or_else(String::new, |word| format!(", did you mean `{word}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_other_letters_are_at_least_so_many_edits_apart() {
        let words =
            ["", "a", "ab", "ba", "somaxconn", "soma_xconn", "net.core.somaxconn", "net.core.rmem_max", "tcp", "ü"];
        for (a, b) in words.iter().flat_map(|a| words.map(|b| (a, b))) {
            assert!(other_letters(a, b) <= osa_distance(a, b), "{a} {b}");
        }
    }

    #[test]
    fn near_words_are_named_and_far_ones_are_not() {
        let known = ["nofile", "nproc", "core", "at_least", "at_most"];
        assert_eq!(nearest("nofiles", known), Some("nofile"));
        assert_eq!(nearest("at_lest", known), Some("at_least"));
        assert_eq!(nearest("NPROC", known), Some("nproc"));
        assert_eq!(nearest("zebra", known), None);
        let keys = ["net.ipv4.conf.*.tag", "net.core.somaxconn"];
        assert_eq!(nearest("net.ipv4.conf.lo.nope", keys), None);
        assert_eq!(nearest("net.ipv4.somaxcon", keys), Some("net.core.somaxconn"));
        assert_eq!(hint("croe", known), ", did you mean `core`?");
        assert_eq!(osa_distance("abc", "acb"), 1);
        assert_eq!(osa_distance("", "abc"), 3);
    }
    #[test]
    fn an_interface_keeps_its_name_and_gets_slashes_for_its_dots() {
        let keys = ["net.core.somaxconn", "net.ipv4.conf.*.arp_filter", "net.ipv4.conf.*.rp_filter"];
        for (typed, meant) in [
            ("net.ipv4.conf.eth0.100.rp_filter", Some("net.ipv4.conf.eth0/100.rp_filter")),
            ("net.ipv4.conf.Eth0.1.2.rp_filte", Some("net.ipv4.conf.Eth0/1/2.rp_filter")),
            ("net.ipv4.conf.eth0/100.rp_filte", Some("net.ipv4.conf.eth0/100.rp_filter")),
            ("net.ipv4.conf.eth*.rp_filte", Some("net.ipv4.conf.eth*.rp_filter")),
            ("net.ipv4.conf.rp_filter", None),
            ("net.ipv4.conf..rp_filter", None),
            ("net.ipv4.conf.lo.nope", None),
            ("net.core.somaxcon", Some("net.core.somaxconn")),
        ] {
            assert_eq!(nearest_setting(typed, keys).as_deref(), meant, "{typed}");
        }
        assert_eq!(
            joined("net.ipv4.conf.eth0.100.rp_filter", keys[2]).as_deref(),
            Some("net.ipv4.conf.eth0/100.rp_filter")
        );
        assert_eq!(joined("net.ipv4.conf.eth0.rp_filter", keys[2]), None);
        assert_eq!(joined("net.ipv4.conf.eth0.100.rp_filter", keys[1]), None);
    }
}
