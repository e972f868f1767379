//! What `apply` has changed is put back as far as it still is as it was left, and what is not is told.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, thread, time::Duration};

use nix::fcntl::{Flock, FlockArg};

use crate::support::kernel::{limit, put, sysctl};
use crate::support::namespaces::{dies_with_us, inside, this_test};
use crate::support::scratch::Scratch;
use crate::support::test::Test;

const QUEUE: &str = "linux.sysctl.net.core.somaxconn";

/// One journal for several runs.
pub(crate) struct Host(pub(crate) Scratch);

impl Host {
    pub(crate) fn new() -> Self {
        put("net/core/somaxconn", "4096\n");
        Self(Scratch::new())
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.0.path().join("journal")
    }

    pub(crate) fn run(&self, words: &[&str]) -> Test {
        Test::new(words).env("TUNECTL_JOURNAL", self.journal())
    }

    pub(crate) fn apply(&self, setting: &str) {
        self.run(&["apply", "--set", setting]).stdout_is_anything().run();
    }

    pub(crate) fn entries(&self) -> Vec<String> {
        let Ok(files) = fs::read_dir(self.journal()) else { return Vec::new() };
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name != "lock").collect();
        names.sort();
        names
    }

    pub(crate) fn edit(&self, from: &str, to: &str) {
        let path = self.journal().join("000001.journal");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replace(from, to)).unwrap();
    }
}

/// A process to set limits of.
struct Service(Child);

impl Service {
    fn new() -> Self {
        let (input, output) = (Stdio::null(), Stdio::null());
        let mut sleep = Command::new("sleep");
        sleep.arg("1000").stdin(input).stdout(output).stderr(Stdio::null());
        Self(dies_with_us(&mut sleep).spawn().unwrap())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn newest_apply_is_reverted_first() {
    inside(this_test!(), || {
        let host = Host::new();
        host.apply("net.core.somaxconn=5000");
        host.apply("net.core.somaxconn=6000");
        host.apply("net.core.somaxconn=6000");
        assert_eq!(host.entries(), ["000001.journal", "000002.journal"], "an apply that changed nothing is none");
        host.run(&["revert", "--dry-run"])
            .stdout("net.core.somaxconn 6000 → 5000  (not written)\n1 setting would be put back\n")
            .run();
        host.run(&["revert"]).stdout("net.core.somaxconn 6000 → 5000\n1 setting put back\n").run();
        assert_eq!(sysctl("net/core/somaxconn"), "5000");
        host.run(&["revert"]).stdout("net.core.somaxconn 5000 → 4096\n1 setting put back\n").run();
        host.run(&["revert"]).stdout("nothing to revert\n").run();
        assert_eq!((sysctl("net/core/somaxconn").as_str(), host.entries().len()), ("4096", 0));
    });
}

#[test]
fn revert_all_restores_the_first_values() {
    inside(this_test!(), || {
        let host = Host::new();
        host.apply("net.core.somaxconn=5000");
        host.apply("net.core.somaxconn=6000");
        host.run(&["revert", "--all"])
            .stdout("net.core.somaxconn 6000 → 5000\nnet.core.somaxconn 5000 → 4096\n2 settings put back\n")
            .run();
        assert_eq!(sysctl("net/core/somaxconn"), "4096");
    });
}

#[test]
fn values_changed_by_others_are_not_reverted() {
    inside(this_test!(), || {
        let host = Host::new();
        host.apply("net.core.somaxconn=5000");
        put("net/core/somaxconn", "77\n");
        for _ in 0..2 {
            host.run(&["revert"])
                .stdout("0 settings put back\n")
                .stderr(
                    "tunectl: error: net.core.somaxconn is 77, not the 5000 that we wrote: changed by another program since; not reverted
  = help: `tunectl revert --force` puts it back to 4096 anyway
",
                )
                .code(1)
                .run();
            assert_eq!(sysctl("net/core/somaxconn"), "77");
        }
        host.run(&["revert", "--force"]).stdout("net.core.somaxconn 77 → 4096\n1 setting put back\n").run();
        assert_eq!(host.entries().len(), 0);
    });
}

#[test]
fn already_restored_values_are_counted() {
    inside(this_test!(), || {
        let host = Host::new();
        host.apply("net.core.somaxconn=5000");
        put("net/core/somaxconn", "4096\n");
        host.run(&["revert"]).stdout("0 settings put back, 1 already had its previous value\n").run();
        assert_eq!(host.entries().len(), 0);
    });
}

#[test]
fn empty_lists_and_interface_values_are_restored() {
    inside(this_test!(), || {
        let host = Host::new();
        // A new namespace has it from the first one, which forwards where containers run.
        put("net/ipv4/ip_forward", "0\n");
        put("net/ipv4/conf/lo/forwarding", "1\n");
        // Ports are reserved where outgoing connections may get them.
        put("net/ipv4/ip_local_port_range", "8000 60999");
        let words = ["apply", "--port", "8080,9000-9010", "--set", "net.ipv4.ip_forward=1"];
        host.run(&words).stdout_is_anything().run();
        assert_eq!(sysctl("net/ipv4/ip_local_reserved_ports"), "8080,9000-9010");
        host.run(&["revert"])
            .stdout(
                "\
net.ipv4.ip_forward 1 → 0
net.ipv4.ip_local_reserved_ports 8080,9000-9010 → (empty)
2 settings put back
",
            )
            .run();
        assert_eq!(sysctl("net/ipv4/ip_local_reserved_ports"), "");
        let routing = ["ip_forward", "conf/lo/forwarding", "conf/default/forwarding", "conf/all/accept_redirects"];
        assert_eq!(routing.map(|key| sysctl(&format!("net/ipv4/{key}"))), ["0", "1", "0", "1"]);
    });
}

#[test]
fn entries_of_another_namespace_are_skipped() {
    inside(this_test!(), || {
        let host = Host::new();
        host.apply("net.core.somaxconn=5000");
        let words = ["--net", env!("CARGO_BIN_EXE_tunectl"), "revert", "--all"];
        if std::env::var_os("TUNECTL_TEST_BINARY").is_none() {
            let mut other = Command::new("unshare");
            other.args(words);
            Test::of(other)
                .env("TUNECTL_JOURNAL", host.journal())
                .stdout("nothing to revert; entries of other namespaces were skipped: run `tunectl revert` there\n")
                .run();
        }
        assert_eq!(sysctl("net/core/somaxconn"), "5000");
        host.run(&["revert"]).stdout("net.core.somaxconn 5000 → 4096\n1 setting put back\n").run();
    });
}

#[test]
fn journal_of_an_earlier_boot_is_dropped() {
    inside(this_test!(), || {
        let host = Host::new();
        host.apply("net.core.somaxconn=5000");
        host.edit("boot\t", "boot\tan earlier one ");
        host.run(&["revert"]).stdout("nothing to revert; entries from before the last boot no longer apply\n").run();
        assert_eq!((sysctl("net/core/somaxconn").as_str(), host.entries().len()), ("5000", 0));
    });
}

#[test]
fn limits_are_reverted_only_for_the_same_process() {
    inside(this_test!(), || {
        let host = Host::new();
        let service = Service::new();
        let pid = service.0.id().to_string();
        let open_files = || limit(service.0.id(), "Max open files");
        let before = open_files();
        let soft = format!("nofile=100:{}", before.1);
        let apply = ["apply", "--rlimit", &soft, "--pid", &pid];
        host.run(&apply).stdout_is_anything().run();
        assert_eq!(open_files().0, "100");
        host.run(&["revert"])
            .stdout(&format!("nofile of sleep, pid {pid} 100:[..] → {}:[..]\n1 setting put back\n", before.0))
            .run();
        assert_eq!(open_files(), before);

        // The same number, and another process: what was started at another time is another one.
        host.run(&apply).stdout_is_anything().run();
        host.edit(&format!("\t{pid}\t"), &format!("\t{pid}\t1"));
        host.run(&["revert", "--force"])
            .stdout(&format!("nofile of sleep, pid {pid} no longer exists; nothing to revert\n0 settings put back\n"))
            .run();
        assert_eq!(open_files().0, "100");
    });
}

#[test]
fn concurrent_runs_wait_for_the_lock() {
    inside(this_test!(), || {
        let host = Host::new();
        host.apply("net.core.somaxconn=5000");
        let file = fs::OpenOptions::new().append(true).open(host.journal().join("lock")).unwrap();
        let lock = Flock::lock(file, FlockArg::LockExclusive).unwrap();
        let released = Arc::new(AtomicBool::new(false));
        let about_to_release = Arc::clone(&released);
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(300));
            about_to_release.store(true, Ordering::SeqCst);
            drop(lock);
        });
        host.run(&["apply", "--set", "net.core.somaxconn=6000"]).stdout_is_anything().run();
        assert!(released.load(Ordering::SeqCst), "it did not wait");
        let file = fs::OpenOptions::new().append(true).open(host.journal().join("lock")).unwrap();
        let _lock = Flock::lock(file, FlockArg::LockExclusive).unwrap();
        host.run(&["apply", "--set", "net.core.somaxconn=7000"])
            .stderr(
                "tunectl: error: another tunectl is changing settings: it holds `[..]/journal/lock`; nothing was changed
  = help: wait until it has finished
  = help: `--no-journal` applies without a journal; `tunectl revert` can then undo nothing
",
            )
            .code(1)
            .run();
        assert_eq!(sysctl("net/core/somaxconn"), "6000");
    });
}

#[test]
fn the_journal_names_the_profile() {
    inside(this_test!(), || {
        let host = Host::new();
        let ran = host.run(&["apply", "-p", "./web.toml"]).file("web.toml", format!("{QUEUE} = 5000\n"));
        ran.stdout_is_anything().run();
        let text = fs::read_to_string(host.journal().join("000001.journal")).unwrap();
        assert!(text.contains("\nprofile\t./web.toml\n"), "{text}");
        assert!(text.contains("\tnet/core/somaxconn\tnumber\tnet:["), "{text}");
    });
}

#[test]
fn revert_json_lists_every_outcome() {
    inside(this_test!(), || {
        let host = Host::new();
        host.run(&["apply", "--set", "net.core.somaxconn=5000", "--set", "net.ipv4.tcp_fin_timeout=31"])
            .stdout_is_anything()
            .run();
        put("net/core/somaxconn", "6000\n");
        let ran = host.run(&["revert", "--format", "json"]).code(1).stdout_is_anything();
        let ran = ran
            .stderr(
                "tunectl: error: net.core.somaxconn is 6000, not the 5000 that we wrote: changed by another program \
                 since; not reverted\n  = help: `tunectl revert --force` puts it back to 4096 anyway\n",
            )
            .run();
        let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let expected = serde_json::json!({
            "schema_version": 1,
            "tunectl": env!("CARGO_PKG_VERSION"),
            "command": "revert",
            "passes": false,
            "elsewhere": 0,
            "stale": 0,
            "unidentified": 0,
            "files": [],
            "settings": [
                {
                    "setting": "net.core.somaxconn",
                    "process": null,
                    "outcome": "somebody-elses",
                    "original": "4096",
                    "found": "6000",
                    "why": "net.core.somaxconn is 6000, not the 5000 that we wrote: changed by another program since; not reverted",
                },
                {
                    "setting": "net.ipv4.tcp_fin_timeout",
                    "process": null,
                    "outcome": "put-back",
                    "original": "60",
                    "found": "31",
                    "why": null,
                },
            ],
        });
        assert_eq!(found, expected);
        let ran = host.run(&["revert", "--force", "--format", "json"]).stdout_is_anything().run();
        let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((&found["passes"], &found["settings"][0]["outcome"]), (&true.into(), &"put-back".into()));
        assert_eq!(sysctl("net/core/somaxconn"), "4096");
    });
}
