//! What is seen of a process, and what is not.

use serde_json::{Value, json};

use crate::service::{OWN, Service};
use crate::support::namespaces::{inside, skip, this_test};
use crate::support::test::Test;

/// Its global settings are the host's, though we stand on the host ourselves.
#[test]
fn a_process_in_a_container_has_no_settings_of_the_machine() {
    let service = match Service::start(&OWN, None) {
        Ok(service) => service,
        Err(reason) => return skip("a_process_in_a_container_has_no_settings_of_the_machine", &reason),
    };
    let document = |more: &[&str]| -> Value {
        let arguments = [&["check", "--set", "vm.swappiness=1", "--format", "json"], more].concat();
        let ran = Test::new(arguments).stdout_is_anything().code(1).run();
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let theirs = document(&["--pid", &service.pid()]);
    assert_eq!(
        (&theirs["context"]["contained"], &theirs["findings"][0]["cause"]),
        (&json!(true), &json!("host-setting"))
    );
    let why = "it belongs to the whole machine, and the process is in a container or namespace: it was not written";
    assert_eq!(theirs["findings"][0]["why"], why);
    let ours = document(&[]);
    let initial = std::fs::read_link("/proc/self/ns/ipc").unwrap().ends_with("ipc:[4026531839]");
    if initial && ours["context"]["contained"] == json!(false) {
        assert_eq!(ours["findings"][0]["cause"], "not-applied");
    }
    assert!(ours["listeners"].is_null(), "only of a process that was named");
}

#[test]
fn what_nobody_can_enter_is_no_answer() {
    inside(this_test!(), || {
        let unshare = [&OWN[..], &["--user", "--map-root-user"]].concat();
        let service = match Service::start(&unshare, None) {
            Ok(service) => service,
            Err(reason) => return skip(this_test!(), &reason),
        };
        let ran = Test::new(["check", "-p", "p.toml", "--format", "json", "--pid", &service.pid()])
            .file(
                "p.toml",
                "[linux.sysctl]\n\"net.core.somaxconn\" = 64\n\"user.max_net_namespaces\" = { at_least = 1 }\n",
            )
            .stdout_is_anything()
            .code(1)
            .run();
        let findings = serde_json::from_str::<Value>(&ran.stdout).unwrap()["findings"].clone();
        assert_eq!(findings[0]["verdict"], "holds");
        assert_eq!((&findings[1]["cause"], &findings[1]["found"]), (&json!("out-of-reach"), &Value::Null));
        let apply = ["apply", "--set", "net.core.somaxconn=128", "--set", "net.ipv4.tcp_fin_timeout=33", "--pid"];
        Test::new([&apply[..], &[&service.pid()]].concat()).stdout_is_anything().run();
        assert_eq!(service.sysctl("net/core/somaxconn"), "128");
    });
}

#[test]
fn a_process_that_is_not_there() {
    // Above every kernel's `pid_max` (proc_sys_kernel(5)).
    for command in ["apply", "check"] {
        Test::new([command, "--set", "net.core.somaxconn=256", "--pid", "2147483647"])
            .stderr("error: pid 2147483647: there is no such process\n")
            .code(1)
            .run();
    }
}
