//! Under the names of tini, dumb-init and catatonit.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::service::{As, BOTH, Service, children, command, outcome, status, tunectl};
use crate::support::kernel::until;
use crate::support::scratch::Scratch;

fn called(name: &str, words: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let scratch = Scratch::new();
    symlink(tunectl(), scratch.path().join(name)).unwrap();
    let mut command = command(As::First, scratch.path().join(name));
    command.args(words).envs(variables.iter().copied());
    outcome(command)
}

fn said(text: &str) -> String {
    text.to_owned()
}

#[test]
fn each_init_name_runs_a_service() {
    for name in ["tini", "tini-static", "docker-init", "dumb-init", "catatonit", "podman-init"] {
        assert_eq!(
            called(name, &["--", "sh", "-c", "echo $$; exit 7"], &[]),
            (7, said("2\n"), String::new()),
            "{name}"
        );
        assert_eq!(
            called(name, &["echo", "-v", "--version"], &[]),
            (0, said("-v --version\n"), String::new()),
            "{name}"
        );
        assert_eq!(called(name, &["sh", "-c", "kill -9 $$"], &[]).0, 137, "{name}");
    }
}

#[test]
fn missing_command_exits_as_the_imitated_init() {
    for (name, code) in [("tini", 127), ("docker-init", 127), ("dumb-init", 2), ("catatonit", 1)] {
        assert_eq!(called(name, &["/nonexistent"], &[]).0, code, "{name}");
        let script = Scratch::new();
        let path = script.write("script", "#!/no/such/shell\n");
        script.mode("script", 0o755);
        let code = if code == 127 { 126 } else { code };
        assert_eq!(called(name, &[path.to_str().unwrap()], &[]).0, code, "{name}");
    }
}

#[test]
fn usage_errors_exit_as_the_imitated_init() {
    for name in ["tini", "dumb-init", "catatonit"] {
        for words in [&[][..], &["-Z", "true"], &["--"]] {
            let (code, out, err) = called(name, words, &[]);
            assert_eq!((code, out.as_str()), (1, ""), "{name} {words:?}");
            assert!(err.starts_with("error: ") && err.contains("usage: "), "{err}");
        }
    }
}

#[test]
fn invalid_values_exit_as_the_imitated_init() {
    for (name, words, said) in [
        ("tini", &["-e", "abc"][..], "`-e` can't be `abc`"),
        ("tini", &["-e300"], "`-e300` can't be `300`"),
        ("tini", &["-e", "5,6"], "`-e` can't be `5,6`"),
        ("tini", &["-p", "BOGUS"], "`-p` can't be `BOGUS`"),
        ("tini", &["-p", "TERM"], "`-p` can't be `TERM`"),
        ("tini", &["-p", "SIGRTMIN"], "`-p` can't be `SIGRTMIN`"),
        ("tini", &["--version"], "unknown option `--version`"),
        ("dumb-init", &["-r", "999:3"], "`-r` can't be `999:3`"),
        ("dumb-init", &["-r", "15:32"], "`-r` can't be `15:32`"),
        ("dumb-init", &["--rewrite", "x"], "`--rewrite` can't be `x`"),
        ("dumb-init", &["--single=3"], "unknown option `--single=3`"),
        ("dumb-init", &["--ver"], "unknown option `--ver`"),
    ] {
        let (code, out, err) = called(name, &[words, &["true"]].concat(), &[]);
        assert_eq!((code, out.as_str()), (1, ""), "{name} {words:?}");
        assert!(err.starts_with(&format!("error: {said}\nusage: {name} ")), "{err}");
    }
}

#[test]
fn tini_warns_without_subreaper() {
    let scratch = Scratch::new();
    for (name, words, variable, warns) in [
        ("tini", &[][..], "NONE", true),
        ("tini", &["-s"], "NONE", false),
        ("tini", &[], "TINI_SUBREAPER", false),
        ("dumb-init", &[], "NONE", false),
        ("catatonit", &[], "NONE", false),
    ] {
        let path = scratch.path().join(name);
        drop(symlink(tunectl(), &path));
        let mut tini = command(As::Other, path);
        tini.args(words).arg("true").env(variable, "");
        let said = if warns {
            "tunectl: warning: orphaned processes will not be reaped: use `-s` or TINI_SUBREAPER, or run as PID 1\n"
        } else {
            ""
        };
        assert_eq!(outcome(tini), (0, String::new(), said.to_owned()), "{name} {words:?} {variable}");
    }
    assert_eq!(called("tini", &["true"], &[]), (0, String::new(), String::new()));
}

#[test]
fn version_output_is_parsed_by_docker_info() {
    let (code, out, _) = called("docker-init", &["--version"], &[]);
    let (version, commit) = out.trim_end().split_once(" - ").unwrap();
    assert_eq!((code, version.starts_with("tini version 0.19.0"), commit), (0, true, "git.tunectl"));
    assert_eq!(commit.split('.').count(), 2);
}

#[test]
fn options_and_variables_work_as_in_the_imitated_init() {
    let exits = ["sh", "-c", "kill $$"];
    assert_eq!(called("tini", &[&["-e", "143"], &exits[..]].concat(), &[]).0, 0);
    assert_eq!(called("dumb-init", &["-r", "15:9", "sh", "-c", "kill -TERM 1; sleep 60"], &[]).0, 137);
    let rewrites = ["--rewrit", "15:9", "sh", "-c", "kill -TERM 1; sleep 60"];
    assert_eq!(called("dumb-init", &rewrites, &[]).0, 137);
    let ids = "ps -o pid=,pgid=,sid= -p $$ | xargs";
    assert_eq!(called("dumb-init", &["sh", "-c", ids], &[]).1, "2 2 2\n");
    for (words, variables) in
        [(&["-c", "sh", "-c", ids][..], &[][..]), (&["sh", "-c", ids], &[("DUMB_INIT_SETSID", "0")])]
    {
        let out = called("dumb-init", words, variables).1;
        assert!(!out.contains("2 2"), "{out}");
    }
    // A child in the group gets it only with -g.
    // Ends when the main process has it and, if it is to get it, the child; and then some time goes by.
    let script = "trap 'up=1' HUP; trap 'echo main; main=1' USR1; trap 'child=1' USR2; \
        (trap 'echo child; kill -USR2 $$; exit' USR1; kill -HUP $$; while :; do sleep 0.05; done) & \
        while [ -z \"$up\" ]; do sleep 0.01; done; kill -USR1 1; \
        while [ \"$main$child\" != $0 ]; do sleep 0.01; done; sleep 0.3; exit 0";
    for (name, words, variables, both) in [
        ("tini", &[][..], &[][..], false),
        ("tini", &["-g"], &[], true),
        ("tini", &[], &[("TINI_KILL_PROCESS_GROUP", "")], true),
        ("catatonit", &["-g"], &[], true),
        ("catatonit", &[], &[], false),
        ("dumb-init", &[], &[], true),
        ("dumb-init", &["-c"], &[], false),
    ] {
        let count = if both { "11" } else { "1" };
        let out = called(name, &[words, &["sh", "-c", script, count]].concat(), variables).1;
        assert_eq!(out.contains("child"), both, "{name} {words:?} {variables:?}: {out}");
        assert!(out.contains("main"), "{name} {words:?}: {out}");
    }
}

/// As Podman keeps the namespaces of a pod, or of all that a user without rights runs.
#[test]
fn catatonit_pause_ends_on_sigterm_and_sigint() {
    let scratch = Scratch::new();
    let catatonit = scratch.path().join("catatonit");
    symlink(tunectl(), &catatonit).unwrap();
    for place in BOTH {
        for end in [libc::SIGTERM, libc::SIGINT] {
            let mut pausing = command(place, &catatonit);
            pausing.args(["-P", "/nonexistent"]).current_dir("/usr");
            let service = Service::start(place, pausing);
            let pid = service.supervisor();
            let at_rest = || status(pid, "Name") == "catatonit" && status(pid, "State").starts_with('S');
            until("it does not pause", at_rest);
            until("it keeps a place", || {
                std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|at| at == Path::new("/"))
            });
            for signal in
                (1..=64).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP, libc::SIGTERM, libc::SIGINT].contains(signal))
            {
                service.send(signal);
            }
            until("a signal ended it", || at_rest() && status(pid, "ShdPnd") == "0000000000000000");
            service.send(end);
            assert_eq!(service.end(), 0, "{place:?}");
        }
    }
}

#[test]
fn catatonit_pause_reaps_children() {
    let scratch = Scratch::new();
    symlink(tunectl(), scratch.path().join("catatonit")).unwrap();
    // A child from before it was what it is, and that one's orphan.
    let script = "sh -c 'sleep 0.3; (sleep 0.3 &)' & exec \"$0\" -P";
    for place in BOTH {
        let mut shell = command(place, "sh");
        shell.args(["-c", script]).arg(scratch.path().join("catatonit"));
        let service = Service::start(place, shell);
        let pid = service.supervisor();
        until("zombies are left", || status(pid, "Name") == "catatonit" && children(pid).is_empty());
        service.send(libc::SIGTERM);
        assert_eq!(service.end(), 0, "{place:?}");
    }
}

#[test]
fn imitated_init_applies_the_profile_of_the_environment() {
    let (code, out, err) =
        called("docker-init", &["--", "sh", "-c", "ulimit -n"], &[("TUNECTL_PROFILE", "nosuchprofile")]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("nosuchprofile"), "{err}");
}
