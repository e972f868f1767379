//! What the journal is not believed, and what no journal can put back.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::undo::Host;
use crate::support::kernel::sysctl;
use crate::support::namespaces::{inside, this_test};
use crate::support::test::Test;

#[test]
fn apply_needs_a_journal_or_no_journal() {
    inside(this_test!(), || {
        let host = Host::new();
        host.0.write("journal", "a file");
        let apply = ["apply", "--set", "net.core.somaxconn=5000"];
        host.run(&apply)
            .stderr(
                "tunectl: error: the journal's directory `[..]/journal` is not a directory; nothing was changed
  = help: set TUNECTL_JOURNAL to another directory
  = help: `--no-journal` applies without a journal; `tunectl revert` can then undo nothing
",
            )
            .code(1)
            .run();
        assert_eq!(sysctl("net/core/somaxconn"), "4096");
        // What holds needs no journal.
        host.run(&["apply", "--set", "net.core.somaxconn=4096"]).stdout_is_anything().run();
        host.run(&[&apply[..], &["--no-journal"]].concat()).stdout_is_anything().run();
        assert_eq!(sysctl("net/core/somaxconn"), "5000");
    });
}

#[test]
fn journal_writable_by_others_is_refused() {
    inside(this_test!(), || {
        let host = Host::new();
        host.apply("net.core.somaxconn=5000");
        host.0.mode("journal", 0o777);
        host.run(&["revert"])
            .stderr(
                "tunectl: error: the journal's directory `[..]/journal` is writable by other users (mode 0777)
  = help: `chmod 700 [..]/journal`
",
            )
            .code(1)
            .run();
        host.0.mode("journal", 0o700);
        host.edit("tunectl-journal\t1", "tunectl-journal\t2");
        host.run(&["revert"])
            .stderr(
                "tunectl: error: cannot read the journal `[..]/journal/000001.journal`: it was written by another version of tunectl
  = help: nothing can be reverted from it: move it away
",
            )
            .code(1)
            .run();
        assert_eq!(sysctl("net/core/somaxconn"), "5000");
    });
}

/// A secret that was never set can't be read (`EIO`), and nothing unsets it again.
#[test]
fn unreadable_secret_needs_allow_irreversible() {
    inside(this_test!(), || {
        let host = Host::new();
        let (key, path) = ("net.ipv6.conf.lo.stable_secret", "net/ipv6/conf/lo/stable_secret");
        let one = format!("{key}=2001:0db8:0000:0000:0000:0000:0000:0001");
        host.run(&["apply", "--set", &one])
            .stderr(&format!(
                "tunectl: error: `{key}` = 2001:0db8:0000:0000:0000:0000:0000:0001 can't be undone until the next boot
  = help: nothing was changed; to change it until the next boot, add `--allow-irreversible`
"
            ))
            .code(2)
            .run();
        host.run(&["apply", "--allow-irreversible", "--set", &one]).stdout_is_anything().run();
        assert_eq!(sysctl(path), "2001:0db8:0000:0000:0000:0000:0000:0001");
        // Once it is there, it can be read, and is put back like any other value.
        host.apply(&one.replace("0001", "0002"));
        host.run(&["revert"]).stdout_is_anything().run();
        assert_eq!(sysctl(path), "2001:0db8:0000:0000:0000:0000:0000:0001");
        host.run(&["revert"])
            .stdout("0 settings put back\n")
            .stderr(&format!("tunectl: error: {key} can't be put back until the next boot\n"))
            .code(1)
            .run();
        host.run(&["revert"]).stdout("nothing to revert\n").run();
    });
}

/// A directory of ours may hold files of others', and what a disk without room left of one.
#[test]
fn corrupt_journals_are_refused() {
    inside(this_test!(), || {
        let host = Host::new();
        host.apply("net.core.somaxconn=5000");
        let path = host.journal().join("000001.journal");
        let refused = |why: &str| {
            let (help, path) = ("nothing can be reverted from it: move it away", path.display());
            let said = format!("tunectl: error: cannot read the journal `{path}`: {why}\n  = help: {help}\n");
            host.run(&["revert"]).stderr(&said).code(1).run();
        };
        let whole = fs::read_to_string(&path).unwrap();
        let change = whole.find("sysctl\twritten").unwrap();
        for end in [change, change + 20] {
            fs::write(&path, &whole[..end]).unwrap();
            refused("it is truncated");
        }
        fs::write(&path, &whole).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o602)).unwrap();
        refused("it is writable by other users (mode 0602)");
        fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        refused("it is not a regular file");
        fs::set_permissions(host.journal(), Permissions::from_mode(0o777)).unwrap();
        let journal = host.journal();
        let why = "is writable by other users (mode 0777)\n  = help: `chmod 700";
        let said = format!("tunectl: error: the journal's directory `{0}` {why} {0}`\n", journal.display());
        host.run(&["revert"]).stderr(&said).code(1).run();
        assert_eq!(sysctl("net/core/somaxconn"), "5000");
    });
}

/// Lowering it needs no right, and putting it back does.
#[test]
fn unrestorable_hard_limit_prints_the_remedy() {
    inside(this_test!(), || {
        let script = "ulimit -S -n 1000; ulimit -H -n 1200; exec setpriv --bounding-set -sys_resource sh -c '\
                      tunectl apply --rlimit nofile=500:600 && tunectl revert; echo $?'";
        let ran = Test::shell(script)
            .stdout_is_anything()
            .stderr(
                "\
tunectl: error: nofile of sh, pid [..] could not be put back to 1000:1200: raising a hard limit needs CAP_SYS_RESOURCE
  = help: `sudo prlimit --pid [..] --nofile=1000:1200`, or leave it: it ends with the process
",
            )
            .run();
        assert!(ran.stdout.ends_with("0 settings put back\n1\n"), "{}", ran.stdout);
    });
}

/// It is written last, when all else holds: otherwise it would stay, whatever is put back.
#[test]
fn irreversible_setting_is_not_written_when_another_falls_short() {
    inside(this_test!(), || {
        let host = Host::new();
        let secret = "net.ipv6.conf.lo.stable_secret";
        let (set, mode) = (format!("{secret}=::0001"), "net.ipv6.conf.lo.addr_gen_mode=0");
        let words = ["apply", "--allow-irreversible", "--set", &set, "--set", "net.core.somaxconn=5000"];
        let ran = host.run(&[&words[..], &["--set", "net.foo.bar=1"]].concat()).stderr_is_anything().code(1).run();
        assert!(
            ran.stderr.contains("not written: `net.foo.bar` fell short, and this one can't be undone"),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains("falls short; nothing was changed ("), "{}", ran.stderr);
        assert!(fs::read_to_string("/proc/sys/net/ipv6/conf/lo/stable_secret").is_err());
        assert_eq!(sysctl("net/core/somaxconn"), "4096");
        // What setting it changes with it is set after it, and what is typed is an address.
        host.run(&[&words[..], &["--set", mode]].concat()).stdout_is_anything().run();
        assert_eq!(sysctl("net/ipv6/conf/lo/stable_secret"), "0000:0000:0000:0000:0000:0000:0000:0001");
        assert_eq!(sysctl("net/ipv6/conf/lo/addr_gen_mode"), "0");
        host.run(&["check", "--set", &set]).stdout_is_anything().run();
        host.run(&["check", "--set", &format!("{secret}=nonsense")])
            .stderr(&format!(
                "tunectl: error: expected an IPv6 address, found `\"nonsense\"`\n --> command line:1:38\n  |\n\
                 1 | --set {secret}=nonsense\n  |                                      ^^^^^^^^\n"
            ))
            .code(2)
            .run();
    });
}
