//! The house keeps its order: a file imports only from floors below its own, what is pure stays pure, and what is
//! unsafe or of one system only stays in its room. Held by reading the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What stands on which floor. A name with a slash is a part of a room that has a floor of its own.
pub(super) const FLOORS: &[(u8, &[&str])] = &[
    (9, &["main"]),
    (8, &["commands"]),
    (7, &["watch", "init", "bench", "persist"]),
    (6, &["output", "cli"]),
    (5, &["diagnose", "verdict", "apply", "formats"]),
    (4, &["journal", "exec", "report", "preflight"]),
    (3, &["plan", "counters", "profile_store"]),
    (2, &["environment", "builtin", "kernel/linux", "kernel/macos", "kernel/fake", "kernel/rlimits"]),
    (1, &["profile", "kernel", "catalog", "linux", "formats/limits_conf", "formats/sysctl_d", "formats/systemd"]),
    (0, &["model", "snippet", "sys"]),
];

/// No system call, clock or environment: all that they need comes in as an argument.
const PURE: [&str; 10] =
    ["model", "profile", "plan", "report", "catalog", "diagnose", "snippet", "formats", "verdict", "output"];

/// Paths of the effects.
const EFFECTS: [&str; 9] = [
    "std::fs",
    "std::env",
    "std::process",
    "std::net",
    "std::thread",
    "std::time::SystemTime",
    "std::time::Instant",
    "std::io",
    "crate::sys",
];

/// One file of `src`, without comments, texts and the tests within it.
pub(super) struct File {
    /// Relative to `src`, without the ending: `kernel/fake/mod`.
    pub(super) name: String,
    code: String,
    pub(super) whole: String,
}

impl File {
    /// The modules that it is in, its own the last.
    fn modules(&self) -> Vec<&str> {
        self.name.split('/').filter(|part| *part != "mod").collect()
    }

    fn room(&self) -> &str {
        self.modules()[0]
    }

    fn floor(&self) -> u8 {
        let part = self.modules().into_iter().take(2).collect::<Vec<_>>().join("/");
        floor(&part).or_else(|| floor(self.room())).unwrap_or_else(|| panic!("`{}` has no floor in FLOORS", self.name))
    }

    /// The files of its own room that it imports, by their names: `super::b` in `a/c` is `a/b`. A room's `mod` is its
    /// door, and owns what all within share.
    fn siblings<'a>(&self, files: &'a [Self]) -> Vec<&'a Self> {
        let modules = self.modules();
        let mut paths = BTreeSet::new();
        for words in self.code.split(';').filter_map(|statement| statement.split_once("use ")) {
            let climb = words.1.matches("super::").count();
            let Some(rest) = words.1.strip_prefix(&"super::".repeat(climb)).filter(|_| climb > 0) else { continue };
            let base = &modules[..modules.len().saturating_sub(climb)];
            for part in rest.trim_start_matches('{').split(',') {
                let first = part.trim().split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or("");
                paths.insert([base, &[first]].concat());
            }
        }
        files.iter().filter(|file| file.name != self.name && paths.contains(&file.modules())).collect()
    }

    /// What it imports from other rooms, as `room` or `room/part`.
    fn imports(&self) -> BTreeSet<String> {
        let paths = self.code.split("crate::").skip(1).map(|rest| {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
            let mut parts = rest[..end].split("::");
            let room = parts.next().unwrap_or("");
            assert!(!room.is_empty(), "{}: write one `use` a room, not `crate::{{…}}`", self.name);
            // The host's kernel is an implementation by another name.
            let part = parts.next().map(|part| if (room, part) == ("kernel", "Host") { "linux" } else { part });
            part.map(|part| format!("{room}/{part}"))
                .filter(|part| floor(part).is_some())
                .unwrap_or_else(|| room.to_owned())
        });
        paths.filter(|path| path.split('/').next() != Some(self.room())).collect()
    }
}

fn floor(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(_, names)| names.contains(&name)).map(|(floor, _)| *floor)
}

pub(super) fn sources() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_stem().is_some_and(|stem| stem != "lib" && stem != "tests") {
                files.push(read(&root, &path));
            }
        }
    }
    assert!(files.len() > 50, "only {} files found", files.len());
    files
}

fn read(root: &Path, path: &Path) -> File {
    let whole = fs::read_to_string(path).unwrap();
    let name = path.strip_prefix(root).unwrap().with_extension("").to_str().unwrap().to_owned();
    let code = code(program(&whole));
    File { name, code, whole }
}

/// A source file without its tests, which are the last thing in it and may look upstairs.
pub(super) fn program(whole: &str) -> &str {
    whole.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

/// The text without comments and without what stands in quotes.
fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '"' => quoted(rest, '"'),
            // A lifetime has no closing quote behind its first character.
            '\'' if rest.starts_with("'\\") || rest.chars().nth(2) == Some('\'') => quoted(rest, '\''),
            _ => 0,
        };
        if skipped == 0 {
            code.push(c);
        }
        rest = &rest[skipped.max(c.len_utf8())..];
    }
    code
}

/// The length of what begins with `quote` and ends with another one.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let closes = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

#[test]
fn comments_and_strings_are_stripped() {
    let text = "a(\"b \\\" // c\", '\"', '\\'', x: &'y str); // d\ne";
    assert_eq!(code(text), "a(, , , x: &'y str); \ne");
}

#[test]
fn a_file_imports_only_from_floors_below() {
    let mut wrong = Vec::new();
    for file in sources() {
        for import in file.imports() {
            let theirs = floor(&import).unwrap_or_else(|| panic!("`{import}` has no floor in FLOORS"));
            if theirs >= file.floor() {
                wrong.push(format!("{} (floor {}) imports {import} (floor {theirs})", file.name, file.floor()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_of_a_room_do_not_import_each_other_in_a_circle() {
    let files = sources();
    let mut left: Vec<&File> = files.iter().collect();
    loop {
        let before = left.len();
        let names: BTreeSet<&str> = left.iter().map(|file| file.name.as_str()).collect();
        left.retain(|file| file.siblings(&files).iter().any(|other| names.contains(other.name.as_str())));
        if left.len() == before {
            break;
        }
    }
    let names: Vec<&str> = left.iter().map(|file| file.name.as_str()).collect();
    assert!(names.is_empty(), "in a circle, or above one: {names:?}");
}

#[test]
fn no_file_is_too_long_to_be_read() {
    const MOST: usize = 400;
    for file in sources() {
        let lines = file.whole.lines().count();
        assert!(lines <= MOST, "{} has {lines} lines, {MOST} are the most", file.name);
    }
}

/// `super::super` would be a way around the floors.
#[test]
fn nothing_climbs_out_of_its_room() {
    for file in sources() {
        let chain = "super::".repeat(file.modules().len());
        assert!(!file.code.contains(&chain), "{} climbs out of its room with `{chain}`", file.name);
    }
}

#[test]
fn unsafe_stands_in_sys_alone() {
    for file in sources().iter().filter(|file| file.room() != "sys") {
        let mut words = file.code.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        assert!(!words.any(|word| word == "unsafe"), "{} has unsafe code", file.name);
    }
}

#[test]
fn systems_are_told_apart_in_three_places() {
    for file in sources().iter().filter(|file| !["kernel/mod", "sys/mod", "linux/mod"].contains(&file.name.as_str())) {
        for word in ["target_os", "target_family", "target_vendor", "cfg(unix"] {
            assert!(!file.code.contains(word), "{} asks for `{word}`", file.name);
        }
    }
}

#[test]
fn what_is_pure_has_no_effects() {
    for room in PURE {
        let files: Vec<File> = sources().into_iter().filter(|file| file.room() == room).collect();
        let top = files.iter().find(|file| file.name == room || file.name == format!("{room}/mod"));
        let top = top.unwrap_or_else(|| panic!("no room `{room}`"));
        assert!(top.whole.contains("\n#![forbid(unsafe_code)]\n"), "{} does not forbid unsafe code", top.name);
        for file in files {
            for effect in EFFECTS {
                assert!(!file.code.contains(effect), "{} is pure and uses `{effect}`", file.name);
            }
        }
    }
}

/// One way to replace a file: what another user has put in its place is never followed, waited for or overwritten.
#[test]
fn files_are_written_in_one_place() {
    const WRITERS: [&str; 9] = [
        "fs::write",
        "fs::rename",
        "fs::copy",
        "File::create",
        "create_new(",
        "create(true)",
        "truncate(true)",
        "O_CREAT",
        "renameat",
    ];
    for file in sources().iter().filter(|file| file.name != "sys/directory") {
        for writer in WRITERS {
            assert!(!file.code.contains(writer), "{} uses `{writer}`, not `sys::Directory`", file.name);
        }
    }
}
