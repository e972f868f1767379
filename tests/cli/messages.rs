//! Messages that say what is meant here: on the command line, of folders and paths, and where files are not there.

use std::fs;

use crate::support::namespaces::{inside, this_test};
use crate::support::test::Test;

fn said(arguments: &[&str], code: i32) -> String {
    Test::new(arguments).stdout_is_anything().stderr_is_anything().code(code).run().stdout
}

#[test]
fn range_error_shows_the_accepted_syntax() {
    let ran =
        Test::new(["check", "--set", "net.ipv4.ip_local_port_range=1024,65535"]).stderr_is_anything().code(2).run();
    assert!(ran.stderr.ends_with("  = help: write `'1024 65535'`\n"), "{}", ran.stderr);
    inside(this_test!(), || {
        Test::new(["apply", "--set", "net.ipv4.ip_local_port_range=1024 65535", "--port", "80"])
            .stdout_is_anything()
            .run();
    });
}

#[test]
fn directories_and_unknown_names_are_reported() {
    let folder = said(&["check", "--set", "net.core=1"], 1);
    assert!(folder.contains(": it is a directory of settings: name one of them\n"), "{folder}");
    let stranger = said(&["check", "--set", "net.ipv4.conf.lo.nope=1"], 1);
    assert!(stranger.contains(": there is no such setting here\n"), "{stranger}");
}

#[test]
fn sysfs_path_with_prefix_is_explained() {
    let name = "kernel/mm/transparent_hugepage/enabled";
    let (short, long) = (said(&["explain", name], 0), said(&["explain", &format!("/sys/{name}")], 0));
    assert_eq!(short, long);
    assert!(short.starts_with(name), "{short}");
}

#[test]
fn overlong_path_entries_are_skipped_and_truncated() {
    Test::shell("long=$(printf 'x%.0s' $(seq 10000)); PATH=/$long:$PATH; tunectl run --rlimit core=0 -- true").run();
    let absent =
        Test::shell("long=$(printf 'x%.0s' $(seq 10000)); PATH=$PATH:/$long; tunectl run --rlimit core=0 -- absent");
    let ran = absent.stderr_is_anything().code(127).run();
    assert!(ran.stderr.ends_with("…`)\n") && ran.stderr.len() < 1000, "{}", ran.stderr);
}

/// What can't be read is not taken for a file in which the name is missing.
#[test]
fn missing_passwd_group_and_proc_files_are_named() {
    inside(this_test!(), || {
        let without = |place: &str, words: &str| {
            Test::shell(&format!("exec unshare --mount sh -c 'mount -t tmpfs none {place} && exec tunectl {words}'"))
        };
        without("/etc", "run --user nobody --rlimit core=0 -- true")
            .stderr("tunectl: error: user `nobody` can't be looked up: /etc/passwd: no such file or directory\n")
            .code(125)
            .run();
        without("/etc", "run --user 0:staff --rlimit core=0 -- true")
            .stderr("tunectl: error: group `staff` can't be looked up: /etc/group: no such file or directory\n")
            .code(125)
            .run();
        // Who can't be looked up is no member: said, since the service may miss a right.
        let words = "run --user 5 --init=false -- true";
        let etc = "printf \"who:x:5:6::/:/bin/sh\\n\" >/etc/passwd && mkdir /etc/group";
        let said = "tunectl: warning: /etc/group: is a directory: starting the service without supplementary groups\n";
        // An ordinary user's namespace has no other user to become.
        let others = fs::read_to_string("/proc/self/uid_map").unwrap().contains(&u32::MAX.to_string());
        let refused = "tunectl: error: cannot change to groups 6: operation not permitted (needs CAP_SETUID and CAP_SETGID; start as root)\n";
        Test::shell(&format!("exec unshare --mount sh -c 'mount -t tmpfs none /etc && {etc} && exec tunectl {words}'"))
            .stderr(&format!("{said}{}", if others { "" } else { refused }))
            .code(if others { 0 } else { 125 })
            .run();
        without("/proc", "apply --rlimit core=0")
            .stderr(
                "tunectl: error: the profile has resource limits, and the calling shell to set them for was not found: /proc does not list our process
  = help: mount /proc first, skip limits with `--no-rlimits`, or start the service with `tunectl run`
",
            )
            .code(2)
            .run();
    });
}
