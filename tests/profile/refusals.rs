//! What a profile can get wrong but for its values, and what its writer is told.

use crate::files::{bad, load_files, load_named};

/// The message for one line in `[linux.sysctl]`.
fn sysctl(line: &str) -> String {
    bad(&format!("[linux.sysctl]\n{line}\n"))
}

/// The message for one line in `[rlimit]`, without its first words.
fn limit(line: &str) -> String {
    bad(&format!("[rlimit]\n{line}\n"))
}

#[test]
fn what_is_no_toml_is_shown_at_its_place() {
    assert_eq!(
        bad("description = \"x\"\n[linux.sysctl\n"),
        "\
error: not TOML: unclosed table, expected `]`
 --> a.toml:2:14
  |
2 | [linux.sysctl
  |              ^"
    );
    assert_eq!(
        sysctl("vm.swappiness = 010"),
        "\
error: not TOML: unexpected leading zero
 --> a.toml:2:17
  |
2 | vm.swappiness = 010
  |                 ^
  |
  = help: write `10` for the decimal number ten, `0o10` for the octal number that is eight"
    );
    assert_eq!(
        sysctl("vm.swappiness = 1\nvm.swappiness = 2"),
        "\
error: not TOML: duplicate key
 --> a.toml:3:4
  |
3 | vm.swappiness = 2
  |    ^^^^^^^^^^"
    );
}

#[test]
fn unknown_words_get_a_suggestion() {
    assert_eq!(
        bad("[services]\nports = [1]\n"),
        "\
error: unknown table or field `services`, did you mean `service`?
 --> a.toml:1:2
  |
1 | [services]
  |  ^^^^^^^^"
    );
    assert_eq!(
        bad("[linux.sysctls]\n"),
        "\
error: unknown table `sysctls`, did you mean `sysctl`?
 --> a.toml:1:8
  |
1 | [linux.sysctls]
  |        ^^^^^^^"
    );
    assert_eq!(
        bad("[service]\nport = 80\n"),
        "\
error: unknown field `port`, did you mean `ports`?
 --> a.toml:2:1
  |
2 | port = 80
  | ^^^^"
    );
}

#[test]
fn unknown_limits_operators_and_sides_get_one_too() {
    assert_eq!(
        limit("nofiles = 5"),
        "\
error: unknown limit `nofiles`, did you mean `nofile`?
 --> a.toml:2:1
  |
2 | nofiles = 5
  | ^^^^^^^"
    );
    assert_eq!(
        sysctl("\"net.core.somaxconn\" = { at_lest = 5 }"),
        "\
error: unknown operator `at_lest`, did you mean `at_least`?
 --> a.toml:2:26
  |
2 | \"net.core.somaxconn\" = { at_lest = 5 }
  |                          ^^^^^^^"
    );
    assert_eq!(
        limit("nofile = { soft = 5, hrd = 6 }"),
        "\
error: unknown side `hrd`, did you mean `hard`?
 --> a.toml:2:22
  |
2 | nofile = { soft = 5, hrd = 6 }
  |                      ^^^"
    );
    assert_eq!(
        bad("[windows]\n"),
        "\
error: unknown table or field `windows`
 --> a.toml:1:2
  |
1 | [windows]
  |  ^^^^^^^
  |
  = help: known here: `description`, `extends`, `lint`, `linux`, `macos`, `rlimit`, `run` and `service`"
    );
}

#[test]
fn tables_in_the_wrong_place_are_told_the_right_one() {
    assert_eq!(
        bad("[sysctl]\n"),
        "\
error: the table `sysctl` belongs to one system
 --> a.toml:1:2
  |
1 | [sysctl]
  |  ^^^^^^
  |
  = help: write `[linux.sysctl]` or `[macos.sysctl]`"
    );
    assert!(bad("[ulimit]\n").ends_with("help: write `[rlimit]`"));
    assert!(bad("[linux.rlimit]\n").ends_with("help: put them into the table `[rlimit]`"));
    assert!(bad("[macos.sysfs]\n").starts_with("error: unknown table `sysfs`"));
    assert!(bad("rlimit = 5\n").starts_with("error: expected a table, found `5`\n"));
    assert!(bad("[[rlimit]]\n").starts_with("error: expected a table, found an array of 1\n"));
    assert!(bad("linux = [1]\n").starts_with("error: expected a table, found an array of 1\n"));
}

#[test]
fn names_that_lead_nowhere_good() {
    for (line, message) in [
        (
            "\"../etc/passwd\" = 1",
            "`../etc/passwd` is not a sysctl name: it must be relative to /proc/sys, as in `net.core.somaxconn`",
        ),
        ("\"net/../../x\" = 1", "`net/../../x` is not a sysctl name: `.` and `..` are no components"),
        (
            "\"/proc/sys/vm/swappiness\" = 1",
            "`/proc/sys/vm/swappiness` is not a sysctl name: it must be relative to /proc/sys, as in `net.core.somaxconn`",
        ),
        ("\"\" = 1", "`` is not a sysctl name: it has an empty component"),
        ("net.\"..\".x = 1", "`net....x` is not a sysctl name: `.` and `..` are no components"),
        (
            "\"vm.swap piness\" = 1",
            "`vm.swap piness` is not a sysctl name: it holds a blank, a quote, an equals sign or a control character",
        ),
    ] {
        assert_eq!(sysctl(line).lines().next(), Some(format!("error: {message}").as_str()), "{line}");
    }
    let pattern = bad("[linux.sysfs]\n\"block/*/queue/scheduler\" = 'none'\n");
    assert!(pattern.starts_with("error: `block/*/queue/scheduler` is a pattern: only sysctls can be named by one\n"));
    let deep = sysctl(&format!("{}x = 1", "a.".repeat(40)));
    assert!(deep.starts_with("error: a name of more than 32 components\n"), "{deep}");
}

#[test]
fn one_setting_by_two_spellings_shows_both() {
    assert_eq!(
        bad("[linux.sysctl]\n\"net.core.somaxconn\" = 5\n\n[linux.sysctl.net.core]\nsomaxconn = 6\n"),
        "\
error: `net.core.somaxconn` is asked for twice in this file
 --> a.toml:5:1
  |
5 | somaxconn = 6
  | ^^^^^^^^^^^^^
 ::: a.toml:2:1
  |
2 | \"net.core.somaxconn\" = 5
  | ------------------------ first here"
    );
    assert!(sysctl("\"vm.swappiness\" = 5\n\"vm/swappiness\" = 5").contains("asked for twice"));
}

#[test]
fn all_mistakes_of_a_file_are_told_in_its_order() {
    let said =
        bad("[rlimit]\nnofiles = 1\n[linux.sysctl]\nvm.swappiness = 1.5\n[macos.sysctl]\n\"a..b\" = 1\n[oops]\n");
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("error") || line.contains("-->")).collect();
    assert_eq!(
        lines,
        [
            "error: unknown limit `nofiles`, did you mean `nofile`?",
            " --> a.toml:2:1",
            "error: expected a whole number, found the float `1.5`",
            " --> a.toml:4:17",
            "error: `a..b` is not a sysctl name: it has an empty component",
            " --> a.toml:6:1",
            "error: unknown table or field `oops`",
            " --> a.toml:7:2",
        ]
    );
}

#[test]
fn other_fields_have_shapes_too() {
    for (text, message) in [
        ("description = 5", "expected a line of text, found `5`"),
        ("description = \"a\\nb\"", "a description is one line, without control characters"),
        ("extends = [5]", "expected the name or the path of a profile, found `5`"),
        ("extends = ''", "expected the name or the path of a profile, found `\"\"`"),
        ("[service]\nports = '9-8'", "range `9-8` is upside down: its first number must not be above its last"),
        ("[service]\nports = -1", "`-1` is neither a number nor a range such as `9000-9010`"),
        ("[service]\nports = [8080, 0]", "port 0 is none to listen on: the kernel chooses another in its place"),
        ("[service]\nports = [[1]]", "expected a list of ports, as in `\"8080,9000-9010\"`, found an array of 1"),
        ("[service]\nports = 1.5", "expected a list of ports, as in `\"8080,9000-9010\"`, found the float `1.5`"),
    ] {
        assert_eq!(bad(text).lines().next(), Some(format!("error: {message}").as_str()), "{text}");
    }
}

#[test]
fn circles_and_depth_of_extends() {
    let circle =
        load_files(&[("a", "extends = 'b'"), ("b", "description = 'x'\nextends = ['c']"), ("c", "extends = ['b']")]);
    assert_eq!(
        circle.unwrap_err().to_string(),
        "\
error: profiles extend each other in a circle: b → c → b
 --> c:1:12
  |
1 | extends = ['b']
  |            ^^^"
    );
    let own = load_files(&[("a", "extends = 'a'")]).unwrap_err().to_string();
    assert!(own.starts_with("error: profiles extend each other in a circle: a → a\n"), "{own}");

    let names: Vec<String> = (0..20).map(|n| format!("p{n}")).collect();
    let texts: Vec<String> = (1..21).map(|n| format!("extends = 'p{n}'")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    let deep = load_files(&files).unwrap_err().to_string();
    assert_eq!(
        deep,
        "\
error: more than 16 profiles extend each other in a row
 --> p15:1:11
  |
1 | extends = 'p16'
  |           ^^^^^"
    );
}

#[test]
fn what_cannot_be_found_is_cited_where_it_is_named() {
    let missing = load_named(&["x", "a"], &[("a", "extends = ['b']")]).unwrap_err().to_string();
    assert_eq!(
        missing,
        "\
error: unknown profile `x`

error: unknown profile `b`
 --> a:1:12
  |
1 | extends = ['b']
  |            ^^^"
    );
}

#[test]
fn limits_can_contradict_each_other_across_files() {
    let said = load_files(&[
        ("a", "extends = 'b'\n[rlimit]\nnofile = { soft = 5000 }"),
        ("b", "[rlimit]\nnofile = { hard = 4096 }"),
    ]);
    assert_eq!(
        said.unwrap_err().to_string(),
        "\
error: the soft limit of nofile is above the hard one: 5000 is asked, and 4096
 --> a:3:12
  |
3 | nofile = { soft = 5000 }
  |            ^^^^^^^^^^^
 ::: b:2:12
  |
2 | nofile = { hard = 4096 }
  |            ----------- the hard limit is asked here"
    );
}
