//! Expected output: exact, but for `[..]`, which stands for anything within a line.

/// The part of a line that may be anything.
const ANYTHING: &str = "[..]";

/// Whether `text` is what `pattern` says, line by line.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (expected, found): (Vec<&str>, Vec<&str>) = (pattern.split('\n').collect(), text.split('\n').collect());
    expected.len() == found.len() && expected.iter().zip(found).all(|(pattern, line)| line_matches(pattern, line))
}

fn line_matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split(ANYTHING);
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn wildcard_matches_within_a_line() {
    assert!(matches("a\nb\n", "a\nb\n"));
    assert!(!matches("a\n", "a"));
    assert!(matches("pid [..], code [..]\n", "pid 12, code 0\n"));
    assert!(matches("[..]", ""));
    assert!(!matches("pid [..]", "pit 12"));
    assert!(!matches("[..]0", "1"));
    assert!(!matches("[..]", "two\nlines"));
}
