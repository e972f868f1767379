//! Names of files, processes and whatever is typed may hold anything: none of it reaches a terminal or a parser raw.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::namespaces::dies_with_us;
use crate::support::scratch::Scratch;
use crate::support::test::tunectl;

/// Clears a terminal, rings, turns the direction of what follows, has no width, ends a line.
const HOSTILE: &str = "x\u{1b}[2J\u{7}\u{202e}\u{200b}\u{2066}\r\n9";

fn is_raw(c: char) -> bool {
    c.is_control() && c != '\n'
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

#[test]
#[allow(clippy::too_many_lines, reason = "most of it is a table")]
fn no_command_prints_a_hostile_name_raw() {
    let scratch = Scratch::new();
    let name = format!("{HOSTILE}.toml");
    scratch.write(&name, "description = \"x\"\n[linux.sysctl]\n'net.core.somaxconn' = { at_least = 1 }\n");
    scratch.write("broken\u{1b}\u{202e}.toml", "[linux.sysctl]\n'net.core.somaxconn\u{202e}' = 1\n");
    scratch.write("none\u{1b}.toml", "\u{1b}[2J = \u{202e}\n");
    let program = scratch.path().join("s\u{1b}\u{202e}\n");
    fs::copy("/bin/sleep", &program).unwrap();
    let mut process = Command::new(&program);
    process.arg("1000").stdin(Stdio::null());
    let mut process = dies_with_us(&mut process).spawn().unwrap();
    let pid = process.id().to_string();
    let path = format!("./{name}");
    let broken = "./broken\u{1b}\u{202e}.toml";
    let commands: [&[&str]; 30] = [
        &["check", "-p", &path],
        &["check", "-p", &path, "--format", "prometheus"],
        &["check", "-p", &path, "--format", "json"],
        &["check", "-p", broken],
        &["check", "-p", "./none\u{1b}.toml"],
        &["check", "-p", HOSTILE],
        &["check", "-p", "./nonexistent\u{1b}\u{202e}.toml"],
        &["check", "--set", &format!("{HOSTILE}=1")],
        &["check", "--set", &format!("net.core.{HOSTILE}>=1")],
        &["check", "--set", &format!("net.core.somaxconn={HOSTILE}")],
        &["check", "--rlimit", &format!("{HOSTILE}=1")],
        &["check", "--port", HOSTILE],
        &["check", "--pid", &pid, "--rlimit", "nofile=7:7"],
        &["check", "--pid", HOSTILE],
        &["apply", "--dry-run", "--pid", &pid, "--rlimit", "nofile=7:7"],
        &["apply", "--dry-run", "--persist", "--unit", HOSTILE, "-p", &path],
        &["apply", "--dry-run", "--persist", "--root", HOSTILE, "-p", &path],
        &["limits", "--pid", &pid],
        &["limits", HOSTILE],
        &["watch", "--once", "-p", &path],
        &["watch", "--once", "-p", &path, "--metrics", "/nonexistent/\u{1b}\u{202e}"],
        &["profile", "show", &path],
        &["profile", "show", HOSTILE],
        &["profile", "validate", &path, broken, "./none\u{1b}.toml", HOSTILE],
        &["explain", HOSTILE],
        &[HOSTILE],
        &[&format!("--{HOSTILE}")],
        &["check", &format!("--format={HOSTILE}")],
        &["run", "--user", HOSTILE, "--", "true"],
        &["run", "--set", "net.core.somaxconn>=1", "--", HOSTILE],
    ];
    let mut raw = Vec::new();
    let mut look = |words: &[&str], environment: &[(&str, &str)]| {
        let mut command = tunectl();
        command.args(words).current_dir(scratch.path()).env("TUNECTL_JOURNAL", scratch.path().join("journal"));
        let output = command.envs(environment.iter().copied()).stdin(Stdio::null()).output().unwrap();
        for (stream, bytes) in [("out", output.stdout), ("err", output.stderr)] {
            let text = String::from_utf8(bytes).unwrap();
            if let Some(at) = text.find(is_raw) {
                let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
                raw.push(format!("{words:?} {stream}: {:?}", text[line..].lines().next().unwrap()));
            }
        }
    };
    for words in commands {
        look(words, &[]);
    }
    look(&["check"], &[("TUNECTL_PROFILE", HOSTILE)]);
    look(&["run", "--", "true"], &[("TUNECTL_STOP_TIMEOUT", HOSTILE)]);
    look(&["revert"], &[("TUNECTL_JOURNAL", &format!("/dev/null/{HOSTILE}"))]);
    look(&["apply", "-p", &path], &[("TUNECTL_JOURNAL", &format!("/dev/null/{HOSTILE}"))]);
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(raw.is_empty(), "{}", raw.join("\n"));
}
