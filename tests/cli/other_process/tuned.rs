//! Settings of a process, changed and put back.

use super::service::{OWN, Service};
use crate::support::kernel::{limit, sysctl};
use crate::support::namespaces::{inside, this_test};
use crate::support::test::Test;

const PROFILE: &str = "\
[linux.sysctl]
\"net.core.somaxconn\" = { at_least = 1024 }
\"kernel.msgmni\" = 77

[rlimit]
nofile = { soft = 321 }
";

#[test]
fn only_the_named_process_is_tuned() {
    inside(this_test!(), || {
        let service = Service::start(&OWN, None).unwrap();
        let pid = service.pid();
        let (queue, messages, files) = (sysctl("net/core/somaxconn"), sysctl("kernel/msgmni"), own_files());
        Test::new(["apply", "-p", "p.toml", "--pid", &pid])
            .file("p.toml", PROFILE)
            .stdout(&format!(
                "net.core.somaxconn 64 → 1024\nkernel.msgmni [..] → 77\n\
                 nofile (soft) [..] → 321 for [..], pid {pid}\n3 settings changed and read back\n"
            ))
            .run();
        assert_eq!(
            (service.sysctl("net/core/somaxconn"), service.sysctl("kernel/msgmni")),
            ("1024".into(), "77".into())
        );
        assert_eq!(limit(service.child.id(), "Max open files").0, "321");
        assert_eq!((sysctl("net/core/somaxconn"), sysctl("kernel/msgmni"), own_files()), (queue, messages, files));
        // The limits stay where they are.
        Test::new([
            "apply",
            "--set",
            "net.core.somaxconn=2048",
            "--rlimit",
            "nofile=99:99",
            "--no-rlimits",
            "--pid",
            &pid,
        ])
        .stdout("net.core.somaxconn 1024 → 2048\n1 setting changed and read back\n")
        .run();
        assert_eq!(limit(service.child.id(), "Max open files").0, "321");
    });
}

fn own_files() -> (String, String) {
    limit(std::process::id(), "Max open files")
}

/// What was applied to a process is put back from within its namespaces, its limits too, and nowhere else.
#[test]
fn revert_works_in_the_namespaces_of_the_process() {
    inside(this_test!(), || {
        let service = Service::start(&OWN, None).unwrap();
        let (pid, files) = (service.pid(), limit(service.child.id(), "Max open files"));
        let messages = service.sysctl("kernel/msgmni");
        let ours = (sysctl("net/core/somaxconn"), sysctl("kernel/msgmni"), own_files());
        let soft = &files.0;
        let limit_back = format!("nofile of [..], pid {pid} 321:{hard} → {soft}:{hard}\n", hard = files.1);
        let keys_back = format!("net.core.somaxconn 1024 → 64\nkernel.msgmni 77 → {messages}\n");
        let apply = format!("tunectl apply -p p.toml --pid {pid} >applied");
        let there = format!("nsenter --target {pid} --net --ipc --uts tunectl revert");
        Test::shell(&format!("{apply}\n{there}"))
            .file("p.toml", PROFILE)
            .stdout(&format!("{keys_back}{limit_back}3 settings put back\n"))
            .run();
        // From without, what can be put back there is, and it is told where the rest is to be.
        let elsewhere = |key| {
            format!(
                "tunectl: error: {key} belongs to other namespaces; not reverted\n  = help: run `tunectl revert` in \
                 those namespaces: `ip netns exec`, `nsenter`\n"
            )
        };
        Test::shell(&format!("{apply}\ntunectl revert\n{there}"))
            .file("p.toml", PROFILE)
            .stdout(&format!("{limit_back}1 setting put back\n{keys_back}2 settings put back\n"))
            .stderr(&(elsewhere("net.core.somaxconn") + &elsewhere("kernel.msgmni")))
            .run();
        assert_eq!((service.sysctl("net/core/somaxconn"), service.sysctl("kernel/msgmni")), ("64".into(), messages));
        assert_eq!(limit(service.child.id(), "Max open files"), files);
        assert_eq!((sysctl("net/core/somaxconn"), sysctl("kernel/msgmni"), own_files()), ours);
    });
}
