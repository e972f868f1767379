//! Every cause has a scene that makes it real and asserts its code, and what happens there with the remedy is written
//! down: a new cause without a scene fails here. The table is held to the sources of the tests that it names.

use std::collections::BTreeSet;
use std::fs;

use tunectl::diagnose::Cause;

use crate::{key_cases, value_cases};

/// What makes it real.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tier {
    /// Namespaces, mounts, capabilities and other users of the machine that the tests run on.
    Namespaces,
    /// A container that an engine starts.
    Container,
    /// A kernel that is booted for it.
    Machine,
    /// The kernel in memory: for what Linux can't show.
    Memory,
}

/// What is done with the remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// It is followed to the letter, and then `check` passes.
    Followed,
    /// Nothing that could be pasted would help, and nothing is printed. Why.
    None(&'static str),
}

use Remedy::{Followed, None};
use Tier::{Container, Machine, Memory, Namespaces};

/// The cause, where it is made real, the file and the test or table there, and the remedy.
const SCENES: &[(&str, Tier, &str, &str, Remedy)] = &[
    ("not-applied", Namespaces, LIMITS, "fn soft_limit_can_be_raised_by_apply", Followed),
    ("not-applied", Namespaces, KEYS, "const CASES", Followed),
    ("not-applied", Container, CONTAINERS, "const CASES", Followed),
    ("set-elsewhere", Namespaces, "diagnose/config_files.rs", "fn overriding_sysctl_file_and_line_are_named", Followed),
    ("set-elsewhere", Namespaces, "diagnose/config_files.rs", "fn overriding_limits_d_line_is_named", Followed),
    ("read-only-mount", Namespaces, KEYS, "const CASES", Followed),
    ("read-only-mount", Container, CONTAINERS, "const CASES", Followed),
    ("host-setting", Machine, MACHINE, "fn remedies_for_host_settings_work_on_the_host", Followed),
    ("owner-not-mapped", Namespaces, KEYS, "const CASES", Followed),
    ("hidden-in-namespace", Namespaces, KEYS, "const CASES", Followed),
    (
        "hidden-in-user-namespace",
        Machine,
        MACHINE,
        "fn settings_absent_in_a_namespace_are_omitted_or_set_on_the_host",
        Followed,
    ),
    (
        "read-only-in-namespace",
        Machine,
        MACHINE,
        "fn settings_absent_in_a_namespace_are_omitted_or_set_on_the_host",
        Followed,
    ),
    ("not-permitted", Namespaces, KEYS, "const CASES", Followed),
    ("not-permitted", Container, CONTAINERS, "const CASES", Followed),
    ("missing-capability", Namespaces, KEYS, "const CASES", Followed),
    ("missing-capability", Namespaces, "diagnose/keys.rs", "fn root_of_a_user_namespace_lacks_capabilities", Followed),
    ("security-module", Namespaces, "diagnose/landlock.rs", "fn landlock_is_diagnosed_as_a_security_module", Followed),
    ("security-module", Machine, SECURITY, "fn apparmor_denials_are_diagnosed", Followed),
    ("security-module", Machine, SECURITY, "fn selinux_denials_are_diagnosed", Followed),
    ("seccomp-filter", Container, CONTAINERS, "const CASES", Followed),
    ("module-missing", Machine, MACHINE, "fn modprobe_remedy_works_and_clamped_values_stay", Followed),
    ("not-in-this-kernel", Namespaces, KEYS, "const CASES", Followed),
    ("no-such-key", Namespaces, KEYS, "const CASES", Followed),
    ("no-match", Namespaces, KEYS, "const CASES", Followed),
    ("masked", Namespaces, KEYS, "const CASES", Followed),
    ("write-only", Namespaces, KEYS, "const CASES", None("an order to the kernel has no value to be checked")),
    ("read-only", Namespaces, KEYS, "const CASES", Followed),
    ("one-way", Machine, MACHINE, "fn one_way_settings_need_a_reboot", None("only a boot leads back")),
    ("wrong-shape", Namespaces, VALUES, "const CASES", None("what was meant can't be told from what is there")),
    ("value-refused", Namespaces, VALUES, "const CASES", Followed),
    ("unknown-name", Namespaces, VALUES, "const CASES", Followed),
    ("port-order", Namespaces, VALUES, "const CASES", Followed),
    ("rounded", Namespaces, VALUES, "const CASES", Followed),
    ("clamped", Machine, MACHINE, "fn modprobe_remedy_works_and_clamped_values_stay", Followed),
    ("truncated", Namespaces, VALUES, "const CASES", Followed),
    ("not-kept", Namespaces, VALUES, "const CASES", None("who or what changed it is not known")),
    ("held-back", Namespaces, VALUES, "const CASES", Followed),
    ("hard-limit", Namespaces, LIMITS, "fn hard_limit_is_raised_by_a_unit_line", Followed),
    ("hard-limit", Namespaces, LIMITS, "fn unprivileged_user_is_advised_to_use_sudo", Followed),
    ("hard-limit", Container, CONTAINERS, "const CASES", Followed),
    ("above-nr-open", Machine, MACHINE, "fn profile_line_remedies_work", Followed),
    ("pids-max", Namespaces, LIMITS, "fn pids_max_below_nproc_is_diagnosed", Followed),
    ("pids-max", Container, CONTAINERS, "const CASES", Followed),
    ("contradiction", Namespaces, LIMITS, "fn soft_limit_above_the_hard_limit_of_the_profile_is_diagnosed", Followed),
    ("contradiction", Namespaces, VALUES, "const CASES", Followed),
    ("contradiction", Machine, MACHINE, "fn ignore_remedy_resolves_mutually_exclusive_settings", Followed),
    (
        "no-such-limit",
        Memory,
        "cli/macos.rs",
        "fn limit_unknown_to_macos_is_diagnosed",
        None("macOS has no such limit"),
    ),
    ("not-our-process", Namespaces, LIMITS, "fn limits_of_other_users_processes_are_diagnosed", Followed),
    (
        "process-gone",
        Namespaces,
        LIMITS,
        "fn limits_of_other_users_processes_are_diagnosed",
        None("there is nobody any more"),
    ),
    ("out-of-reach", Namespaces, "cli/other_process/seen.rs", "fn inaccessible_namespaces_are_reported", Followed),
    ("no-proc", Namespaces, KEYS, "const CASES", Followed),
    ("unknown", Namespaces, VALUES, "const CASES", None("the cause is not known")),
];

const KEYS: &str = "diagnose/key_cases.rs";
const VALUES: &str = "diagnose/value_cases.rs";
const LIMITS: &str = "diagnose/limits.rs";
const CONTAINERS: &str = "containers/remedies.rs";
const MACHINE: &str = "machine/remedies.rs";
const SECURITY: &str = "machine/security.rs";

/// A test or a table of the sources, from its name to its end.
fn body(file: &str, item: &str) -> String {
    let path = format!("{}/tests/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (before, body) = text.split_once(item).unwrap_or_else(|| panic!("{file} has no `{item}`"));
    let end = if item.starts_with("fn ") {
        assert!(before.rsplit("\n\n").next().unwrap().contains("#[test]"), "{file}: `{item}` is no test");
        "\n}\n"
    } else {
        "\n];\n"
    };
    body.split_once(end).unwrap_or_else(|| panic!("{file}: `{item}` does not end")).0.to_owned()
}

#[test]
fn every_cause_has_a_test_that_asserts_its_code() {
    let known: BTreeSet<&str> = Cause::codes().map(|code| code.name).collect();
    let played: BTreeSet<&str> = SCENES.iter().map(|(code, ..)| *code).collect();
    assert_eq!(played, known);
    for (code, _, file, item, remedy) in SCENES {
        let body = body(file, item);
        assert!(
            body.contains(&format!("\"{code}\"")) || body.contains(&format!("\\\"{code}\\\"")),
            "`{item}` of {file} asserts no `{code}`"
        );
        if let None(why) = remedy {
            let others = SCENES.iter().filter(|(other, ..)| other == code);
            assert_eq!((others.count(), why.is_empty()), (1, false), "{code}: followed, or nothing to follow");
        }
    }
}

/// What is played on the kernel in memory alone is what no Linux has.
#[test]
fn tests_of_causes_exist() {
    let real: BTreeSet<&str> = SCENES.iter().filter(|(_, tier, ..)| *tier != Memory).map(|(code, ..)| *code).collect();
    let imagined: Vec<&str> = Cause::codes().map(|code| code.name).filter(|code| !real.contains(code)).collect();
    assert_eq!(imagined, ["no-such-limit"]);
}

/// Of the two tables of keys, what is said here is what they do.
#[test]
fn tests_of_keys_follow_their_remedies() {
    for (what, case) in key_cases::CASES.iter().chain(value_cases::CASES) {
        let nothing = SCENES.iter().any(|(code, _, _, _, remedy)| *code == case.cause && matches!(remedy, None(_)));
        assert_eq!(matches!(case.followed, key_cases::Followed::Nothing), nothing, "{what}");
    }
}
