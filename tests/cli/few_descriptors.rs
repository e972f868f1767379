//! With however few descriptors: what could not be looked at does not hold.

use std::process::{Command, Output};

use crate::support::namespaces::{skip, this_test};
use crate::support::scratch::Scratch;
use crate::support::test::program;

/// A pattern that every machine has several settings for, and that all of them satisfy.
const PROFILE: &str = "linux.sysctl.\"net.ipv4.conf.*.rp_filter\" = { at_least = 0 }\n";

#[test]
fn a_pattern_that_cannot_be_listed_does_not_hold() {
    let (runner, binary) = program();
    if runner.is_some() {
        return skip(this_test!(), "the runner has descriptors of its own");
    }
    let scratch = Scratch::new();
    scratch.write("p.toml", PROFILE);
    let run = |most: u32, command: &str| -> Output {
        let script = format!("ulimit -n {most} || exit 99; exec '{}' {command} -p ./p.toml", binary.display());
        Command::new("sh").arg("-c").arg(&script).current_dir(scratch.path()).output().unwrap()
    };
    for command in ["check", "check --format json"] {
        let whole = run(256, command);
        assert_eq!(whole.status.code(), Some(0), "{whole:?}");
        let mut told = 0;
        for most in 3..=30 {
            let output = run(most, command);
            let text = String::from_utf8_lossy(&output.stdout);
            match output.status.code() {
                Some(0) => assert_eq!(text, String::from_utf8_lossy(&whole.stdout), "{most} descriptors"),
                Some(1) if text.contains("EMFILE") => told += 1,
                // Neither the program nor its profile could be opened.
                Some(2 | 127) => assert!(output.stdout.is_empty(), "{most} descriptors: {output:?}"),
                _ => panic!("{most} descriptors: {output:?}"),
            }
        }
        assert!(told > 0, "{command}: descriptors sufficed");
    }
}
