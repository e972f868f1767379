//! Files about us that are none: one that nobody ever writes to, one without end. Nothing waits for them, and what
//! they would have told is not known.
#![allow(unsafe_code, reason = "nix asks for the memory of a child only with a feature that nothing else needs")]

use crate::scene::{DiagnosisContext, text};
use crate::support::namespaces::{self, inside_of, skip, this_test};

/// What is read of ourselves, of who started us, and of the machine.
const READ: [&str; 11] = [
    "/proc/sys/kernel/osrelease",
    "/proc/$$/status",
    "/proc/$$/mountinfo",
    "/proc/$$/cgroup",
    "/proc/$$/uid_map",
    "/proc/$$/attr/current",
    "/proc/$$/stat",
    "/proc/$PPID/stat",
    "/proc/$PPID/comm",
    "/proc/meminfo",
    "/run/host/container-manager",
];

/// The most memory that a child of ours has ever had, in KiB: `getrusage(2)`.
fn peak_of_children() -> i64 {
    // SAFETY: zeros are a valid value of that plain C structure.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is ours to write, and outlives the call.
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage) }, 0);
    usage.ru_maxrss
}

#[test]
fn endless_files_do_not_block_diagnosis() {
    if tunectl::sys::effective_ids().effective_uid != 0 && !namespaces::is_inside() {
        return skip(this_test!(), "only root mounts over /proc");
    }
    inside_of(this_test!(), &["--net"], || {
        for file in READ {
            for trap in ["mkfifo trap", "truncate -s 300M trap", "ln -s /dev/zero trap"] {
                let place = format!(
                    "rm -f trap; {trap}\nmount -t tmpfs none /run; mkdir /run/host; : >/run/host/container-manager\n\
                     mount --bind trap {file}\nexec \"$@\""
                );
                let scene = DiagnosisContext::new(&format!(
                    "exec timeout -s KILL 20 unshare --mount sh -euc '{place}' sh \"$@\""
                ));
                scene.scratch.write("p.toml", "linux.sysctl.\"kernel.shmmax\" = { at_least = \"1% of memory\" }\n");
                let said = scene.says("check", "-p p.toml --set net.core.somaxconn=9999", "net.core.somaxconn");
                assert_eq!(said.cause, "not-applied", "{trap} {file}: {said:?}");
                let run = scene.runs(&["sh", "-c", "exec tunectl run --set net.core.somaxconn=4096 -- echo started"]);
                assert_eq!(text(&run), "exit status: 0\nstarted\n", "{trap} {file}");
            }
        }
        assert!(peak_of_children() < 100 << 10, "{} KiB", peak_of_children());
    });
}
