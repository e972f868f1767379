//! What a profile can get wrong but for its values, and what its writer is told.

use crate::files::{bad, load_files, load_named, refused, refused_in};
use crate::support::expected;

#[test]
fn toml_syntax_errors_are_located() {
    refused(
        "profile/refusals/not_toml",
        [
            "description = \"x\"\n[linux.sysctl\n",
            "[linux.sysctl]\nvm.swappiness = 010",
            "[linux.sysctl]\nvm.swappiness = 1\nvm.swappiness = 2",
        ],
    );
}

#[test]
fn unknown_words_get_a_suggestion() {
    refused(
        "profile/refusals/unknown_words",
        [
            "[services]\nports = [1]",
            "[linux.sysctls]",
            "[service]\nport = 80",
            "[rlimit]\nnofiles = 5",
            "[linux.sysctl]\n\"net.core.somaxconn\" = { at_lest = 5 }",
            "[rlimit]\nnofile = { soft = 5, hrd = 6 }",
            "[windows]",
        ],
    );
}

#[test]
fn misplaced_tables_name_the_right_place() {
    refused(
        "profile/refusals/tables",
        ["[sysctl]", "[ulimit]", "[linux.rlimit]", "[macos.sysfs]", "rlimit = 5", "[[rlimit]]", "linux = [1]"],
    );
}

#[test]
fn invalid_setting_names_are_refused() {
    refused_in(
        "linux.sysctl",
        "profile/refusals/names",
        &[
            "\"../etc/passwd\" = 1",
            "\"net/../../x\" = 1",
            "\"/proc/sys/vm/swappiness\" = 1",
            "\"\" = 1",
            "net.\"..\".x = 1",
            "\"vm.swap piness\" = 1",
        ],
    );
    refused_in("linux.sysfs", "profile/refusals/pattern_in_sysfs", &["\"block/*/queue/scheduler\" = 'none'"]);
    let deep = bad(&format!("[linux.sysctl]\n{}x = 1", "a.".repeat(40)));
    assert!(deep.starts_with("tunectl: error: a name of more than 32 components\n"), "{deep}");
}

#[test]
fn setting_given_twice_shows_both_places() {
    refused(
        "profile/refusals/two_spellings",
        [
            "[linux.sysctl]\n\"net.core.somaxconn\" = 5\n\n[linux.sysctl.net.core]\nsomaxconn = 6",
            "[linux.sysctl]\n\"vm.swappiness\" = 5\n\"vm/swappiness\" = 5",
        ],
    );
}

#[test]
fn all_errors_of_a_file_are_reported_in_order() {
    let text = "[rlimit]\nnofiles = 1\n[linux.sysctl]\nvm.swappiness = 1.5\n[macos.sysctl]\n\"a..b\" = 1\n[oops]";
    refused("profile/refusals/several", [text]);
}

#[test]
fn wrong_types_of_other_fields_are_refused() {
    refused(
        "profile/refusals/other_fields",
        [
            "description = 5",
            "description = \"a\\nb\"",
            "extends = [5]",
            "extends = ''",
            "[service]\nports = '9-8'",
            "[service]\nports = -1",
            "[service]\nports = [8080, 0]",
            "[service]\nports = [[1]]",
            "[service]\nports = 1.5",
        ],
    );
}

/// What is said of several files that extend each other.
fn refused_files(names: &[&str], files: &[(&str, &str)]) -> String {
    load_named(names, files).unwrap_err().to_string()
}

#[test]
fn extends_cycles_and_depth_are_refused() {
    let circle = [("a", "extends = 'b'"), ("b", "description = 'x'\nextends = ['c']"), ("c", "extends = ['b']")];
    expected::compare("profile/refusals/circle", &refused_files(&["a"], &circle));
    let own = load_files(&[("a", "extends = 'a'")]).unwrap_err().to_string();
    assert!(own.starts_with("tunectl: error: profiles extend each other in a cycle: a → a\n"), "{own}");

    let names: Vec<String> = (0..20).map(|n| format!("p{n}")).collect();
    let texts: Vec<String> = (1..21).map(|n| format!("extends = 'p{n}'")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    expected::compare("profile/refusals/depth", &refused_files(&["p0"], &files));
}

#[test]
fn missing_profile_is_reported_at_its_reference() {
    expected::compare("profile/refusals/not_found", &refused_files(&["x", "a"], &[("a", "extends = ['b']")]));
}

#[test]
fn contradicting_limits_across_files_are_refused() {
    let files =
        [("a", "extends = 'b'\n[rlimit]\nnofile = { soft = 5000 }"), ("b", "[rlimit]\nnofile = { hard = 4096 }")];
    expected::compare("profile/refusals/limits_across_files", &refused_files(&["a"], &files));
}

#[test]
fn conditions_of_a_machine() {
    refused_in(
        "preflight",
        "profile/refusals/conditions",
        &[
            "load_per_cpus = { at_most = 1 }",
            "load_per_cpu = 0.5",
            "load_per_cpu = { at_most = -1 }",
            "load_per_cpu = { at_most = nan }",
            "load_per_cpu = { at_most = \"50%\" }",
            "load_per_cpu = { at_least = 1 }",
            "load_per_cpu = { required = true }",
            "load_per_cpu = { at_most = 1, exactly = 1 }",
            "load_per_cpu = { at_most = 1, required = 1 }",
            "cpu_pressure = { at_most = 10 }",
            "cpu_pressure = { at_most = \"101%\" }",
            "on_ac_power = \"yes\"",
            "on_ac_power = { at_most = 1 }",
            "scaling_governor = true",
            "scaling_governor = { one_of = [] }",
            "scaling_governor = \"two words\"",
            "time_wait_sockets = { at_most = 1.5 }",
            "network_traffic = { at_most = \"1MB\" }",
            "network_traffic = { at_most = \"1 per cpu\" }",
        ],
    );
    refused("profile/refusals/preflight", ["preflight = 1", "[linux.preflight]", "[Preflight]"]);
}
