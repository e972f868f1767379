//! Containers whose root is another user than ours.

use std::os::unix::process::CommandExt;

use tunectl::sys;

use crate::service::{OWN, Service};
use crate::support;
use crate::support::namespaces::skip;
use crate::support::test::Test;

/// Who started a rootless container may do in it what its root may, and nothing in one that is somebody else's.
#[test]
fn an_ordinary_user_and_a_container_of_his_own() {
    const NAME: &str = "an_ordinary_user_and_a_container_of_his_own";
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
            "error: pid {pid}: its namespaces can't be seen: EACCES (permission denied)\n  \
             = help: it belongs to somebody else: try it with sudo, on the host\n"
        ))
        .code(1)
        .run();
    assert_eq!(other.sysctl("net/core/somaxconn"), "64");
}
