//! The command line's own mistakes, the log, and standard streams that are closed or not read.

use crate::support::test::Test;

#[test]
fn missing_subcommand_prints_help() {
    let usage = "\
tunectl: error: the following required arguments were not provided:
  <COMMAND>...

Usage: tunectl run --profile <PROFILE> <COMMAND>...

For more information, try '--help'.
";
    for arguments in [&["run", "-p", "base"][..], &["run", "-p", "base", "--"]] {
        Test::new(arguments).stderr(usage).code(2).run();
    }
    Test::new([""; 0]).stderr_is_anything().code(2).run();
}

#[test]
fn unknown_options_exit_2() {
    Test::new(["chekc"]).expected("cli/words/unknown_options_exit_2");
    for arguments in [
        &["check", "-p", "base", "--pid", "0"][..],
        &["check", "-p", "base", "--pid", "-1"],
        &["check", "-p", "base", "--pid", "x"],
        &["check", "-p", "base", "--format", "xml"],
        &["check", "--color", "sometimes"],
        &["check", "-v", "-q"],
        &["profile"],
    ] {
        Test::new(arguments).stderr_is_anything().code(2).run();
    }
}

#[test]
fn errors_in_set_options_cite_the_command_line() {
    Test::new(["check", "--set", "net.core.somaxconn", "--rlimit", "nofiles=5", "--port", "70000"])
        .expected("cli/words/errors_in_set_options_cite_the_command_line");
}

#[test]
fn help_and_version_go_to_standard_output() {
    Test::new(["--version"]).stdout(concat!("tunectl ", env!("CARGO_PKG_VERSION"), "\n")).run();
    let help = Test::new(["--help"]).stdout_is_anything().run();
    for word in ["run", "apply", "check", "limits", "profile", "Exit codes"] {
        assert!(help.stdout.contains(word), "{word}");
    }
}

/// Exit codes are the same whoever reads the results, or nobody.
#[test]
fn closed_reader_of_standard_output_is_tolerated() {
    Test::shell("{ sleep 0.2; tunectl profile show loadtest; echo $? >code; } | true; while ! test -s code; do sleep 0.1; done; cat code")
        .stdout("0\n")
        .run();
    Test::shell("tunectl limits >&-; echo $?").stdout("0\n").run();
    Test::shell("tunectl check -p absent.toml 2>&-; echo $?").stdout("2\n").run();
    Test::shell("tunectl check -p absent.toml >&- 2>&- <&-").code(2).run();
}

/// What is lost on a full disk is not taken for a success.
#[cfg(target_os = "linux")]
#[test]
fn full_disk_on_standard_output_fails() {
    let lost = "tunectl: error: cannot write the results to standard output: no space left on device\n";
    for command in ["limits", "limits --format json", "profile list", "profile show loadtest"] {
        Test::shell(&format!("tunectl {command} >/dev/full")).stderr(lost).code(1).run();
    }
    Test::shell("tunectl check --rlimit core=hard --format json >/dev/full").stderr(lost).code(1).run();
}

/// What a service is started with is closed there too, and no file of tunectl's stands in the place.
#[cfg(target_os = "linux")]
#[test]
fn closed_standard_streams_stay_closed_for_the_service() {
    Test::shell("tunectl run --rlimit core=0 -- sh -c 'for f in 0 1 2; do test -e /proc/$$/fd/$f && echo $f >>open; done; :' <&- 2>&-; cat open")
        .stdout("1\n")
        .run();
}

#[cfg(target_os = "linux")]
#[test]
fn log_level_options_work() {
    let run = |test: Test| test.stderr_is_anything().run().stderr;
    let arguments = ["run", "--rlimit", "core=0:0", "--", "true"];
    assert_eq!(run(Test::new(arguments)), "");
    let line = " of 2 settings changed (core ";
    let is_it = |said: &str| said.starts_with("tunectl: ") && said.contains(line) && said.lines().count() == 1;
    let loud = run(Test::new(["-v"].into_iter().chain(arguments)));
    assert!(is_it(&loud), "{loud}");
    assert_eq!(run(Test::new(["-q"].into_iter().chain(arguments))), "");
    let by_variable = run(Test::new(arguments).env("TUNECTL_LOG", "tunectl::commands=info"));
    assert!(is_it(&by_variable), "{by_variable}");
    assert_eq!(run(Test::new(["-v"].into_iter().chain(arguments)).env("TUNECTL_LOG", "off")), "");
}

/// Each `v` says more: what is done, each write, each read.
#[cfg(target_os = "linux")]
#[test]
fn log_levels_show_writes_and_reads() {
    let said = |loud: &str| {
        let test = Test::shell(&format!(
            "ulimit -Sc 0; exec tunectl {loud} run --set kernel.ostype=Linux --rlimit core=0:0 -- true"
        ));
        test.stderr_is_anything().run().stderr
    };
    let (set, read) = (
        "[DEBUG tunectl::apply::traced] set limit core: 0:0\n",
        "[TRACE tunectl::apply::traced] read kernel.ostype: `Linux`\n",
    );
    let heard = ["-v", "-vv", "-vvv"].map(said).map(|said| (said.contains(set), said.contains(read)));
    assert_eq!(heard, [(false, false), (true, false), (true, true)]);
}

/// What applies a wide range of local ports warns of it where no port is reserved; the port may be in the environment.
#[cfg(target_os = "linux")]
#[test]
fn wide_port_range_without_a_reserved_port_is_warned_of_by_check() {
    Test::shell(
        "tunectl check -p loadtest >out; TUNECTL_PORT=8080 tunectl check -p loadtest >out
        tunectl check -p loadtest --port 8080 >out; tunectl -q check -p loadtest >out; :",
    )
    .stderr("tunectl: warning: local ports from 1024 on, and no service port is reserved[..]\n")
    .run();
}
