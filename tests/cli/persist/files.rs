//! The files, word for word, and whose they are.

use std::fs;

use crate::support::kernel::put;
use crate::support::namespaces::{inside, inside_of, lower_limit, this_test};
use crate::support::scratch::Scratch;
use crate::support::test::Test;

/// A system whose files are written, and the journal of these runs.
pub(crate) struct System(pub(crate) Scratch);

pub(crate) const PROFILE: &str = r#"
[linux.sysctl]
"net.core.somaxconn" = { at_least = 5000 }
"net.ipv4.tcp_rmem" = [4096, 131072, 8388608]
"net.ipv4.conf.lo.rp_filter" = { one_of = [2, 1] }
[rlimit]
nofile = { soft = 500, hard = { at_least = 600 } }
core = { soft = 0 }
[service]
ports = [8080, "9000-9010"]
"#;

/// The settings of [`PROFILE`] before `apply`, whatever a new network namespace has taken over from the machine.
pub(crate) fn reset() {
    put("net/core/somaxconn", "4096\n");
    put("net/ipv4/tcp_rmem", "4096 131072 6291456\n");
    put("net/ipv4/conf/lo/rp_filter", "0\n");
    put("net/ipv4/ip_local_reserved_ports", "\n");
}

impl System {
    pub(crate) fn new() -> Self {
        reset();
        let scratch = Scratch::new();
        scratch.write("web.toml", PROFILE);
        scratch.folder("root");
        for unit in ["web", "low"] {
            scratch.write(&format!("root/{UNITS}/{unit}.service"), "[Service]\n");
        }
        Self(scratch)
    }

    pub(crate) fn run(&self, words: &[&str]) -> Test {
        let root = self.0.path().join("root");
        let words = words.iter().map(|word| if *word == "ROOT" { root.to_str().unwrap() } else { *word });
        let profile = self.0.path().join("web.toml");
        Test::new(words.map(|word| if word == "WEB" { profile.to_str().unwrap() } else { word }))
            .env("TUNECTL_JOURNAL", self.0.path().join("journal"))
    }

    pub(crate) fn persist(&self) {
        self.run(&["apply", "-p", "WEB", "--persist", "--root", "ROOT", "--unit", "web"]).stdout_is_anything().run();
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.0.path().join("root").join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// All files but the units, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let root = self.0.path().join("root");
        let (mut folders, mut files) = (vec![root.clone()], Vec::new());
        while let Some(folder) = folders.pop() {
            for file in fs::read_dir(folder).into_iter().flatten() {
                let path = file.unwrap().path();
                if path.ends_with(UNITS) {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        files.sort();
        files
    }
}

/// Where the units are that drop-ins can be for.
pub(crate) const UNITS: &str = "usr/lib/systemd/system";
pub(crate) const SYSCTLS: &str = "etc/sysctl.d/99-tunectl.conf";
const LOGINS: &str = "etc/security/limits.d/99-tunectl.conf";
const DROP_IN: &str = "etc/systemd/system/web.service.d/99-tunectl.conf";

/// The body of a file, behind its head.
fn body(text: &str) -> String {
    let mut lines = text.split_inclusive('\n');
    let head = [lines.next().unwrap(), lines.next().unwrap()];
    assert!(
        head[0].starts_with("# Written by tunectl for ")
            && head[0].ends_with("/web.toml; change that instead of this file.\n"),
        "{head:?}"
    );
    assert!(head[1].starts_with("# tunectl-seal: profile "), "{head:?}");
    lines.collect()
}

/// What would be changed on the running machine.
const PLANNED: &str = "\
net.core.somaxconn 4096 → 5000  (not written)
net.ipv4.tcp_rmem 4096 131072 6291456 → 4096 131072 8388608  (not written)
net.ipv4.conf.lo.rp_filter 0 → 2  (not written)
net.ipv4.ip_local_reserved_ports (empty) → 8080,9000-9010  (not written)
nofile (soft) 1000 → 500  (not written)
5 settings would be changed, 2 already match
";

#[test]
fn persisted_files_contain_the_current_values() {
    inside(this_test!(), || {
        lower_limit(rlimit::Resource::NOFILE, 1000, 1200);
        lower_limit(rlimit::Resource::CORE, 0, 4096);
        put("net/ipv4/ip_local_port_range", "8000 60999");
        let system = System::new();
        let root = system.0.path().join("root");
        let root = root.display();
        let words = ["apply", "-p", "WEB", "--persist", "--root", "ROOT", "--unit", "web"];
        system
            .run(&words)
            .stdout(&format!(
                "{PLANNED}{root}/{SYSCTLS} written
{root}/{LOGINS} written
{root}/{DROP_IN} written
for the limits of web.service: systemctl daemon-reload, then restart it
"
            ))
            .run();
        let sysctls = "
# at least 5000
net.core.somaxconn = 5000

# 4096 131072 8388608
net.ipv4.tcp_rmem = 4096 131072 8388608

# one of 2, 1
net.ipv4.conf.lo.rp_filter = 2

# includes 8080,9000-9010
net.ipv4.ip_local_reserved_ports = 8080,9000-9010
";
        assert_eq!(body(&system.text(SYSCTLS)), sysctls);
        let logins = "
*     soft  core        0
root  soft  core        0
*     soft  nofile      500
root  soft  nofile      500
*     hard  nofile      524288
root  hard  nofile      524288
";
        assert_eq!(body(&system.text(LOGINS)), logins);
        assert_eq!(body(&system.text(DROP_IN)), "\n[Service]\nLimitCORE=0:infinity\nLimitNOFILE=500:524288\n");
        // Applied once more, nothing has to be changed, and what lasts is the same.
        system
            .run(&words)
            .stdout(&format!(
                "{PLANNED}{root}/{SYSCTLS} unchanged
{root}/{LOGINS} unchanged
{root}/{DROP_IN} unchanged
for the limits of web.service: systemctl daemon-reload, then restart it
"
            ))
            .run();
    });
}

#[test]
fn json_lists_every_persisted_file() {
    inside_of(this_test!(), &["--net", "--mount"], || {
        let system = System::new();
        let apply = |more: &[&str]| {
            let words = ["apply", "-p", "WEB", "--no-rlimits", "--persist", "--root", "ROOT", "--format", "json"];
            system.run(&[&words[..], more].concat()).stdout_is_anything().stderr_is_anything()
        };
        let whole = system.0.path().join("root").join(SYSCTLS);
        let files = |document: &str, outcome: &str, why: Option<&str>| {
            let document: serde_json::Value = serde_json::from_str(document).unwrap();
            let expected = serde_json::json!([{ "file": whole.to_str().unwrap(), "outcome": outcome, "why": why }]);
            assert_eq!((&document["files"], &document["passes"]), (&expected, &why.is_none().into()));
        };
        files(&apply(&["--dry-run"]).run().stdout, "would-write", None);
        files(&apply(&[]).run().stdout, "written", None);
        files(&apply(&[]).run().stdout, "same", None);
        files(&apply(&["--dry-run"]).run().stdout, "same", None);
        std::fs::remove_file(&whole).unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "ro", "none"])
            .arg(whole.with_file_name(""))
            .status();
        assert!(mounted.unwrap().success());
        let refused = format!("`{}` could not be written: read-only file system", whole.display());
        let ran = apply(&[]).code(1).run();
        files(&ran.stdout, "left", Some(&refused));
        assert!(ran.stderr.ends_with(&format!("tunectl: error: {refused}\n")), "{}", ran.stderr);
    });
}

/// What the shell has that this is typed in is nobody else's limit.
#[test]
fn persist_lowers_no_existing_limit() {
    inside(this_test!(), || {
        lower_limit(rlimit::Resource::NOFILE, 1024, 1200);
        let system = System::new();
        for (path, text) in [
            (
                "web.toml",
                "[rlimit]\nnofile = { hard = { at_least = 1100 } }\nmemlock = { soft = { at_least = 9 } }\nstack = \"hard\"\n",
            ),
            ("root/usr/lib/systemd/system/web.service", "[Service]\nLimitNOFILE=65536\n"),
            ("root/etc/systemd/system/low.service", "[Service]\nLimitNOFILE=256:512\n"),
            ("root/etc/systemd/system.conf", "[Manager]\nDefaultLimitMEMLOCK=4:1G\nDefaultLimitSTACK=5:8M\n"),
            ("root/etc/security/limits.conf", "root - nofile 70000\n* hard nofile 1000\n* hard memlock 4\n"),
        ] {
            system.0.write(path, text);
        }
        let words = ["apply", "-p", "WEB", "--persist", "--root", "ROOT", "--unit", "web", "--unit", "low"];
        // Twice: what we wrote ourselves is not what others give.
        for _ in 0..2 {
            system.run(&words).stdout_is_anything().run();
            let (stack, memlock) = ("LimitSTACK=8388608:8388608\n", "LimitMEMLOCK=9:1073741824\n");
            let drop_in = format!("\n[Service]\n{stack}LimitNOFILE=65536:65536\n{memlock}");
            assert_eq!(body(&system.text(DROP_IN)), drop_in);
            let low = format!("\n[Service]\n{stack}LimitNOFILE=256:1100\n{memlock}");
            assert_eq!(body(&system.text("etc/systemd/system/low.service.d/99-tunectl.conf")), low);
            let logins = "
*     soft  stack       unlimited
root  soft  stack       unlimited
*     hard  nofile      1100
root  hard  nofile      70000
*     soft  memlock     8192
root  soft  memlock     8192
*     hard  memlock     8192
";
            assert_eq!(body(&system.text(LOGINS)), logins);
        }
    });
}

#[test]
fn revert_removes_persisted_files() {
    inside(this_test!(), || {
        let system = System::new();
        system.persist();
        system.0.write("root/etc/systemd/system/web.service.d/mine.conf", "[Service]\n");
        system.0.write("root/etc/sysctl.d/10-mine.conf", "vm.swappiness = 1\n");
        let dry = system.run(&["revert", "--persist", "--root", "ROOT", "--dry-run"]).stdout_is_anything().run();
        assert_eq!(dry.stdout.matches("would be removed").count(), 3, "{}", dry.stdout);
        assert_eq!(system.files().len(), 5);
        system.run(&["revert", "--persist", "--root", "ROOT"]).stdout_is_anything().run();
        assert_eq!(system.files(), ["etc/sysctl.d/10-mine.conf", "etc/systemd/system/web.service.d/mine.conf"]);
        system.run(&["revert", "--persist", "--root", "ROOT"]).stdout("nothing to revert\n").run();
        // Where nobody else's drop-in is, the folder goes too.
        fs::remove_dir_all(system.0.path().join("root/etc/systemd")).unwrap();
        system.persist();
        system.run(&["revert", "--persist", "--root", "ROOT"]).stdout_is_anything().run();
        assert!(!system.0.path().join("root/etc/systemd/system/web.service.d").exists());
    });
}

#[test]
fn manually_edited_persisted_files_are_kept() {
    inside(this_test!(), || {
        let system = System::new();
        system.run(&["apply", "-p", "WEB", "--no-rlimits"]).stdout_is_anything().run();
        system.persist();
        let changed = system.text(SYSCTLS).replace("= 5000", "= 6000");
        system.0.write(&format!("root/{SYSCTLS}"), &changed);
        put("net/core/somaxconn", "4096\n");
        let root = system.0.path().join("root");
        let root = root.display();
        let help = format!(
            "  = help: keep it under another name, or remove it with `tunectl revert --persist --root {root} --force`\n"
        );
        system
            .run(&["apply", "-p", "WEB", "--persist", "--root", "ROOT"])
            .stderr(&format!(
                "tunectl: error: `[..]/{SYSCTLS}` was edited since tunectl wrote it; nothing was changed\n{help}"
            ))
            .code(1)
            .run();
        assert_eq!(crate::support::kernel::sysctl("net/core/somaxconn"), "4096");
        // However often: neither the other files go, nor what was applied before.
        put("net/core/somaxconn", "5000\n");
        for _ in 0..2 {
            system
                .run(&["revert", "--persist", "--root", "ROOT"])
                .stderr(&format!(
                    "tunectl: error: `[..]/{SYSCTLS}` was edited since tunectl wrote it; nothing was put back\n{help}"
                ))
                .code(1)
                .run();
            assert_eq!((system.files().len(), system.text(SYSCTLS)), (3, changed.clone()));
            assert_eq!(crate::support::kernel::sysctl("net/core/somaxconn"), "5000");
        }
        let left = system.run(&["revert", "--persist", "--root", "ROOT", "--format", "json"]);
        let document = left.stdout_is_anything().stderr_is_anything().code(1).run().stdout;
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        let outcomes: Vec<&str> =
            document["files"].as_array().unwrap().iter().map(|file| file["outcome"].as_str().unwrap()).collect();
        assert_eq!((outcomes, document["settings"].as_array().unwrap().len()), (vec!["left"; 3], 0));
        system.run(&["revert", "--persist", "--force", "--root", "ROOT"]).stdout_is_anything().run();
        assert_eq!(system.files().len(), 0);
        assert_eq!(crate::support::kernel::sysctl("net/core/somaxconn"), "4096");
    });
}

#[test]
fn files_of_other_programs_are_never_removed() {
    inside(this_test!(), || {
        let system = System::new();
        system.0.write(&format!("root/{SYSCTLS}"), "vm.swappiness = 1\n");
        let foreign = format!("`[..]/{SYSCTLS}` was not written by tunectl");
        let help = "  = help: move it away if it is not needed\n";
        system
            .run(&["apply", "-p", "WEB", "--persist", "--root", "ROOT"])
            .stderr(&format!("tunectl: error: {foreign}; nothing was changed\n{help}"))
            .code(1)
            .run();
        system
            .run(&["revert", "--persist", "--force", "--root", "ROOT"])
            .stderr(&format!("tunectl: error: {foreign}; nothing was put back\n{help}"))
            .code(1)
            .run();
        assert_eq!(system.text(SYSCTLS), "vm.swappiness = 1\n");
        // A link to /dev/null is how an administrator says that there is to be none (sysctl.d(5)).
        fs::remove_file(system.0.path().join("root").join(SYSCTLS)).unwrap();
        std::os::unix::fs::symlink("/dev/null", system.0.path().join("root").join(SYSCTLS)).unwrap();
        system
            .run(&["apply", "-p", "WEB", "--persist", "--root", "ROOT"])
            .stderr(&format!("tunectl: error: {foreign}; nothing was changed\n{help}"))
            .code(1)
            .run();
    });
}

#[test]
fn settings_that_cannot_persist_are_refused_first() {
    inside(this_test!(), || {
        let system = System::new();
        system
            .run(&["apply", "-p", "WEB", "--persist"])
            .stderr(
                "tunectl: error: files written in this container or namespace do not outlive it
  = help: leave `--persist` out, or name the root directory of another system with `--root DIR`
",
            )
            .code(2)
            .run();
        for wrong in ["../x", "a/b", "web.socket", ".service", "a b"] {
            let stderr = format!("tunectl: error: `{wrong}` is not a valid service name\n");
            let words = ["apply", "-p", "WEB", "--persist", "--root", "ROOT", "--unit", wrong];
            system.run(&words).stderr(&stderr).code(2).run();
        }
        assert_eq!(system.files().len(), 0);
        assert_eq!(crate::support::kernel::sysctl("net/core/somaxconn"), "4096");
    });
}

#[test]
fn a_dry_run_writes_nothing() {
    inside(this_test!(), || {
        let system = System::new();
        let words = ["apply", "-p", "WEB", "--persist", "--root", "ROOT", "--dry-run"];
        let said = system.run(&words).stdout_is_anything().run().stdout;
        assert_eq!(said.matches(" would be written\n").count(), 2, "{said}");
        assert_eq!((system.files().len(), system.0.path().join("journal").exists()), (0, false));
    });
}
