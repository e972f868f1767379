//! Profiles that ask for nothing: at all, which is an error, or on this system, which is a warning.

use tunectl::kernel::fake::Fake;

use crate::support::world::Computer;

/// Texts without a setting, a limit, a port or an option of `[run]`.
const EMPTY: [&str; 10] = [
    "",
    "\n\n",
    "# net.core.somaxconn = 4096\n",
    "description = 'for later'\n",
    "[linux.sysctl]\n",
    "[linux]\n[macos]\n",
    "[rlimit]\n",
    "[run]\n",
    "[service]\nports = []\n",
    "[lint]\nallow = 'W012'\n",
];

/// Each command that reads a profile, with `{}` for `-p` and its name.
const COMMANDS: [&str; 6] = [
    "check {}",
    "apply {}",
    "apply --dry-run {}",
    "run {} -- true",
    "run --best-effort --stop-timeout 1s --init {} -- true",
    "watch --once {}",
];

fn linux() -> Computer {
    Computer::linux(Fake::linux())
}

#[test]
fn a_profile_that_asks_for_nothing_is_an_error() {
    for text in EMPTY {
        let extending = "extends = './e.toml'\n";
        for (name, more) in [("e.toml", ""), ("x.toml", extending)] {
            let mut host = linux().file("e.toml", text).file("x.toml", more);
            if name == "e.toml" {
                host = host.file("e.toml", text);
            }
            for command in COMMANDS {
                let ended = host.types(&command.replace("{}", &format!("-p @/{name}")));
                assert_eq!(ended.code, Some(2), "{text:?} {}: {}", ended.line, ended.stderr);
                assert!(
                    ended.stderr.contains(&format!("tunectl: error: `{name}` asks for nothing\n --> {name}:1:1\n")),
                    "{}",
                    ended.stderr
                );
                assert_eq!(ended.stdout, "", "{}", ended.line);
                assert_eq!(host.kernel.changes, [""; 0], "{}", ended.line);
            }
            let ended = host.types(&format!("profile validate @/{name}"));
            assert_eq!(ended.code, Some(2), "{text:?}: {}", ended.stderr);
        }
    }
}

#[test]
fn one_beside_another_request_is_not() {
    for text in EMPTY {
        let mut host = linux().file("e.toml", text);
        for beside in ["-p base", "--set net.core.somaxconn=4096", "--rlimit core=0:unlimited", "--port 8080"] {
            for command in ["check", "apply --dry-run --no-rlimits"] {
                let ended = host.types(&format!("{command} -p @/e.toml {beside}"));
                assert_ne!(ended.code, Some(2), "{text:?} {}: {}", ended.line, ended.stderr);
            }
        }
    }
}

#[test]
fn options_of_run_and_ports_are_requests() {
    for text in ["[run]\ninit = false\n", "[service]\nports = [8080]\n", "[rlimit]\ncore = 0\n"] {
        let mut host = linux().file("p.toml", text);
        assert_eq!(host.types("run -p @/p.toml -- true").code, None, "{text}");
        assert_eq!(host.types("profile validate @/p.toml").code, Some(0), "{text}");
    }
}

const FOR_MACOS: &str = "[macos.sysctl]\nkern.maxfiles = 65536\n";
const FOR_LINUX: &str = "[linux.sysctl]\nnet.ipv4.tcp_sack = 1\n";

#[test]
fn one_that_asks_for_nothing_on_this_system_is_warned_of() {
    let mac = Computer::macos(Fake::macos(), 0);
    for (mut computer, text, system) in [(linux(), FOR_MACOS, "Linux"), (mac, FOR_LINUX, "macOS")] {
        computer = computer.file("p.toml", text);
        let warning = format!("tunectl: warning[W021]: `p.toml` asks for nothing on {system}\n --> p.toml:1:1\n");
        for (command, code) in
            [("check -p @/p.toml", Some(0)), ("run -p @/p.toml -- true", None), ("profile validate @/p.toml", Some(0))]
        {
            let ended = computer.types(command);
            assert_eq!(ended.code, code, "{command}: {}", ended.stderr);
            assert!(ended.stderr.contains(&warning), "{command}: {}", ended.stderr);
        }
        let silenced = computer.file("q.toml", &format!("{text}[lint]\nallow = 'W021'\n"));
        let (mut computer, command) = (silenced, "check -p @/q.toml");
        assert_eq!(computer.types(command).stderr, "");
    }
}

#[test]
fn one_that_asks_for_something_here_is_not_warned_of() {
    for text in [FOR_LINUX, "[rlimit]\ncore = 0\n", "[run]\ninit = true\n", "[service]\nports = [8080]\n"] {
        let mut host = linux().file("p.toml", &format!("{FOR_MACOS}{text}"));
        let ended = host.types("profile validate @/p.toml");
        assert!(!ended.stderr.contains("W021"), "{text}: {}", ended.stderr);
    }
}
