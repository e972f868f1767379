//! No program logic reads text that is made for people: a reworded sentence must never change what the program does.
//!
//! Facts travel as types, and sentences are made last. What searches or cuts text is therefore either a reader of input
//! (a profile, a file of the kernel, another program's output, a command line), listed in `READERS` with what it reads,
//! or one of the few places in `SINGLE`, each with its reason. Everything else fails, and so does an entry that nothing
//! needs any more. A reader of input never sees the rooms of sentences, and never searches a message.

use std::collections::BTreeSet;

use super::floors::{program, sources};

/// Methods that search, compare by part, or cut a text.
const SEARCHES: &[&str] = &[
    "starts_with",
    "ends_with",
    "contains",
    "strip_prefix",
    "strip_suffix",
    "trim_start_matches",
    "trim_end_matches",
    "trim_matches",
    "split",
    "split_once",
    "rsplit",
    "rsplit_once",
    "splitn",
    "rsplitn",
    "split_inclusive",
    "split_terminator",
    "find",
    "rfind",
    "matches",
    "match_indices",
    "is_match",
    "captures",
    "replace",
    "replacen",
    "replace_range",
];

/// Rooms and files whose work is to read input, and what they read.
const READERS: &[(&str, &str)] = &[
    ("bench/testers", "the output of load testers"),
    ("catalog/backlog", "the name of a process"),
    ("catalog/belonging", "the path of a sysctl"),
    ("catalog/errors", "an error that is typed after `explain`, or a line of a log"),
    ("catalog/hostnet", "the path of a sysctl"),
    ("catalog/table", "the name of a sysctl"),
    ("catalog/version", "the release of the kernel, as uname(2) has it"),
    ("cli", "the command line"),
    ("counters", "/proc/net, /proc/stat and control groups"),
    ("diagnose/search", "what is typed after `explain`"),
    ("environment", "files of /proc, of sysctl.d(5), limits.conf(5) and units"),
    ("exec/accounts", "/etc/passwd and /etc/group"),
    ("exec/file_format", "the first bytes of an executable"),
    ("exec/find", "the name of a program"),
    ("formats", "configuration files, and escapes for them"),
    ("journal/codec", "the lines of a journal"),
    ("journal/entry", "a value as the kernel printed it"),
    ("journal/location", "paths"),
    ("journal/side_effects", "the path of a sysctl"),
    ("journal/store", "the names of a journal's files"),
    ("kernel", "the paths and texts of /proc/sys and /sys"),
    ("linux", "files of /proc and messages of netlink"),
    ("model", "names, amounts, values and options, as they are typed"),
    ("persist/files", "paths, and the names of files"),
    ("persist/overriding", "the paths of drop-ins"),
    ("preflight", "the command line of a load tester"),
    ("profile", "TOML, and `--set`"),
    ("profile_store", "paths, and the names of profiles"),
    ("snippet", "the lines of a profile"),
    ("sys", "names of sockets, and sets"),
];

/// Single places elsewhere: the file, a part of the line, and why it reads nothing that is made for people.
const SINGLE: &[(&str, &str, &str)] = &[
    ("apply/irreversible", "is_last.contains(", "a list of flags"),
    ("bench/messages", "host.contains(':')", "an address as it was typed: IPv6 gets brackets"),
    ("bench/runs", "metric.find(", "a regular expression that the user gave, in the load tester's output"),
    ("bench/sampler", ".ports.contains(", "a set of ports"),
    ("bench/sampler", "own.contains(", "a set of inodes"),
    ("bench/seen", "ports.contains(", "a set of ports"),
    ("bench/service", "sockets.contains(", "a set of inodes"),
    ("bench/table", "remarks.contains(", "a list of remarks"),
    ("commands/bench/mod", "text.rsplit_once(':')", "HOST:PORT, as it was typed"),
    ("commands/bench/mod", "host.trim_start_matches('[')", "HOST:PORT, as it was typed"),
    ("commands/bench/save", "replace(['-', ':'], \"\")", "a time, for the name of a file"),
    ("commands/explain", "starts_with(at)", "the path of a sysctl"),
    ("commands/explain", "asked.", "the name of a setting, as it was typed"),
    ("commands/explain", "name.path().contains('*')", "the path of an attribute"),
    ("commands/persist/settings", "stem", "the name of a unit"),
    ("commands/persist/settings", "contains(c)", "the name of a unit"),
    ("commands/persist/settings", "settings.modules.contains(", "a list of modules"),
    ("commands/prepare", "world.profiles.find(", "the search for a profile, by its name"),
    ("commands/profile", "world.profiles.find(", "the search for a profile, by its name"),
    (
        "commands/run/mod",
        "name.replace('_', \"-\")",
        "the name of an option of a profile, as an option of the command line",
    ),
    ("commands/run/mod", "levels.into_iter().find(enabled)", "a list of log levels"),
    ("diagnose/causes/missing_key", ".split(", "the path of a sysctl"),
    ("diagnose/causes/values", "to_kernel().starts_with(", "a value as it is written to the kernel"),
    ("diagnose/causes/values", "contains(c)", "the name of a module"),
    ("diagnose/runtimes/engine", "name.path().split('/')", "the path of a sysctl"),
    ("diagnose/runtimes/mod", "found.contains(", "names of files and variables that a runtime leaves"),
    ("diagnose/runtimes/mod", "signs.names.contains(", "the value of the variable `container`"),
    ("exec/messages", "interpreter.ends_with('\\r')", "the first line of a script"),
    ("exec/mod", "contains(signal)", "a set of signals"),
    ("exec/stage", "wanted.contains(':')", "USER:GROUP, as it was typed"),
    ("exec/stage", "strip_prefix(b\"=\")", "a variable of the environment"),
    ("init/descendants", "known.contains(", "a set of processes"),
    ("init/forward", "OF_TERMINALS.contains(", "a list of signals"),
    ("init/reexec", "split", "the supervisor's state, on its own command line"),
    ("init/terminal", "pending_before.contains(", "a set of signals"),
    ("journal/bench_entry", "journal.replace(", "an entry of the journal, by its number"),
    ("commands/run/mod", "of_variables.contains(&name)", "a list of names of options"),
    ("journal/boot_identity", ".split_once(COOKIE)", "the identity of a boot, as a journal has it"),
    ("journal/recorder", "journal.replace(", "an entry of the journal, by its number"),
    ("journal/recorder", "pattern.matches(name)", "a pattern for the names of sysctls"),
    ("output/notes", "codes.contains(", "a list of codes"),
    ("output/notes", "explained.contains(", "a list of codes"),
    ("output/quote", "contains(c)", "an argument that is quoted for a shell"),
    ("output/quote", "text.replace(", "an argument that is quoted for a shell or a unit"),
    ("output/remedies/containers", "start.flags.iter().find(is_variable)", "a list of flags"),
    ("output/rows", "values.contains(", "a list of values, to show each once"),
    ("watch/file_watcher", "path.strip_prefix(root)", "a path that the kernel gives"),
    ("output/wrap", "text.split(' ')", "breaks lines, and decides nothing"),
    ("persist/messages", "replace('\\0', \"\")", "a path"),
    ("plan/limits", "resources.contains(", "a list of resources"),
    ("plan/mod", "self.out_of_reach.contains(", "a set of namespaces"),
    ("plan/order", "name.matches(its)", "a pattern for the names of sysctls"),
    ("plan/requirement", "pattern.matches(name)", "a pattern for the names of sysctls"),
    ("verdict/mod", "unseen.contains(", "a list of counters"),
    ("verdict/observation", "self.errors.contains(", "a set of errors"),
    ("verdict/overall", "notes.contains(", "a list of notes"),
    ("watch/config_watcher", "descriptors.contains(", "a set of descriptors"),
    ("watch/event_loop", "wakeups.contains(", "a list of wakeups"),
];

/// What is made for people, by the name that the sources have for it: nothing searches that, not even a reader.
const MADE_FOR_PEOPLE: &[&str] = &[
    "description",
    "describe",
    "explain",
    "explanation",
    "format!",
    "help",
    "hint",
    "message",
    "messages",
    "note",
    "notes",
    "prose",
    "purpose",
    "reason",
    "remedy",
    "render",
    "rendered",
    "sentence",
    "strerror",
    "summary",
    "title",
    "why",
];

/// Why a reader of input may search something in `MADE_FOR_PEOPLE` all the same.
const EXCEPTIONS: &[(&str, &str, &str)] = &[(
    "profile/document",
    "not_toml.message().trim_end_matches(",
    "the TOML parser's sentence, cut for display: no decision depends on it",
)];

/// A call of one of `SEARCHES`.
struct Search<'a> {
    /// What is searched: the expression before the dot, without blanks.
    receiver: String,
    /// The line that the call begins in.
    line: &'a str,
    number: usize,
}

/// The calls in a file, but for those that search something else than a text: a range, an array, a set of constants of
/// libc, or a list by a closure of something that is no character.
fn searches(source: &str) -> Vec<Search<'_>> {
    let mut found = Vec::new();
    for (number, line) in source.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
        let begin = line.as_ptr() as usize - source.as_ptr() as usize;
        for (at, _) in line.match_indices('.') {
            let call = &line[at + 1..];
            let Some((name, argument)) = call.split_once('(') else { continue };
            if !SEARCHES.contains(&name) {
                continue;
            }
            let receiver = receiver(&source[..begin + at]);
            let by_element = name == "find"
                && argument.starts_with('|')
                && !["|c|", "|c:"].iter().any(|of_characters| argument.starts_with(of_characters));
            let is_range = receiver.ends_with(')') && receiver.contains("..");
            let in_values = is_range || receiver.ends_with(']') || argument.starts_with("libc::");
            let searches_text = !(by_element || name == "contains" && in_values);
            if searches_text {
                found.push(Search { receiver, line: line.trim(), number: number + 1 });
            }
        }
    }
    found
}

/// The expression that a text ends with, without blanks: `self.name(a, b)` of `let x = self.name(a, b)`.
fn receiver(before: &str) -> String {
    let mut depth = 0_usize;
    let mut kept = Vec::new();
    for c in before.chars().rev() {
        match c {
            ')' | ']' => depth += 1,
            '(' | '[' if depth == 0 => break,
            '(' | '[' => depth -= 1,
            _ if depth > 0 || c.is_alphanumeric() || "_.?:!".contains(c) => {}
            // The end of a line is a part of a chain only where the next one begins with a dot.
            c if c.is_whitespace() && kept.last() == Some(&'.') => continue,
            c if c.is_whitespace() && kept.is_empty() => continue,
            _ => break,
        }
        if !c.is_whitespace() {
            kept.push(c);
        }
    }
    kept.iter().rev().collect()
}

/// The names in an expression.
fn names(expression: &str) -> BTreeSet<&str> {
    expression.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '!')).collect()
}

fn is_in(file: &str, room: &str) -> bool {
    file.strip_prefix(room).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The entries of the three lists that were needed: the list, the file or room, and the part of the line or what is read.
type Needed = BTreeSet<(&'static str, &'static str, &'static str)>;

/// What of a file reads text that is made for people.
fn prose_read_in(name: &str, source: &str, needed: &mut Needed) -> Vec<String> {
    let reader = READERS.iter().find(|(room, _)| is_in(name, room));
    let mut wrong = Vec::new();
    for Search { receiver, line, number } in searches(source) {
        let entry = |list: &'static [(&str, &str, &str)]| {
            list.iter()
                .find(|(file, part, _)| *file == name && line.contains(part))
                .map(|(file, part, _)| (*file, *part))
        };
        let made_for_people = MADE_FOR_PEOPLE.iter().find(|word| names(&receiver).contains(*word));
        let found = match (made_for_people, reader) {
            (Some(_), _) => entry(EXCEPTIONS).map(|(file, part)| ("EXCEPTIONS", file, part)),
            (None, Some((room, what))) => Some(("READERS", *room, *what)),
            (None, None) => entry(SINGLE).map(|(file, part)| ("SINGLE", file, part)),
        };
        match found {
            Some(found) => drop(needed.insert(found)),
            None => wrong.push(format!("{name}:{number}: {line}")),
        }
    }
    if reader.is_some() && ["crate::output", "messages::"].iter().any(|room| source.contains(room)) {
        wrong.push(format!("{name} reads input and sees a room of sentences"));
    }
    wrong
}

#[test]
fn no_program_logic_reads_text_made_for_people() {
    let mut needed = Needed::new();
    let files = sources();
    let wrong: Vec<String> =
        files.iter().flat_map(|file| prose_read_in(&file.name, program(&file.whole), &mut needed)).collect();
    assert!(
        wrong.is_empty(),
        "{}\nlet a type say it, or add what is read to READERS or SINGLE of tests/house/prose.rs, with the reason",
        wrong.join("\n")
    );
    let entries = READERS.iter().map(|(room, what)| ("READERS", *room, *what));
    let single = SINGLE.iter().map(|(file, part, _)| ("SINGLE", *file, *part));
    let exceptions = EXCEPTIONS.iter().map(|(file, part, _)| ("EXCEPTIONS", *file, *part));
    let unused: Vec<_> = entries.chain(single).chain(exceptions).filter(|entry| !needed.contains(entry)).collect();
    assert!(unused.is_empty(), "entries that nothing needs: {unused:?}");
}

/// Each of these decided something by a sentence once, or could.
#[test]
fn what_reads_text_made_for_people_is_found() {
    let planted = [
        ("diagnose/causes/values", "if row.reads_back.starts_with(\"rounded\") {"),
        ("commands/revert", "let json = text\n    .strip_prefix(\"tunectl: error: \");"),
        ("output/text", "if why(&cause).contains(\"(mode\") {"),
        ("output/table", "let known = text.contains(&line);"),
        ("bench/table", "if !text.contains(&line) {"),
        ("watch/messages", "let pid = remedy.split(' ').find(|word| word.len() > 2);"),
        ("formats/systemd", "if error.message.ends_with(\"unknown key\") {"),
        ("model/name", "let found = outcome.why.find(\"no such\");"),
        ("model/name", "let found = format!(\"{error}\").matches(\"no such\").count();"),
        ("linux/process", "use crate::output::why;"),
    ];
    for (name, source) in planted {
        assert!(!prose_read_in(name, source, &mut Needed::new()).is_empty(), "{name}: {source}");
    }
    let fine = [
        ("formats/systemd", "let (name, value) = line.split_once('=')?;"),
        ("output/text", "let row = rows.iter().find(|row| row.is_last());"),
        ("verdict/mod", "(1..=3).contains(&number) && [1, 2].contains(&number)"),
    ];
    for (name, source) in fine {
        assert_eq!(prose_read_in(name, source, &mut Needed::new()).concat(), "", "{name}: {source}");
    }
}
