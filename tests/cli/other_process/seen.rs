//! What is seen of a process, and what is not.

use std::process::Command;

use serde_json::{Value, json};

use super::service::{OWN, Service};
use crate::support;
use crate::support::namespaces::{inside, skip, this_test};
use crate::support::test::Test;

/// Its global settings are the host's, though we stand on the host ourselves.
#[test]
fn container_process_has_no_host_settings() {
    let service = match Service::start(&OWN, None) {
        Ok(service) => service,
        Err(reason) => return skip("container_process_has_no_host_settings", &reason),
    };
    let document = |more: &[&str]| -> Value {
        let arguments = [&["check", "--set", "vm.swappiness=1", "--format", "json"], more].concat();
        let ran = Test::new(arguments).stdout_is_anything().code(1).run();
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let theirs = document(&["--pid", &service.pid()]);
    assert_eq!(
        (&theirs["context"]["contained"], &theirs["findings"][0]["cause"]),
        (&json!(true), &json!("host-setting"))
    );
    let why = "it belongs to the whole machine, and the process is in a container or namespace: not written";
    assert_eq!(theirs["findings"][0]["why"], why);
    let ours = document(&[]);
    let initial = std::fs::read_link("/proc/self/ns/ipc").unwrap().ends_with("ipc:[4026531839]");
    if initial && ours["context"]["contained"] == json!(false) {
        assert_eq!(ours["findings"][0]["cause"], "not-applied");
    }
    assert!(ours["listeners"].is_null(), "only of a process that was named");
}

#[test]
fn inaccessible_namespaces_are_reported() {
    inside(this_test!(), || {
        let unshare = [&OWN[..], &["--user", "--map-root-user"]].concat();
        let service = match Service::start(&unshare, None) {
            Ok(service) => service,
            Err(reason) => return skip(this_test!(), &reason),
        };
        let ran = Test::new(["check", "-p", "p.toml", "--format", "json", "--pid", &service.pid()])
            .file("p.toml", "[linux.sysctl]\n\"net.core.somaxconn\" = 64\n\"user.max_net_namespaces\" = 77\n")
            .stdout_is_anything()
            .code(1)
            .run();
        let findings = serde_json::from_str::<Value>(&ran.stdout).unwrap()["findings"].clone();
        assert_eq!(findings[0]["verdict"], "holds");
        assert_eq!((&findings[1]["cause"], &findings[1]["found"]), (&json!("out-of-reach"), &Value::Null));
        // From within, as it says, it is set and holds, and is no other's.
        let remedy = findings[1]["remedies"][0]["text"].as_str().unwrap();
        let enter = format!("sudo nsenter --target {} --user --preserve-credentials", service.pid());
        assert_eq!(remedy, format!("{enter} tunectl apply --set user.max_net_namespaces=77"));
        let followed =
            format!("sudo() {{ \"$@\"; }}\n{remedy}\n{enter} tunectl check --set user.max_net_namespaces=77");
        let ran = Test::shell(&followed).stdout_is_anything().run();
        assert!(ran.stdout.ends_with("the setting matches\n"), "{}", ran.stdout);
        let ours = std::fs::read_to_string("/proc/sys/user/max_net_namespaces").unwrap();
        assert_ne!(ours.trim(), "77");
        let apply = ["apply", "--set", "net.core.somaxconn=128", "--set", "net.ipv4.tcp_fin_timeout=33", "--pid"];
        Test::new([&apply[..], &[&service.pid()]].concat()).stdout_is_anything().run();
        assert_eq!(service.sysctl("net/core/somaxconn"), "128");
    });
}

/// A container has its own highest process number since Linux 6.14. Whoever shares its users may not enter these again.
#[test]
fn remedy_for_a_pid_namespace_enters_it() {
    inside(this_test!(), || {
        let ran = Test::shell(
            "set -eu
unshare --fork --pid --kill-child sh -c 'read -r stat </proc/self/stat; echo ${stat%% *}; exec sleep 60' >service &
trap 'kill -KILL $!' EXIT
until pid=$(cat service) && [ -n \"$pid\" ]; do sleep 0.01; done
sudo() { \"$@\"; }
check() { tunectl check --format json --set kernel.pid_max=30000 --pid $pid || :; }
case $(uname -r) in
[1-5].*|6.?.*|6.1[0-3].*) check | grep -q '\"cause\": \"host-setting\"' && echo done; exit ;;
esac
remedy=$(check | sed -n 's/.*\"text\": \"\\(sudo .*\\)\"/\\1/p')
[ \"$remedy\" = \"sudo nsenter --target $pid --pid tunectl apply --set kernel.pid_max=30000\" ]
eval \"$remedy\" >&2
nsenter --target $pid --pid tunectl check --set kernel.pid_max=30000 >&2
echo done",
        )
        .stdout_is_anything()
        .stderr_is_anything()
        .run();
        assert_eq!(ran.stdout, "done\n");
    });
}

#[test]
fn missing_process_is_reported() {
    // Above every kernel's `pid_max` (proc_sys_kernel(5)).
    for command in ["apply", "check"] {
        Test::new([command, "--set", "net.core.somaxconn=256", "--pid", "2147483647"])
            .stderr("tunectl: error: pid 2147483647: there is no such process\n")
            .code(1)
            .run();
    }
}

/// What really keeps us out is said, and root is not sent to sudo.
#[test]
fn reason_of_inaccessible_process_is_reported() {
    inside(this_test!(), || {
        let service = Service::start(&OWN, None).unwrap();
        let pid = service.pid();
        let check = format!("tunectl check --set net.core.somaxconn=1 --pid {pid}");
        for (script, why) in [
            (
                format!("unshare --mount sh -ec 'mount -t tmpfs none /proc; {check}'"),
                "/proc is not there: mount /proc first",
            ),
            (
                format!("setpriv --bounding-set=-sys_ptrace {check}"),
                "cannot read its namespaces: EACCES (permission denied)\n  = help: that needs CAP_SYS_PTRACE \
                 over the process: try again as root on the host",
            ),
            (
                format!("setpriv --bounding-set=-sys_admin {check}"),
                "cannot enter its net namespace: EPERM (operation not permitted)\n  = help: that needs \
                 CAP_SYS_ADMIN over the process: try again as root on the host",
            ),
        ] {
            Test::shell(&script).stderr(&format!("tunectl: error: pid {pid}: {why}\n")).code(1).run();
        }
        // What loads the program needs a descriptor for a while: the first, which is /dev/null's then.
        let program = support::test::tunectl();
        let mut few = Command::new("sh");
        few.args(["-c", "exec prlimit --nofile=3 \"$@\" <&-", "sh"]);
        few.arg(program.get_program()).args(program.get_args());
        few.args(["check", "--set", "net.core.somaxconn=1", "--pid", &pid]);
        let why = "cannot read its namespaces: EMFILE (too many open files)";
        Test::of(few).stderr(&format!("tunectl: error: pid {pid}: {why}\n")).code(1).run();
    });
}
