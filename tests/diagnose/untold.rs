//! Places where something hides which namespaces we are in, or lies about it: what could be the machine's is not
//! written, and no guess is told as a fact.

use serde_json::{Value, json};

use crate::scene::{DiagnosisContext, text};
use crate::support::namespaces::{self, inside_of, skip, this_test};

/// Over the links of our namespaces.
const LINKS: &str = "mount -t tmpfs none /proc/$$/ns";
/// The same, with links there that the machine's own namespaces have.
const FORGED: &str = "mount -t tmpfs none /proc/$$/ns
for n in 39.ipc 38.uts 37.user 36.pid 35.cgroup; do
    ln -s \"${n#*.}:[40265318${n%.*}]\" /proc/$$/ns/${n#*.}
done";
/// Over what tells of the network.
const CORE: &str = "mount -t tmpfs none /proc/sys/net/core";
/// The same, with the file there that only the machine's own network has.
const BACKLOG: &str = "mount -t tmpfs none /proc/sys/net/core; : >/proc/sys/net/core/netdev_max_backlog";
const NET: &str = "mount -t tmpfs none /proc/sys/net";

const FOREIGN: &str = "it belongs to the whole machine, and we are in a container or namespace: not written";
const UNTOLD: &str =
    "it belongs to the whole machine, and /proc does not show whether we are in a container: not written";
const WHOSE: &str = "/proc does not show whether it belongs to the whole machine: not written";

/// `check` of what belongs to the machine and of what belongs to an IPC namespace: the context, and what is said of both.
fn checked(kinds: &str, masks: &[&str]) -> (Value, [String; 2]) {
    let place = format!("exec unshare --mount {kinds} sh -euc '{}\nexec \"$@\"' sh \"$@\"", masks.join("\n"));
    let scene = DiagnosisContext::new(&place);
    let asked = ["tunectl", "check", "--format", "json", "--set", "vm.swappiness=1", "--set", "kernel.msgmni=77"];
    let output = scene.runs(&asked);
    let document: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)));
    let why = |number: usize| document["findings"][number]["why"].as_str().unwrap().to_owned();
    (document["context"].clone(), [why(0), why(1)])
}

#[test]
fn possibly_host_wide_settings_are_not_written() {
    if tunectl::sys::effective_ids().effective_uid != 0 && !namespaces::is_inside() {
        return skip(this_test!(), "only root mounts over /proc");
    }
    inside_of(this_test!(), &["--mount"], || {
        // A test that is in a container itself finds fewer places where all that can be told is nothing.
        let (own, said) = checked("", &[]);
        let machine = own["contained"] == json!(false);
        if machine {
            assert_eq!(own["initial_namespaces"].as_object().unwrap().values().filter(|its| **its == true).count(), 6);
            assert_eq!(said, ["nothing has set it yet", "nothing has set it yet"]);
        }
        let links = ["ipc", "uts", "user", "pid", "cgroup"];
        let all = [&links[..], &["net"]].concat();
        for (kinds, masks, hidden, whys) in [
            ("", &[CORE][..], &["net"][..], machine.then_some([UNTOLD, UNTOLD])),
            ("", &[NET], &["net"], machine.then_some([UNTOLD, UNTOLD])),
            ("", &[BACKLOG], &["net"], machine.then_some([UNTOLD, UNTOLD])),
            ("", &[LINKS], &links, machine.then_some([UNTOLD, WHOSE])),
            ("", &[LINKS, NET], &all, Some([UNTOLD, WHOSE])),
            ("--net", &[BACKLOG], &["net"], machine.then_some([UNTOLD, UNTOLD])),
            ("--uts", &[LINKS, CORE], &all, Some([UNTOLD, WHOSE])),
            ("--uts", &[FORGED, BACKLOG], &all, Some([UNTOLD, WHOSE])),
            ("--net", &[LINKS], &links, Some([FOREIGN, WHOSE])),
            ("--uts", &[CORE], &["net"], machine.then_some([FOREIGN, FOREIGN])),
        ] {
            let (environment, said) = checked(kinds, masks);
            assert_eq!(environment["contained"], json!(true), "{kinds} {masks:?}: {environment}");
            for (kind, its) in environment["initial_namespaces"].as_object().unwrap() {
                assert_eq!(its.is_null(), hidden.contains(&kind.as_str()), "{kinds} {masks:?}: {kind} {environment}");
            }
            if let Some(whys) = whys {
                assert_eq!(said, whys, "{kinds} {masks:?}: {environment}");
            }
        }
    });
}

/// Its own `/etc` is what would be written to.
#[test]
fn nothing_is_persisted_in_a_possible_container() {
    if tunectl::sys::effective_ids().effective_uid != 0 && !namespaces::is_inside() {
        return skip(this_test!(), "only root mounts over /proc");
    }
    inside_of(this_test!(), &["--mount"], || {
        let place = format!(
            "exec unshare --mount sh -euc '{LINKS}\nmount -t tmpfs none /proc/sys/net\nmount -t tmpfs none /etc\n\
             exec \"$@\"' sh \"$@\""
        );
        let output = DiagnosisContext::new(&place).runs(&["tunectl", "apply", "--persist", "--rlimit", "nofile=5"]);
        let said = "exit status: 2
tunectl: error: cannot tell from /proc whether this is a container, whose files do not outlive it
  = help: leave `--persist` out, or name the root directory of another system with `--root DIR`
";
        assert_eq!(text(&output).replacen("\n\n", "\n", 1), said);
    });
}

#[test]
fn process_with_hidden_namespaces_is_not_entered() {
    if tunectl::sys::effective_ids().effective_uid != 0 && !namespaces::is_inside() {
        return skip(this_test!(), "only root mounts over /proc");
    }
    inside_of(this_test!(), &["--net"], || {
        let place = "exec unshare --mount sh -euc 'mount -t tmpfs none /proc/$PPID/ns\nexec \"$@\"' sh \"$@\"";
        let output = DiagnosisContext::new(place).runs(&[
            "sh",
            "-c",
            "exec tunectl check --pid $PPID --set net.core.somaxconn=1",
        ]);
        let said =
            format!("tunectl: error: pid {}: something is mounted over its directory in /proc\n", std::process::id());
        assert_eq!(text(&output), format!("exit status: 1\n{said}"));
    });
}
