//! Every sentence of the program in one reviewed list a room, and the words that must not come back.
//!
//! The lists stand in `tests/expected/messages` and `tests/expected/help`: a change of wording shows there, to be read by
//! whoever reviews it, as someone would who has never seen the program.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser as _};
use tunectl::commands::Cli;

use crate::support::expected;

/// Words and phrases that readers stumbled over, or that no man page uses for what was meant. Lower case, whole words.
const UNCLEAR: &[&str] = &[
    "zeal",
    "mend it as said",
    "as said above",
    "since a moment",
    "nothing leads back",
    "leads back before",
    "goes without",
    "for who asks",
    "died with it",
    "who asks",
    "whoever asks",
    "somebody else's by now",
    "held back:",
    "does harm",
    "made of it",
    "restless",
    "can't be had",
    "cannot be had",
    "hardly meant",
    "the shell that this is typed in",
    "win key by key",
    "insists on",
    "insists",
    "a wish",
    "wishes",
    "what it leaves behind",
    "takes our place",
    "take our place",
    "takes its place",
    "of before stays",
    "made to last",
    "in so many words",
    "falls to pieces",
    "an order to the kernel",
    "is told nothing",
    "no signal can be had",
    "go to pid 1 and not to us",
    "what stands there",
    "stands in the way",
    "all that is required holds",
    "to set what is not set",
    "gone astray",
    "go astray",
    "folklore that",
    "is none of",
    "all the same",
    "goes on from here",
    "and it was left",
    "could be had",
    "are void",
    "took its time",
    "nobody waits for",
    "lets it pass",
    "on which it depends",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|its| its == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A piece of a source file.
enum Piece {
    Text(String),
    Comment(String),
}

/// The texts in quotes and the comments of a source file without its tests, in order.
fn pieces(source: &str) -> Vec<Piece> {
    let source = super::floors::program(source);
    let mut pieces = Vec::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '/' if rest.starts_with("//") => {
                let end = rest.find('\n').unwrap_or(rest.len());
                pieces.push(Piece::Comment(rest[..end].to_owned()));
                end
            }
            '"' => {
                let end = end_of_text(rest);
                pieces.push(Piece::Text(unescaped(&rest[1..end - 1])));
                end
            }
            '\'' if rest.starts_with("'\"'") => 3,
            '\'' if rest.starts_with("'\\\"'") => 4,
            _ => c.len_utf8(),
        };
        rest = &rest[length..];
    }
    pieces
}

fn end_of_text(rest: &str) -> usize {
    let mut escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, c)| {
        let closes = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    end.map_or(rest.len(), |(at, _)| at + 1)
}

/// With a text's continued lines joined and its line breaks shown.
fn unescaped(text: &str) -> String {
    let mut lines = text.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + line.trim_start()).replace("\\\"", "\"")
}

/// Whether a text is made for people: two words that are no path, code or table.
fn is_prose(text: &str) -> bool {
    let words = text.split_whitespace().filter(|word| word.len() > 1 && word.chars().all(char::is_alphabetic));
    words.count() >= 2
}

#[test]
fn every_message_is_in_the_reviewed_list() {
    let mut rooms: BTreeMap<String, String> = BTreeMap::new();
    for path in files_below(&root().join("src"), "rs") {
        let name = path.strip_prefix(root().join("src")).unwrap().with_extension("");
        if name.ends_with("tests") {
            continue;
        }
        let room = name.components().next().unwrap().as_os_str().to_str().unwrap().to_owned();
        let texts: Vec<String> = pieces(&fs::read_to_string(&path).unwrap())
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Text(text) if is_prose(&text) => Some(format!("  {}\n", text.replace('\n', "\\n"))),
                _ => None,
            })
            .collect();
        if !texts.is_empty() {
            let list = rooms.entry(room).or_default();
            writeln!(list, "{}\n{}", name.display(), texts.concat().trim_end()).unwrap();
        }
    }
    for (room, list) in rooms {
        expected::compare(&format!("messages/{room}"), &list);
    }
}

#[test]
fn the_help_of_every_command_is_in_the_reviewed_list() {
    let mut root = Cli::command();
    root.build();
    let mut commands = vec![(String::from("tunectl"), root)];
    while let Some((name, mut command)) = commands.pop() {
        let brief = command.render_help().to_string();
        let whole = command.render_long_help().to_string();
        expected::compare(&format!("help/{name}"), &format!("$ {name} -h\n{brief}\n$ {name} --help\n{whole}"));
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            commands.push((format!("{name}-{}", inner.get_name()), inner.clone()));
        }
    }
}

/// Phrases of `UNCLEAR` in a text.
fn unclear_in(text: &str) -> Vec<&'static str> {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let whole = |phrase: &&&str| {
        folded.match_indices(**phrase).any(|(at, _)| {
            let before = folded[..at].chars().next_back();
            let after = folded[at + phrase.len()..].chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        })
    };
    UNCLEAR.iter().filter(whole).copied().collect()
}

#[test]
fn no_unclear_words_come_back() {
    let mut found = Vec::new();
    for path in files_below(&root().join("src"), "rs") {
        for piece in pieces(&fs::read_to_string(&path).unwrap()) {
            let (Piece::Text(text) | Piece::Comment(text)) = piece;
            found.extend(unclear_in(&text).iter().map(|words| format!("{}: `{words}` in: {text}", path.display())));
        }
    }
    let pages = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"].map(|page| root().join(page));
    for path in files_below(&root().join("docs"), "md").into_iter().chain(pages) {
        let text = fs::read_to_string(&path).unwrap();
        found.extend(unclear_in(&text).iter().map(|words| format!("{}: `{words}`", path.display())));
    }
    for path in files_below(&root().join("tests"), "rs") {
        let source = fs::read_to_string(&path).unwrap();
        let names = source.lines().filter_map(|line| line.trim_start().strip_prefix("fn "));
        for name in names.filter_map(|rest| rest.split(['(', '<']).next()) {
            let words = name.replace('_', " ");
            found.extend(unclear_in(&words).iter().map(|words| format!("{}: `{words}` in {name}", path.display())));
        }
    }
    assert!(found.is_empty(), "{} places:\n{}", found.len(), found.join("\n"));
}

/// A command's help ends with commands to copy, and each is a command line that we take.
#[test]
fn every_command_has_examples_that_are_taken() {
    let mut root = Cli::command();
    root.build();
    for command in root.get_subcommands().filter(|command| command.get_name() != "help") {
        let mut command = command.clone();
        let help = command.render_help().to_string();
        let (_, examples) =
            help.split_once("\nExample").unwrap_or_else(|| panic!("{}: no example", command.get_name()));
        let lines: Vec<&str> = examples.lines().skip(1).filter(|line| !line.trim().is_empty()).collect();
        assert!(!lines.is_empty(), "{help}");
        for line in lines {
            let words = line.split_whitespace().skip_while(|word| *word == "sudo");
            assert!(Cli::try_parse_from(words).is_ok(), "not taken: {line}");
        }
    }
}

/// `tunectl: error:` and `tunectl: warning:`, and no other. Under a borrowed name the form of its owner stays.
#[test]
fn all_messages_have_one_prefix() {
    let mut found = Vec::new();
    for path in files_below(&root().join("src"), "rs").iter().filter(|path| !path.ends_with("cli/compat/mod.rs")) {
        if path.components().any(|part| part.as_os_str() == "compat") {
            continue;
        }
        for piece in pieces(&fs::read_to_string(path).unwrap()) {
            let Piece::Text(text) = piece else { continue };
            let starts =
                |line: &str| ["error:", "warning:", "warning[{code}"].iter().any(|word| line.starts_with(word));
            found.extend(
                text.split("\\n").filter(|line| starts(line)).map(|line| format!("{}: {line}", path.display())),
            );
        }
    }
    assert!(found.is_empty(), "without `tunectl: `:\n{}", found.join("\n"));
}
