//! A documentation comment says something: what the item is, its unit, its errors or its source.

use super::floors::{program, sources};

/// The least number of words of a documentation comment.
const LEAST: usize = 3;

/// Help of the command line, where two words are enough.
const HELP: &[&str] = &["Output format."];

/// The documentation comments of a source file: the number of the first line, and the text.
fn comments(source: &str) -> Vec<(usize, String)> {
    let mut comments: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in source.lines().enumerate() {
        let text = line.trim_start().strip_prefix("///").map(str::trim);
        match (text, comments.last_mut()) {
            (Some(text), Some((_, comment))) if goes_on => comment.extend([" ", text]),
            (Some(text), _) => comments.push((number + 1, text.to_owned())),
            (None, _) => {}
        }
        goes_on = text.is_some();
    }
    comments
}

fn says_nothing(comment: &str) -> bool {
    comment.split_whitespace().count() < LEAST && !HELP.contains(&comment)
}

#[test]
fn documentation_comments_say_something() {
    let mut found = Vec::new();
    for file in sources() {
        let comments = comments(program(&file.whole)).into_iter().filter(|(_, comment)| says_nothing(comment));
        found.extend(comments.map(|(line, comment)| format!("{}:{line}: {comment}", file.name)));
    }
    assert!(found.is_empty(), "of fewer than {LEAST} words:\n{}", found.join("\n"));
}

#[test]
fn comments_are_read_whole() {
    let source =
        "/// One\n/// two three.\nfn a() {}\n\n    /// Which.\n    field: u8,\n// Not this.\n/// Output format.\n";
    let all = comments(source);
    assert_eq!(all.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 5, 8]);
    assert_eq!(all.iter().map(|(_, text)| says_nothing(text)).collect::<Vec<_>>(), [false, true, false]);
}
