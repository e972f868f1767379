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
    ("not-applied", Namespaces, LIMITS, "fn a_soft_limit_waits_to_be_raised", Followed),
    ("not-applied", Namespaces, KEYS, "const CASES", Followed),
    ("not-applied", Container, CONTAINERS, "const CASES", Followed),
    (
        "set-elsewhere",
        Namespaces,
        "diagnose/config_files.rs",
        "fn the_file_that_wins_is_named_and_its_line_changed",
        Followed,
    ),
    ("set-elsewhere", Namespaces, "diagnose/config_files.rs", "fn a_line_of_limits_d_is_named_and_changed", Followed),
    ("read-only-mount", Namespaces, KEYS, "const CASES", Followed),
    ("read-only-mount", Container, CONTAINERS, "const CASES", Followed),
    ("host-setting", Machine, MACHINE, "fn what_is_the_machines_is_mended_on_the_machine", Followed),
    ("owner-not-mapped", Namespaces, KEYS, "const CASES", Followed),
    ("hidden-in-namespace", Namespaces, KEYS, "const CASES", Followed),
    ("hidden-in-user-namespace", Machine, MACHINE, "fn what_a_network_namespace_lacks", Followed),
    ("read-only-in-namespace", Machine, MACHINE, "fn what_a_network_namespace_lacks", Followed),
    ("not-permitted", Namespaces, KEYS, "const CASES", Followed),
    ("not-permitted", Container, CONTAINERS, "const CASES", Followed),
    ("missing-capability", Namespaces, KEYS, "const CASES", Followed),
    ("missing-capability", Namespaces, "diagnose/keys.rs", "fn root_of_a_user_namespace_needs_capabilities", Followed),
    ("security-module", Namespaces, "diagnose/landlock.rs", "fn a_security_module_is_found_by_what_is_left", Followed),
    ("security-module", Machine, SECURITY, "fn what_apparmor_refuses", Followed),
    ("security-module", Machine, SECURITY, "fn what_selinux_refuses", Followed),
    ("seccomp-filter", Container, CONTAINERS, "const CASES", Followed),
    ("module-missing", Machine, MACHINE, "fn a_module_is_loaded_and", Followed),
    ("not-in-this-kernel", Namespaces, KEYS, "const CASES", Followed),
    ("no-such-key", Namespaces, KEYS, "const CASES", Followed),
    ("no-match", Namespaces, KEYS, "const CASES", Followed),
    ("masked", Namespaces, KEYS, "const CASES", Followed),
    ("write-only", Namespaces, KEYS, "const CASES", None("an order to the kernel has no value to be checked")),
    ("read-only", Namespaces, KEYS, "const CASES", Followed),
    ("one-way", Machine, MACHINE, "fn what_only_another_boot_brings", None("only a boot leads back")),
    ("wrong-shape", Namespaces, VALUES, "const CASES", None("what was meant can't be told from what is there")),
    ("value-refused", Namespaces, VALUES, "const CASES", Followed),
    ("unknown-name", Namespaces, VALUES, "const CASES", Followed),
    ("port-order", Namespaces, VALUES, "const CASES", Followed),
    ("rounded", Namespaces, VALUES, "const CASES", Followed),
    ("clamped", Machine, MACHINE, "fn a_module_is_loaded_and", Followed),
    ("truncated", Namespaces, VALUES, "const CASES", Followed),
    ("not-kept", Namespaces, VALUES, "const CASES", None("who or what changed it is not known")),
    ("held-back", Namespaces, VALUES, "const CASES", Followed),
    ("hard-limit", Namespaces, LIMITS, "fn a_hard_limit_is_raised_by_the_unit", Followed),
    ("hard-limit", Namespaces, LIMITS, "fn an_ordinary_user_is_sent_to_sudo", Followed),
    ("hard-limit", Container, CONTAINERS, "const CASES", Followed),
    ("above-nr-open", Machine, MACHINE, "fn what_the_profile_has_to_ask_for_is_enough", Followed),
    ("pids-max", Namespaces, LIMITS, "fn a_control_group_allows_fewer_processes_than_the_limit", Followed),
    ("pids-max", Container, CONTAINERS, "const CASES", Followed),
    ("contradiction", Namespaces, LIMITS, "fn a_soft_limit_above_the_hard_one_of_the_same_profile", Followed),
    ("contradiction", Namespaces, VALUES, "const CASES", Followed),
    ("contradiction", Machine, MACHINE, "fn one_of_two_wishes_is_given_up", Followed),
    ("no-such-limit", Memory, "cli/macos.rs", "fn a_limit_that_only_linux_has", None("macOS has no such limit")),
    ("not-our-process", Namespaces, LIMITS, "fn other_processes", Followed),
    ("process-gone", Namespaces, LIMITS, "fn other_processes", None("there is nobody any more")),
    ("out-of-reach", Namespaces, "cli/other_process/seen.rs", "fn what_nobody_can_enter_is_no_answer", Followed),
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
fn every_cause_has_a_scene_that_asserts_its_code() {
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
fn scenes_are_real() {
    let real: BTreeSet<&str> = SCENES.iter().filter(|(_, tier, ..)| *tier != Memory).map(|(code, ..)| *code).collect();
    let imagined: Vec<&str> = Cause::codes().map(|code| code.name).filter(|code| !real.contains(code)).collect();
    assert_eq!(imagined, ["no-such-limit"]);
}

/// Of the two tables of keys, what is said here is what they do.
#[test]
fn the_tables_of_keys_follow_their_remedies() {
    for (what, case) in key_cases::CASES.iter().chain(value_cases::CASES) {
        let nothing = SCENES.iter().any(|(code, _, _, _, remedy)| *code == case.cause && matches!(remedy, None(_)));
        assert_eq!(matches!(case.followed, key_cases::Followed::Nothing), nothing, "{what}");
    }
}
