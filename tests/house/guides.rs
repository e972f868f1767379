//! The guides for those who carry on the work name files and functions that exist.

use std::fs;
use std::path::Path;

use super::floors::FLOORS;

/// The pages, and the least number of paths that each is known to name.
const PAGES: [(&str, usize); 2] = [("docs/ARCHITECTURE.md", 40), ("CONTRIBUTING.md", 20)];

/// Words before a name that define it.
const DEFINITIONS: [&str; 8] = ["fn", "struct", "enum", "trait", "const", "static", "macro_rules!", "type"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The texts between backticks, each with what is before it, but for those in fenced blocks.
fn code_spans(page: &str) -> Vec<(String, String)> {
    let mut prose = String::new();
    for (at, part) in page.split("```").enumerate() {
        prose.push_str(if at % 2 == 0 { part } else { "\n" });
    }
    let parts: Vec<&str> = prose.split('`').collect();
    parts.chunks(2).filter_map(|pair| Some(((*pair.first()?).to_owned(), (*pair.get(1)?).to_owned()))).collect()
}

/// Whether it is a path of this tree, rather than of a machine, a pattern or a placeholder.
fn is_path(span: &str) -> bool {
    let folders = ["src/", "tests/", "docs/", "benches/", "profiles/", "examples/", ".ci"];
    folders.iter().any(|folder| span.starts_with(folder)) && !span.contains([' ', '*', '<']) && !span.contains("NAME")
}

fn defines(source: &str, name: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let defined = |word: &&str| {
        source
            .match_indices(&format!("{word} {name}"))
            .any(|(at, found)| !source[at + found.len()..].starts_with(is_name))
    };
    DEFINITIONS.iter().any(defined)
}

/// What a page names that does not exist, and how many paths it names.
fn wrong_in(page: &str) -> (Vec<String>, usize) {
    let (mut wrong, mut paths) = (Vec::new(), 0);
    let spans = code_spans(page);
    for (at, (before, span)) in spans.iter().enumerate() {
        if !is_path(span) {
            continue;
        }
        paths += 1;
        let path = root().join(span);
        if !path.exists() {
            wrong.push(format!("there is no `{span}`"));
        } else if let Some(name) = at.checked_sub(1).map(|at| &spans[at].1).filter(|_| before.trim() == "(") {
            // `name` (`path`)
            let name = name.trim_end_matches('!');
            let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
            if is_name && path.is_file() && !defines(&fs::read_to_string(&path).unwrap(), name) {
                wrong.push(format!("`{span}` defines no `{name}`"));
            }
        }
    }
    (wrong, paths)
}

#[test]
fn guides_name_what_exists() {
    for (page, least) in PAGES {
        let (wrong, paths) = wrong_in(&fs::read_to_string(root().join(page)).unwrap());
        assert!(wrong.is_empty(), "{page}: {}", wrong.join(", "));
        assert!(paths >= least, "{page} names only {paths} paths");
    }
}

#[test]
fn the_table_of_floors_is_that_of_the_test() {
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    for (floor, rooms) in FLOORS {
        let row = page.lines().find(|line| line.starts_with(&format!("| {floor} |"))).unwrap();
        for room in rooms.iter().filter(|room| !room.starts_with("formats/")) {
            let names = ["", "/", ".rs", "/mod.rs"].map(|ending| format!("`{room}{ending}`"));
            assert!(names.iter().any(|name| row.contains(name)), "`{room}` is not in: {row}");
        }
    }
    let book = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for (floor, rooms) in FLOORS.iter().filter(|(floor, _)| *floor < 9) {
        for room in rooms.iter().filter(|room| !room.contains('/')) {
            let mut rows = book.lines().filter(|line| line.starts_with(&format!("//! | {floor} |")));
            assert!(rows.any(|row| row.contains(&format!("`{room}`"))), "src/lib.rs: `{room}` on floor {floor}");
        }
    }
}

#[test]
fn what_does_not_exist_is_found() {
    for (page, expected) in [
        ("see `src/nowhere.rs`.", "there is no `src/nowhere.rs`"),
        ("`no_such_function` (`src/main.rs`)", "`src/main.rs` defines no `no_such_function`"),
        ("`World`\n   (`src/main.rs`)", "`src/main.rs` defines no `World`"),
    ] {
        assert_eq!(wrong_in(page).0, [expected], "{page}");
    }
    for page in ["`run` (`src/main.rs`)", "`src/main.rs`, `/etc/passwd`, `src/commands/NAME.rs`"] {
        assert_eq!(wrong_in(page).0.concat(), "", "{page}");
    }
}
