//! There are several directories that a journal can be in. Whichever an `apply` used, a later `revert` finds it, or says
//! which one it can't use: what was changed is never passed over in silence.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::kernel::{put, sysctl};
use crate::support::namespaces::{inside_of, this_test};
use crate::support::scratch::Scratch;
use crate::support::test::{Ran, Test};

/// Root's directories of the journal, in a /run of the test's own.
struct Root {
    scratch: Scratch,
}

impl Root {
    fn new() -> Self {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "none", "/run"]).status().unwrap();
        assert!(mounted.success());
        put("net/core/somaxconn", "4096\n");
        Self { scratch: Scratch::new() }
    }

    /// The directories that can be used, the preferred one first.
    fn candidates(&self) -> [PathBuf; 3] {
        let beneath = |path: &str| self.scratch.path().join(path);
        ["/run/tunectl/journal".into(), beneath("xdg/tunectl/journal"), beneath("tmp/tunectl-0/journal")]
    }

    fn run(&self, words: &[&str], code: i32) -> Ran {
        let test = Test::new(words.iter().copied());
        let test = test.env("XDG_RUNTIME_DIR", self.scratch.path().join("xdg"));
        let test = test.env("TMPDIR", self.scratch.path().join("tmp")).env("TUNECTL_JOURNAL", "");
        test.stdout_is_anything().stderr_is_anything().code(code).run()
    }

    fn apply(&self, value: u32, code: i32) -> Ran {
        self.run(&["apply", "--set", &format!("net.core.somaxconn={value}")], code)
    }
}

/// A file where a directory should be: nothing can be made there.
fn block(directory: &Path) {
    let parent = directory.parent().unwrap();
    drop(fs::remove_dir_all(parent));
    fs::create_dir_all(parent.parent().unwrap()).unwrap();
    fs::write(parent, "in the way").unwrap();
}

fn unblock(directory: &Path) {
    fs::remove_file(directory.parent().unwrap()).unwrap();
}

fn entries(directory: &PathBuf) -> usize {
    let Ok(files) = fs::read_dir(directory) else { return 0 };
    files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "journal")).count()
}

#[test]
fn what_was_noted_elsewhere_is_found_when_the_preferred_directory_is_back() {
    inside_of(this_test!(), &["--net", "--ipc", "--uts", "--mount"], || {
        let root = Root::new();
        let candidates = root.candidates();
        for used in 0..candidates.len() {
            for also_in_preferred in [false, true] {
                candidates[..used].iter().for_each(|path| block(path));
                root.apply(5000, 0);
                assert_eq!(entries(&candidates[used]), 1, "{used}");
                candidates[..used].iter().for_each(|path| unblock(path));
                if also_in_preferred {
                    root.apply(6000, 0);
                    assert_eq!(entries(&candidates[0]), if used == 0 { 2 } else { 1 }, "{used}");
                    root.run(&["revert"], 0);
                    assert_eq!(sysctl("net/core/somaxconn"), "5000", "{used}: the newest goes first");
                }
                let ran = root.run(&["revert"], 0);
                assert_eq!(sysctl("net/core/somaxconn"), "4096", "{used}: {}{}", ran.stdout, ran.stderr);
                assert_eq!(candidates.iter().map(entries).sum::<usize>(), 0, "{used}");
            }
        }
    });
}

#[test]
fn a_directory_that_is_there_and_not_trusted_is_never_passed_over() {
    inside_of(this_test!(), &["--net", "--ipc", "--uts", "--mount"], || {
        let root = Root::new();
        let candidates = root.candidates();
        root.apply(5000, 0);
        for (wrong, entry) in [(0, &candidates[0]), (1, &candidates[1]), (2, &candidates[2])] {
            // The entry may be in any of them.
            if wrong > 0 {
                fs::create_dir_all(entry.parent().unwrap()).unwrap();
                assert!(Command::new("mv").args([&candidates[wrong - 1], entry]).status().unwrap().success());
            }
            fs::set_permissions(entry, Permissions::from_mode(0o777)).unwrap();
            for words in [&["revert"][..], &["revert", "--all"], &["revert", "--dry-run"]] {
                let ran = root.run(words, 1);
                assert!(ran.stderr.contains(&format!("`chmod 700 {}`", entry.display())), "{wrong}: {}", ran.stderr);
                assert_eq!((sysctl("net/core/somaxconn").as_str(), entries(entry)), ("5000", 1), "{wrong}");
            }
            // No other one is used in its place, if it comes first.
            if wrong == 0 {
                let ran = root.apply(6000, 1);
                assert!(ran.stderr.contains("nothing was changed"), "{wrong}: {}", ran.stderr);
                assert_eq!(sysctl("net/core/somaxconn"), "5000", "{wrong}");
            }
            fs::set_permissions(entry, Permissions::from_mode(0o700)).unwrap();
        }
        root.run(&["revert"], 0);
        assert_eq!(sysctl("net/core/somaxconn"), "4096");
    });
}
