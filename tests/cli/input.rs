//! Bad input: each with a message that says what is wrong and where, exit code 2, and nothing changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::kernel::{put, sysctl};
use crate::support::namespaces::{inside, skip, this_test};
use crate::support::test::Test;

/// What could be applied, if the rest of the profile were not wrong.
const GOOD: &str = "linux.sysctl.net.ipv4.tcp_fin_timeout = 31\n";

/// Neither `run` nor `apply` nor `check` takes the profile, all three say the same, and nothing was changed.
fn refused(prepare: impl Fn(Test) -> Test, message: &str) {
    put("net/ipv4/tcp_fin_timeout", "60");
    for (command, rest) in [("run", &["--", "touch", "started"][..]), ("apply", &[]), ("check", &[])] {
        let arguments = [&[command, "-p", "good.toml", "-p", "bad.toml"], rest].concat();
        let test = Test::new(arguments).file("good.toml", GOOD);
        let ran = prepare(test).stderr(message).code(2).run();
        assert!(!ran.scratch.path().join("started").exists());
        assert_eq!(sysctl("net/ipv4/tcp_fin_timeout"), "60");
    }
}

fn refused_text(text: &str, message: &str) {
    refused(|test| test.file("bad.toml", text), message);
}

#[test]
fn unsuitable_profile_files_exit_2() {
    inside(this_test!(), || {
        refused(|test| test, "tunectl: error: profile `bad.toml` can't be read: no such file or directory\n");
        refused(|test| test.folder("bad.toml"), "tunectl: error: profile `bad.toml` is a directory, not a file\n");
        refused(
            |test| test.link("bad.toml", "/dev/zero"),
            "tunectl: error: profile `bad.toml` is a device, not a file\n",
        );
        refused(
            |test| test.link("bad.toml", "bad.toml"),
            "tunectl: error: profile `bad.toml` can't be read: [..]symbolic links[..]\n",
        );
        refused(
            |test| test.file("bad.toml", b"\x7fELF\x02\x01\x01\x00"),
            "tunectl: error: profile `bad.toml` is not a text file: byte 7 is not valid UTF-8\n",
        );
        refused(
            |test| test.file("bad.toml", b"description = \"\xff\"\n"),
            "tunectl: error: profile `bad.toml` is not a text file: byte 15 is not valid UTF-8\n",
        );
        let ten_megabytes = "# nothing\n".repeat(1 << 20);
        refused(
            |test| test.file("bad.toml", &ten_megabytes),
            "tunectl: error: profile `bad.toml` is larger than 1 MiB\n",
        );
    });
}

/// A fifo that nobody writes to would keep an open(2) waiting for ever.
#[test]
fn fifo_as_profile_does_not_block() {
    inside(this_test!(), || {
        Test::shell("mkfifo fifo.toml && tunectl check -p fifo.toml")
            .stderr("tunectl: error: profile `fifo.toml` is a fifo, not a file\n")
            .code(2)
            .run();
    });
}

#[test]
fn toml_syntax_errors_exit_2() {
    inside(this_test!(), || {
        refused_text(
            "description = \"x\"\n[linux.sysctl\n",
            "\
tunectl: error: not TOML: unclosed table, expected `]`
 --> bad.toml:2:14
  |
2 | [linux.sysctl
  |              ^
",
        );
        refused_text(
            "[linux.sysctl]\nvm.swappiness = 010\n",
            "\
tunectl: error: not TOML: unexpected leading zero
 --> bad.toml:2:17
  |
2 | vm.swappiness = 010
  |                 ^
  |
  = help: write `10` for the decimal number ten, `0o10` for the octal number that is eight
",
        );
    });
}

#[test]
fn unknown_words_exit_2() {
    inside(this_test!(), || {
        refused_text(
            "[services]\nports = [1]\n",
            "\
tunectl: error: unknown table or field `services`, did you mean `service`?
 --> bad.toml:1:2
  |
1 | [services]
  |  ^^^^^^^^
",
        );
        refused_text(
            "[linux.sysctl]\n\"net.core.somaxconn\" = { atleast = 5 }\n",
            "\
tunectl: error: unknown operator `atleast`, did you mean `at_least`?
 --> bad.toml:2:26
  |
2 | \"net.core.somaxconn\" = { atleast = 5 }
  |                          ^^^^^^^
",
        );
        refused_text(
            "[rlimit]\nnofiles = 5\n",
            "\
tunectl: error: unknown limit `nofiles`, did you mean `nofile`?
 --> bad.toml:2:1
  |
2 | nofiles = 5
  | ^^^^^^^
",
        );
        refused_text(
            "[rlimit]\nnofile = { sofft = 5 }\n",
            "\
tunectl: error: unknown [..] `sofft`, did you mean `soft`?
 --> bad.toml:2:12
  |
2 | nofile = { sofft = 5 }
  |            ^^^^^
",
        );
    });
}

#[test]
fn invalid_values_exit_2() {
    inside(this_test!(), || {
        for (line, caret, message) in [
            ("\"net.core.somaxconn\" = -1", 24, "tunectl: error: expected [..], found `-1`"),
            ("\"net.core.somaxconn\" = 4294967296", 24, "tunectl: error: expected [..], found `4294967296`"),
            ("\"net.core.somaxconn\" = [1, 2]", 24, "tunectl: error: expected a [..]number[..], found [..]"),
            ("\"net.core.somaxconn\" = \"010\"", 24, "tunectl: error: `010`[..]"),
            ("\"net.core.somaxconn\" = \"'5'\"", 24, "tunectl: error: `\\'5\\'` contains a quote"),
            ("\"net.ipv4.ip_local_port_range\" = [1024]", 34, "tunectl: error: expected [..], found one"),
            (
                "\"net.ipv4.ip_local_port_range\" = [65535, 1024]",
                34,
                "tunectl: error: range `65535 1024` is reversed: its first number is above its last",
            ),
            ("\"net.ipv4.tcp_rmem\" = [1, 2, 3, 4]", 23, "tunectl: error: expected [..], found 4"),
            ("\"../etc/passwd\" = 1", 1, "tunectl: error: `../etc/passwd` is not a sysctl name: [..]"),
        ] {
            let test = Test::new(["apply", "-p", "bad.toml"]).file("bad.toml", format!("[linux.sysctl]\n{line}\n"));
            let ran = test.stderr_is_anything().code(2).run();
            let lines: Vec<&str> = ran.stderr.lines().collect();
            assert!(crate::support::pattern::matches(message, lines[0]), "{line}: {}", ran.stderr);
            assert_eq!(lines[1], format!(" --> bad.toml:2:{caret}"), "{}", ran.stderr);
        }
    });
}

#[test]
fn invalid_limits_exit_2() {
    inside(this_test!(), || {
        refused_text(
            "[rlimit]\nnofile = { soft = 5000, hard = 1000 }\n",
            "tunectl: error: the soft limit of nofile is above the hard one: 5000 and 1000
 --> bad.toml:2:12
  |
2 | nofile = { soft = 5000, hard = 1000 }
  |            ^^^^^^^^^^^
 ::: bad.toml:2:25
  |
2 | nofile = { soft = 5000, hard = 1000 }
  |                         ----------- the hard limit is set here
",
        );
        refused_text(
            "[rlimit]\nnofile = -5\n",
            "\
tunectl: error: a limit can't be negative
 --> bad.toml:2:10
  |
2 | nofile = -5
  |          ^^
",
        );
        refused_text(
            "[rlimit]\nnofile = \"18446744073709551616\"\n",
            "tunectl: error: `18446744073709551616` does not fit 64 bits
 --> bad.toml:2:10
  |
2 | nofile = \"18446744073709551616\"
  |          ^^^^^^^^^^^^^^^^^^^^^^
",
        );
    });
}

#[test]
fn extends_cycles_exit_2() {
    inside(this_test!(), || {
        refused(
            |test| test.file("bad.toml", "extends = \"./b.toml\"\n").file("b.toml", "extends = [\"./bad.toml\"]\n"),
            "tunectl: error: profiles extend each other in a cycle: bad.toml → b.toml → bad.toml
 --> b.toml:1:12
  |
1 | extends = [\"./bad.toml\"]
  |            ^^^^^^^^^^^^
",
        );
        let chain = |test: Test| {
            let chain = (1..=20)
                .fold(test, |test, n| test.file(&format!("{n}.toml"), format!("extends = [\"./{}.toml\"]\n", n + 1)));
            chain.file("bad.toml", "extends = [\"./1.toml\"]\n")
        };
        refused(
            chain,
            "\
tunectl: error: more than 16 profiles extend each other in a row
 --> 15.toml:1:12
  |
1 | extends = [\"./16.toml\"]
  |            ^^^^^^^^^^^
",
        );
        refused_text(
            "extends = [\"nonsense\"]\n",
            "tunectl: error: unknown profile `nonsense`
 --> bad.toml:1:12
  |
1 | extends = [\"nonsense\"]
  |            ^^^^^^^^^^
  |
  = help: available: `base`, `production`, `realtime`, `loadtest`; the path of a file contains a `/` or ends in `.toml`
",
        );
    });
}

/// Whoever can write to the file could have tunectl set anything with our privileges.
#[test]
fn profile_writable_by_others_is_refused() {
    inside(this_test!(), || {
        refused(
            |test| test.file("bad.toml", GOOD).mode("bad.toml", 0o666),
            "tunectl: error: profile `bad.toml` is writable by other users (mode 0666), who could make tunectl set anything with our privileges
  = help: `chmod go-w bad.toml`
",
        );
        // The file is what counts, not the name that leads to it.
        refused(
            |test| test.file("real.toml", GOOD).mode("real.toml", 0o646).link("bad.toml", "real.toml"),
            "tunectl: error: profile `bad.toml` is writable by other users (mode 0646), who could make tunectl set anything with our privileges
  = help: `chmod go-w bad.toml`
",
        );
    });
}

#[test]
fn profile_owned_by_another_user_is_refused() {
    inside(this_test!(), || {
        let scratch = crate::support::scratch::Scratch::new();
        let file = scratch.write("foreign.toml", GOOD);
        if let Err(error) = std::os::unix::fs::chown(&file, Some(12345), None) {
            return skip(this_test!(), &format!("this user namespace has no second user: {error}"));
        }
        let path = file.display();
        Test::new(["check", "-p", file.to_str().unwrap()])
            .stderr(&format!(
                "tunectl: error: profile `{path}` is owned by uid 12345, who could make tunectl set anything with our privileges
  = help: if you trust its contents: `chown root {path}`
"
            ))
            .code(2)
            .run();
        // Under sudo, whoever typed the command may do as root whatever their file says.
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        put("net/ipv4/tcp_fin_timeout", "31");
        Test::new(["check", "-p", file.to_str().unwrap()])
            .env("SUDO_UID", "12345")
            .stdout("[..]\n[..]\n\nthe setting matches\n")
            .run();
    });
}

#[test]
fn all_errors_of_all_files_are_reported() {
    inside(this_test!(), || {
        Test::new(["check", "-p", "a.toml", "-p", "b.toml"])
            .file("a.toml", "[rlimit]\nnofiles = 1\ncores = 0\n")
            .file("b.toml", "discription = \"x\"\n")
            .expected("cli/input/all_errors_of_all_files_are_reported");
    });
}
