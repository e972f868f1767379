//! Which profiles are meant, and `tunectl profile`.

use crate::support::test::Test;

/// A setting that every system of its kind has and that nobody can change: its table, its name, its value.
const OS: (&str, &str, &str) =
    if cfg!(target_os = "macos") { ("macos", "kern.ostype", "Darwin") } else { ("linux", "kernel.ostype", "Linux") };

fn asks_for(value: &str) -> String {
    format!("{}.sysctl.{} = \"{value}\"\n", OS.0, OS.1)
}

fn wants(arguments: &[&str], variable: Option<&str>, wanted: &str) {
    let mut test = Test::new(["check"].iter().chain(arguments))
        .file("one.toml", asks_for("One"))
        .file("two.toml", asks_for("Two"));
    if let Some(variable) = variable {
        test = test.env("TUNECTL_PROFILE", variable);
    }
    let ran = test.stdout_is_anything().code(1).run();
    let second = ran.stdout.lines().nth(1).unwrap();
    assert_eq!(second.split_whitespace().take(3).collect::<Vec<_>>(), [OS.1, wanted, OS.2]);
}

#[test]
fn later_profiles_and_flags_override() {
    wants(&["-p", "./one.toml"], None, "One");
    wants(&["-p", "one.toml", "--profile", "two.toml"], None, "Two");
    wants(&["-p", "two.toml,one.toml"], None, "One");
    wants(&[], Some("one.toml,two.toml"), "Two");
    wants(&["-p", "one.toml"], Some("two.toml"), "One");
    wants(&["-p", "one.toml", "--set", &format!("{}=Three", OS.1)], None, "Three");
    wants(&["--set", &format!("{}=Three", OS.1)], None, "Three");
    wants(&["--set", &format!("{}=Four", OS.1)], Some("one.toml"), "Four");
}

#[test]
fn missing_profile_option_exits_2() {
    for arguments in [&["check"][..], &["apply"], &["run", "--", "true"]] {
        Test::new(arguments)
            .stderr(
                "tunectl: error: no profile given\n  = help: name one with `-p NAME` or in TUNECTL_PROFILE; `tunectl \
                 profile list` shows them\n",
            )
            .code(2)
            .run();
    }
}

#[test]
fn built_in_profiles_are_listed_shown_and_valid() {
    let listed = Test::new(["profile", "list"])
        .stdout(
            "\
base        A floor for any network service: no queue or limit below what a modern kernel starts with
production  An ordinary API or web service: a few thousand connections, nothing lowered
realtime    Tens of thousands of held connections: game, chat and push servers
loadtest    Highly concurrent load tests from one machine
",
        )
        .run();
    for name in listed.stdout.lines().filter_map(|line| line.split_whitespace().next()) {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("profiles/{name}.toml"));
        let shown = Test::new(["profile", "show", name]).stdout_is_anything().run();
        assert_eq!(shown.stdout, std::fs::read_to_string(file).unwrap());
    }
    Test::new(["profile", "validate", "base", "production", "realtime"])
        .stdout("base: valid\nproduction: valid\nrealtime: valid\n")
        .run();
}

#[test]
fn wide_port_range_without_service_port_is_warned_of() {
    Test::new(["profile", "validate", "wide.toml"])
        .file("wide.toml", "[linux.sysctl]\n\"net.ipv4.ip_local_port_range\" = { covers = [1024, 65535] }\n")
        .expected("cli/profiles/wide_port_range_without_service_port_is_warned_of");
    Test::new(["profile", "validate", "wide.toml"])
        .file(
            "wide.toml",
            "service.ports = [8080]\nlinux.sysctl.net.ipv4.ip_local_port_range = { covers = [1024, 65535] }\n",
        )
        .stdout("wide.toml: valid\n")
        .run();
}

#[test]
fn each_profile_is_validated_by_itself() {
    Test::new(["profile", "validate", "bad.toml", "good.toml", "absent.toml"])
        .file("bad.toml", "[rlimit]\nnofiles = 5\n")
        .file("good.toml", "[rlimit]\nnofile = 5\n")
        .expected("cli/profiles/each_profile_is_validated_by_itself");
}

#[test]
fn unknown_profile_gets_a_suggestion() {
    Test::new(["check", "-p", "loadtests"])
        .stderr(
            "tunectl: error: unknown profile `loadtests`, did you mean `loadtest`?
  = help: available: `base`, `production`, `realtime`, `loadtest`; the path of a file contains a `/` or ends in `.toml`
",
        )
        .code(2)
        .run();
}
