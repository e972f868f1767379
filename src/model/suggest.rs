//! "Did you mean …": the nearest known word to one that is not known.

/// The word of `known` that is most likely meant by `typed`, if any is near enough to be worth naming.
///
/// Near enough is at most a third of the letters edited (insertions, deletions, changes and swaps of
/// neighbours count one each).
#[must_use]
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase();
    let length = typed.chars().count();
    known
        .into_iter()
        .filter(|word| is_near_at_its_end(&typed, word))
        .map(|word| (word, word.chars().count(), word.chars().count().max(3) / 3))
        // A word that is too long or too short can't be near: what was typed may be a megabyte.
        .filter(|(_, letters, most)| letters.abs_diff(length) <= *most)
        .map(|(word, _, most)| (distance(&typed, word), most, word))
        .filter(|(edits, most, _)| edits <= most)
        .map(|(edits, _, word)| (edits, word))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, word)| word)
}

/// Of a path the last part says what is meant: folders alone make no two settings alike.
fn is_near_at_its_end(typed: &str, word: &str) -> bool {
    let (typed_end, word_end) = (last_part(typed), last_part(word));
    let letters = word_end.chars().count();
    let most = letters.max(3) / 3;
    typed_end.chars().count().abs_diff(letters) <= most && distance(typed_end, word_end) <= most
}

fn last_part(path: &str) -> &str {
    path.rsplit(['.', '/']).next().unwrap_or(path)
}

/// `, did you mean …?`, or nothing: to be put behind a message that names an unknown word.
#[must_use]
pub fn hint<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(typed, known).map_or_else(String::new, |word| format!(", did you mean `{word}`?"))
}

/// Optimal string alignment distance.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before_last[j - 2] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_named_and_far_ones_are_not() {
        let known = ["nofile", "nproc", "core", "at_least", "at_most"];
        assert_eq!(nearest("nofiles", known), Some("nofile"));
        assert_eq!(nearest("at_lest", known), Some("at_least"));
        assert_eq!(nearest("NPROC", known), Some("nproc"));
        assert_eq!(nearest("zebra", known), None);
        let keys = ["net.ipv4.conf.*.tag", "net.core.somaxconn"];
        assert_eq!(nearest("net.ipv4.conf.lo.nope", keys), None);
        assert_eq!(nearest("net.ipv4.conf.lo.tags", keys), Some("net.ipv4.conf.*.tag"));
        assert_eq!(nearest("net.ipv4.somaxcon", keys), Some("net.core.somaxconn"));
        assert_eq!(hint("croe", known), ", did you mean `core`?");
        assert_eq!(distance("abc", "acb"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
