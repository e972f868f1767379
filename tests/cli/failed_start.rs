//! Where the service can't be started after all, nothing stays changed that is not told.

use crate::support::kernel::{put, sysctl};
use crate::support::namespaces::{inside, skip, this_test};
use crate::support::test::{Ran, Test, program};

use tunectl::sys;

const KEY: &str = "net/core/somaxconn";

/// What is in the way shows before the first write, or only when the program is executed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shows {
    Before,
    AtExec,
}

/// What is typed, whether that shows before anything is written, and the exit code.
const ROWS: [(&str, Shows, i32); 9] = [
    ("--user 1000:1000 --working-directory ./private -- /bin/true", Shows::Before, 125),
    ("--user 1000:1000 -- ./private/program", Shows::Before, 126),
    ("--user 1000:1000 -- ./owners-program", Shows::Before, 126),
    ("--user 4294967294:1000 -- /bin/true", Shows::Before, 0),
    ("--working-directory ./missing -- /bin/true", Shows::Before, 125),
    ("--working-directory ./program -- /bin/true", Shows::Before, 125),
    ("--oom-score-adj 5000 -- /bin/true", Shows::Before, 2),
    ("-- ./program", Shows::AtExec, 126),
    ("--user 1000:1000 -- ./program", Shows::AtExec, 126),
];

fn start(script: &str) -> Test {
    Test::shell(script)
        .file("program", "neither a program nor a script\n")
        .mode("program", 0o755)
        .file("owners-program", "#!/bin/sh\n")
        .mode("owners-program", 0o700)
        .file("private/program", "#!/bin/sh\n")
        .mode("private/program", 0o755)
        .mode("private", 0o700)
        .mode(".", 0o755)
        .stdout_is_anything()
        .stderr_is_anything()
}

/// Whatever came of it: the value is the original one, or it is told that it is not.
fn assert_told(what: &str, ran: &Ran) {
    let stays = ran.stderr.contains("net.core.somaxconn could not be put back to 4096 and is 4444 now");
    let expected = if stays { "4444" } else { "4096" };
    assert_eq!(sysctl(KEY), expected, "{what}: {}", ran.stderr);
}

#[test]
fn what_can_be_checked_is_checked_before_the_first_write() {
    inside(this_test!(), || {
        if sys::effective_ids().effective_uid != 0
            || std::fs::read_to_string("/proc/self/uid_map").unwrap().split_whitespace().nth(2) == Some("1")
        {
            return skip(this_test!(), "only the machine's root can become another user");
        }
        for (typed, shows, code) in ROWS {
            for init in ["", "--init "] {
                put(KEY, "4096");
                let line = format!("tunectl -vv run --set net.core.somaxconn=4444 {init}{typed}");
                let ran = start(&line).code(code).run();
                if code == 0 {
                    continue;
                }
                assert_told(&line, &ran);
                let wrote = ran.stderr.contains("write net.core.somaxconn");
                assert_eq!(wrote, shows == Shows::AtExec, "{line}: {}", ran.stderr);
            }
        }
    });
}

/// The child tells by a pipe that it could not become the service, and a pipe takes two descriptors.
#[test]
fn nothing_stays_changed_untold_with_however_few_descriptors() {
    inside(this_test!(), || {
        let (runner, binary) = program();
        if runner.is_some() {
            return skip(this_test!(), "the runner has descriptors of its own");
        }
        for most in 4..20 {
            put(KEY, "4096");
            let run = format!("exec '{}' run --init --set net.core.somaxconn=4444 -- ./program", binary.display());
            let line = format!("(ulimit -n {most}; {run}); test $? -ge 125");
            let ran = start(&line).run();
            assert_told(&line, &ran);
        }
    });
}
