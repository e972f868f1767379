//! Who runs it: an ordinary user, and nobody who borrows someone else's rights.

use std::fs;
use std::process::Command;

use tunectl::sys;

use crate::support::namespaces::{skip, this_test};
use crate::support::scratch::Scratch;
use crate::support::test::{Test, program};

/// What setpriv(1) makes of root: `nobody`, in a group of its own.
const ORDINARY: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];

fn is_root() -> bool {
    sys::effective_ids().effective_uid == 0
}

/// A shell of an ordinary user in which `$tunectl` is the program, or the reason why there is none.
fn ordinary_shell(script: &str) -> Result<Test, String> {
    let mut shell = Command::new(if is_root() { "setpriv" } else { "sh" });
    if is_root() {
        let tried = Command::new("setpriv").args(ORDINARY).arg("true").output();
        if !tried.as_ref().is_ok_and(|output| output.status.success()) {
            return Err(format!("setpriv(1) makes no ordinary user of us: {tried:?}"));
        }
        shell.args(ORDINARY).arg("sh");
    }
    shell.args(["-c", script]);
    let (runner, program) = program();
    let runner = runner.map_or_else(String::new, |runner| format!("{} ", runner.to_string_lossy()));
    // Where cargo has built it, others may not be let in.
    let test = Test::of(shell).file("program", fs::read(program).unwrap()).mode("program", 0o755);
    Ok(test.env("tunectl", format!("{runner}./program")))
}

/// In the machine's own namespaces, where nobody but root may write: nothing can happen to the host.
#[test]
fn unprivileged_user_raises_only_the_soft_limit() {
    let script = "ulimit -Sn 100; ulimit -Hn 300
        $tunectl run --best-effort --rlimit nofile=300 --rlimit core=0 -- sh -c 'ulimit -Sn; ulimit -Hn'
        $tunectl run --rlimit nofile=400 --set net.ipv4.tcp_fin_timeout=47 -- echo started
        echo $?";
    let test = match ordinary_shell(script) {
        Ok(test) => test,
        Err(reason) => return skip(this_test!(), &reason),
    };
    let ran = test.stdout("300\n300\n125\n").stderr_is_anything().run();
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert!(lines[1].starts_with("net.ipv4.tcp_fin_timeout  47 "), "{}", ran.stderr);
    assert!(lines[1].ends_with(" differs [1]"), "{}", ran.stderr);
    assert!(lines[2].starts_with("nofile (soft, hard) "), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("the hard limit is 300, and raising it to 400 needs CAP_SYS_RESOURCE"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("`echo` was not started; nothing was changed"), "{}", ran.stderr);
}

/// It writes what its caller's files say: with someone else's rights that would be a way to become them.
#[test]
fn set_uid_program_refuses_to_run() {
    let name = this_test!();
    if !is_root() {
        return skip(name, "only root can give a program away");
    }
    let (_, program) = program();
    let scratch = Scratch::new();
    let program = scratch.write("tunectl", fs::read(program).unwrap());
    for mode in [0o4755, 0o2755] {
        scratch.mode("tunectl", mode);
        let mut command = Command::new("setpriv");
        command.args(ORDINARY).arg(&program).args(["check", "-p", "base"]);
        Test::of(command)
            .stderr(
                "tunectl: error: the program must not be set-uid, set-gid or have file capabilities: it writes what its \
                 caller's files say\n",
            )
            .code(125)
            .run();
    }
}
