//! Expected output that stands in a file beneath `tests/expected`: what was typed, what was printed and the exit code.
//!
//! `[..]` stands for anything within a line. With `TUNECTL_TEST_RENEW` set, a file that differs is written anew instead of
//! failing its test; lines with `[..]` that still match stay as they are.

use std::path::Path;
use std::{env, fs};

use super::pattern;

/// What a run printed and how it ended, as text. `end` says how, where that was not success.
pub(crate) fn transcript(typed: &str, stdout: &str, stderr: &str, end: Option<&str>) -> String {
    let error = if stderr.is_empty() { String::new() } else { format!("--- standard error\n{stderr}") };
    let end = end.map_or_else(String::new, |end| format!("--- {end}\n"));
    format!("$ {typed}\n{stdout}{error}{end}")
}

/// Compares `found` with `tests/expected/NAME.txt`.
#[track_caller]
pub(crate) fn compare(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expected").join(name).with_extension("txt");
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let found = format!("{}\n", found.trim_end_matches('\n'));
    if pattern::matches(&expected, &found) {
        return;
    }
    let lines = align(&expected, &found);
    assert!(
        env::var_os("TUNECTL_TEST_RENEW").is_some(),
        "not as in tests/expected/{name}.txt (`TUNECTL_TEST_RENEW=1 cargo test` writes it anew):\n{}",
        lines.iter().map(Line::shown).collect::<String>()
    );
    let renewed: Vec<&str> = lines.iter().filter_map(Line::renewed).collect();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, renewed.join("\n")).unwrap();
}

enum Line<'a> {
    /// As expected; the pattern.
    Both(&'a str),
    Expected(&'a str),
    Found(&'a str),
}

impl<'a> Line<'a> {
    fn shown(&self) -> String {
        match self {
            Line::Both(line) => format!("  {line}\n"),
            Line::Expected(line) => format!("- {line}\n"),
            Line::Found(line) => format!("+ {line}\n"),
        }
    }

    fn renewed(&self) -> Option<&'a str> {
        match self {
            Line::Both(line) | Line::Found(line) => Some(line),
            Line::Expected(_) => None,
        }
    }
}

/// The lines of both texts in order, with as many in common as can be.
fn align<'a>(expected: &'a str, found: &'a str) -> Vec<Line<'a>> {
    let (expected, found): (Vec<_>, Vec<_>) = (expected.split('\n').collect(), found.split('\n').collect());
    // How many lines are in common from a place in each to their ends.
    let mut common = vec![vec![0; found.len() + 1]; expected.len() + 1];
    for i in (0..expected.len()).rev() {
        for j in (0..found.len()).rev() {
            common[i][j] = if pattern::matches(expected[i], found[j]) {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < expected.len() || j < found.len() {
        if i < expected.len() && j < found.len() && pattern::matches(expected[i], found[j]) {
            lines.push(Line::Both(expected[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == found.len() || (i < expected.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(Line::Expected(expected[i]));
            i += 1;
        } else {
            lines.push(Line::Found(found[j]));
            j += 1;
        }
    }
    lines
}

#[test]
fn renewing_keeps_wildcards_that_match() {
    let lines = align("a\npid [..]\nb\n", "a\npid 7\nc\n");
    let renewed: Vec<&str> = lines.iter().filter_map(Line::renewed).collect();
    assert_eq!(renewed.join("\n"), "a\npid [..]\nc\n");
    assert_eq!(lines.iter().map(Line::shown).collect::<String>(), "  a\n  pid [..]\n- b\n+ c\n  \n");
}
