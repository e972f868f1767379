//! Under the names of tini, dumb-init and catatonit.

use std::os::unix::fs::symlink;

use crate::service::{As, command, outcome, tunectl};
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
fn each_runs_a_service_as_docker_and_podman_start_it() {
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
fn a_command_that_is_not_there_has_their_code() {
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
fn a_wrong_command_line_has_their_code() {
    for name in ["tini", "dumb-init", "catatonit"] {
        for words in [&[][..], &["-Z", "true"], &["--"]] {
            let (code, out, err) = called(name, words, &[]);
            assert_eq!((code, out.as_str()), (1, ""), "{name} {words:?}");
            assert!(err.starts_with("error: ") && err.contains("usage: "), "{err}");
        }
    }
}

#[test]
fn docker_info_finds_a_version() {
    let (code, out, _) = called("docker-init", &["--version"], &[]);
    let (version, commit) = out.trim_end().split_once(" - ").unwrap();
    assert_eq!((code, version.starts_with("tini version 0.19.0"), commit), (0, true, "git.tunectl"));
    assert_eq!(commit.split('.').count(), 2);
}

#[test]
fn their_options_and_variables_do_what_they_do() {
    let exits = ["sh", "-c", "kill $$"];
    assert_eq!(called("tini", &[&["-e", "143"], &exits[..]].concat(), &[]).0, 0);
    assert_eq!(called("dumb-init", &["-r", "15:9", "sh", "-c", "kill -TERM 1; sleep 5"], &[]).0, 137);
    let ids = "ps -o pid=,pgid=,sid= -p $$ | xargs";
    assert_eq!(called("dumb-init", &["sh", "-c", ids], &[]).1, "2 2 2\n");
    for (words, variables) in
        [(&["-c", "sh", "-c", ids][..], &[][..]), (&["sh", "-c", ids], &[("DUMB_INIT_SETSID", "0")])]
    {
        let out = called("dumb-init", words, variables).1;
        assert!(!out.contains("2 2"), "{out}");
    }
    // A child in the group gets it only with -g.
    let script = "(trap 'echo child; exit' USR1; while :; do sleep 0.05; done) & \
        trap 'echo main' USR1; sleep 0.3; kill -USR1 1; sleep 0.2; sleep 0.4; exit 0";
    for (name, words, variables, both) in [
        ("tini", &[][..], &[][..], false),
        ("tini", &["-g"], &[], true),
        ("tini", &[], &[("TINI_KILL_PROCESS_GROUP", "")], true),
        ("catatonit", &["-g"], &[], true),
        ("catatonit", &[], &[], false),
        ("dumb-init", &[], &[], true),
        ("dumb-init", &["-c"], &[], false),
    ] {
        let out = called(name, &[words, &["sh", "-c", script]].concat(), variables).1;
        assert_eq!(out.contains("child"), both, "{name} {words:?} {variables:?}: {out}");
        assert!(out.contains("main"), "{name} {words:?}: {out}");
    }
}

#[test]
fn a_profile_is_applied_where_the_environment_names_one() {
    let (code, out, err) =
        called("docker-init", &["--", "sh", "-c", "ulimit -n"], &[("TUNECTL_PROFILE", "nosuchprofile")]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("nosuchprofile"), "{err}");
}
