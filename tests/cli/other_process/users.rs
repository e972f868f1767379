//! Containers whose root is another user than ours.

use std::os::unix::process::CommandExt;

use tunectl::sys;

use super::service::{OWN, Service};
use crate::support;
use crate::support::namespaces::skip;
use crate::support::test::Test;

/// A container whose root is the machine's user 100000, as with `dockerd --userns-remap`: what is of its IPC namespace
/// that user alone may write, from Linux 6.9 on (`ipc_permissions`, `ipc/ipc_sysctl.c`).
#[test]
fn container_with_mapped_root_is_tuned_from_outside() {
    const NAME: &str = "container_with_mapped_root_is_tuned_from_outside";
    if sys::effective_ids().effective_uid != 0 {
        return skip(NAME, "only root can be another user");
    }
    let unshare = [&OWN[..], &["--user", "--map-root-user"]].concat();
    let service = match Service::start(&unshare, Some(100_000)) {
        Ok(service) => service,
        Err(reason) => return skip(NAME, &reason),
    };
    let pid = service.pid();
    let of_all = |path: &str| service.sysctl(path);
    let before = (of_all("kernel/msgmni"), of_all("fs/mqueue/msg_default"), of_all("kernel/domainname"));
    let asked = format!(
        "--set kernel.msgmni=77 --set fs.mqueue.msg_default=5 --set kernel.domainname=here \
         --set net.core.somaxconn=128 --pid {pid}"
    );
    // Who can't become that user is told so, and what it is that he can't write.
    let bound = Test::shell(&format!(
        "for command in check 'apply --no-journal'; do
    setpriv --bounding-set=-setuid tunectl $command --set kernel.msgmni=77 --pid {pid} --format json || :
done"
    ))
    .stdout_is_anything()
    .run();
    let causes: Vec<&str> = bound.stdout.lines().filter(|line| line.contains("\"cause\"")).map(str::trim).collect();
    assert_eq!(causes, ["\"cause\": \"not-permitted\",", "\"cause\": \"not-permitted\","], "{}", bound.stdout);
    assert!(bound.stdout.contains("writing it needs root of its container or CAP_SETUID"));
    assert_eq!(of_all("kernel/msgmni"), before.0);

    let ran = Test::shell(&format!(
        "tunectl check {asked} | sed -n '/can be set here/,/^$/p; /settings match/p'
tunectl apply {asked}
tunectl check {asked} | sed -n '/can be set here/,/^$/p; /settings match/p'
for key in kernel/msgmni fs/mqueue/msg_default kernel/domainname net/core/somaxconn; do
    nsenter --target {pid} --net --ipc --uts cat /proc/sys/$key
done
nsenter --target {pid} --net --ipc --uts tunectl revert | tail -n 1"
    ))
    .stdout_is_anything()
    .run();
    let (typed, rest) = ran.stdout.split_once("\nkernel.msgmni").unwrap();
    let words: Vec<&str> = typed.split_whitespace().filter(|word| *word != "\\").collect();
    let pasted = format!("can be set here: tunectl apply {asked}");
    assert_eq!(words, pasted.split_whitespace().collect::<Vec<_>>());
    assert_eq!(
        format!("kernel.msgmni{rest}").lines().collect::<Vec<_>>(),
        [
            &format!("kernel.msgmni {} → 77", before.0),
            &format!("fs.mqueue.msg_default {} → 5", before.1),
            &format!("kernel.domainname {} → here", before.2),
            "net.core.somaxconn 64 → 128",
            "4 settings changed and read back",
            "all 4 settings match",
            "77",
            "5",
            "here",
            "128",
            "4 settings put back",
        ]
    );
    assert_eq!((of_all("kernel/msgmni"), of_all("fs/mqueue/msg_default"), of_all("kernel/domainname")), before);
}

/// Who started a rootless container may do in it what its root may, and nothing in one that is somebody else's.
#[test]
fn rootless_container_is_tuned_by_its_user() {
    const NAME: &str = "rootless_container_is_tuned_by_its_user";
    const USER: u32 = 12_345;
    if sys::effective_ids().effective_uid != 0 {
        return skip(NAME, "only root can be another user");
    }
    let unshare = [&OWN[..], &["--user", "--map-root-user"]].concat();
    let service = match Service::start(&unshare, Some(USER)) {
        Ok(service) => service,
        Err(reason) => return skip(NAME, &reason),
    };
    let tunectl = |arguments: &[&str], pid: &str| {
        let mut command = support::test::tunectl();
        command.uid(USER).gid(USER).args(arguments).args(["--pid", pid]);
        Test::of(command)
    };
    let pid = service.pid();
    tunectl(&["apply", "--no-journal", "--set", "net.core.somaxconn=256", "--set", "kernel.msgmni=78"], &pid)
        .stdout("net.core.somaxconn 64 → 256\nkernel.msgmni [..] → 78\n2 settings changed and read back\n")
        .run();
    assert_eq!((service.sysctl("net/core/somaxconn"), service.sysctl("kernel/msgmni")), ("256".into(), "78".into()));

    let other = Service::start(&OWN, None).unwrap();
    let pid = other.pid();
    tunectl(&["apply", "--set", "net.core.somaxconn=256"], &pid)
        .stderr(&format!(
            "tunectl: error: pid {pid}: cannot read its namespaces: EACCES (permission denied)\n  = help: it belongs \
             to another user: try again with sudo, on the host\n"
        ))
        .code(1)
        .run();
    assert_eq!(other.sysctl("net/core/somaxconn"), "64");
}
