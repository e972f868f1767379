//! Keys: mounts, modes, owners, capabilities, namespaces and values.

use crate::key_cases::{CASES, Followed, HERE, QUEUE};
use crate::scene::DiagnosisContext;
use crate::support::kernel::sysctl;
use crate::support::namespaces;
use crate::support::namespaces::{inside_of, skip, this_test};
use crate::value_cases;

/// A network namespace and nothing else: no container.
const LONE: [&str; 2] = ["--net", "--ipc"];

/// Only the machine's root can set these scenes.
fn as_root(name: &str, body: impl FnOnce()) {
    if tunectl::sys::effective_ids().effective_uid != 0 && !namespaces::is_inside() {
        return skip(name, "only root becomes other users and mounts over /proc/sys");
    }
    inside_of(name, &LONE, body);
}

#[test]
fn each_cause_is_diagnosed_and_its_remedy_works() {
    as_root(this_test!(), || {
        for (what, case) in CASES.iter().chain(value_cases::CASES) {
            reset();
            let scene = DiagnosisContext::new(case.enter);
            scene.scratch.write("key.toml", "[linux.sysctl]\n\"net.ipv4.tcp_fastopen_key\" = { at_least = 5 }\n");
            let said = scene.says(case.command, case.asked, case.setting);
            assert_eq!(said.cause, case.cause, "{what}: {said:?}");
            assert!(said.why.contains(case.why), "{what}: {said:?}");
            match case.followed {
                Followed::Profile | Followed::Beside(_) => {
                    let beside = if let Followed::Beside(other) = case.followed { other } else { "" };
                    let asked = format!("{} {beside}", scene.profile(&said));
                    scene.inside_then_check(&format!("tunectl apply --no-rlimits {asked}"), &asked);
                }
                Followed::Shell => {
                    scene.outside(said.at("shell"));
                    scene.passes(case.asked);
                }
                Followed::ExecStartPre => {
                    assert_eq!(said.at("unit"), "ProtectKernelTunables=no", "{what}");
                    scene.outside(said.or_at("unit").strip_prefix("ExecStartPre=+").unwrap());
                    scene.passes(case.asked);
                }
                Followed::Other(setting) => {
                    let said = scene.says(case.command, case.asked, setting);
                    scene.outside(said.or_at("unit").strip_prefix("ExecStartPre=+").unwrap());
                    // Then nothing holds the rest back.
                    scene.inside_then_check(&format!("tunectl apply {}", case.asked), case.asked);
                }
                Followed::FromHost => {
                    scene.outside(&scene.process().named_in(said.at("host-shell")));
                    scene.passes(case.asked);
                }
                Followed::Here => {
                    let again = format!("{}\ntunectl apply {}", said.at("shell"), case.asked);
                    scene.inside_then_check(&again, case.asked);
                }
                Followed::Anew(line) => {
                    assert_eq!(said.at("unit"), line, "{what}");
                    DiagnosisContext::new(HERE).inside_then_check(&format!("tunectl apply {}", case.asked), case.asked);
                }
                Followed::Nothing => assert!(said.remedies.is_empty(), "{what}: {said:?}"),
            }
        }
    });
}

/// As a fresh network namespace has it.
fn reset() {
    for (key, value) in [
        ("net/core/somaxconn", "4096"),
        ("net/ipv4/ip_forward", "0"),
        // Down first, so that the range can have any start.
        ("net/ipv4/ip_unprivileged_port_start", "0"),
        ("net/ipv4/ip_local_port_range", "32768 60999"),
        ("net/ipv4/ip_unprivileged_port_start", "1024"),
    ] {
        crate::support::kernel::put(key, value);
    }
    assert_eq!(sysctl("net/core/somaxconn"), "4096");
}

/// A namespace of a container whose root is the machine's 100000, started with fewer rights than it could have.
#[test]
fn root_of_a_user_namespace_lacks_capabilities() {
    as_root(this_test!(), || {
        let without = |capability: &str| {
            DiagnosisContext::new(&format!(
                "exec setpriv --reuid=100000 --regid=100000 --clear-groups unshare --user --map-root-user --net \
                 setpriv --bounding-set=-{capability} \"$@\""
            ))
        };
        let scene = without("net_admin");
        let said = scene.says("apply", QUEUE, "net.core.somaxconn");
        assert_eq!(said.cause, "missing-capability", "{said:?}");
        assert!(said.why.contains("CAP_NET_ADMIN"), "{said:?}");
        let process = scene.process();
        scene.outside(&process.named_in(said.at("host-shell")));
        scene.outside(&process.named_in(&format!("tunectl check --pid PID {QUEUE}")));

        let users = "--set user.max_inotify_watches=999";
        let scene = without("sys_resource");
        let said = scene.says("apply", users, "user.max_inotify_watches");
        assert_eq!(said.cause, "missing-capability", "{said:?}");
        assert!(said.why.contains("CAP_SYS_RESOURCE"), "{said:?}");
        let process = scene.process();
        let remedy = process.named_in(said.at("host-shell"));
        scene.outside(&remedy);
        scene.outside(&remedy.replacen("tunectl apply", "tunectl check", 1));
        without("net_raw").inside_then_check(&format!("tunectl apply {users}"), users);
    });
}

/// Nothing of the whole machine is written here: what is said is, and in the machine tier it is also followed.
#[test]
fn host_settings_are_diagnosed_in_a_namespace() {
    as_root(this_test!(), || {
        let scene = DiagnosisContext::new(HERE);
        for (asked, setting, cause, place) in [
            ("vm.swappiness=1", "vm.swappiness", "host-setting", "shell"),
            // Of a namespace that we share with the machine, as a container does with `--uts host`.
            ("kernel.hostname=other", "kernel.hostname", "host-setting", "shell"),
            ("user.max_ipc_namespaces=9", "user.max_ipc_namespaces", "host-setting", "shell"),
            ("net.core.rmem_max=99999999", "net.core.rmem_max", "host-setting", "host-shell"),
        ] {
            let said = scene.says("apply", &format!("--set {asked}"), setting);
            assert_eq!((said.cause.as_str(), said.at(place)), (cause, format!("sudo sysctl -w {asked}").as_str()));
        }
        let said = scene.says("apply", "--allow-host-settings --set net.core.rmem_max=99999999", "net.core.rmem_max");
        assert_eq!(said.cause, "read-only-in-namespace", "{said:?}");
        assert_eq!(said.at("host-shell"), "sudo sysctl -w net.core.rmem_max=99999999");
    });
}

/// What the runtime sets itself it is told to, and not to allow what is allowed already.
#[test]
fn unprivileged_user_in_a_writable_container_is_diagnosed() {
    if tunectl::sys::effective_ids().effective_uid != 0 && !namespaces::is_inside() {
        return skip(this_test!(), "only root becomes other users");
    }
    inside_of(this_test!(), &["--net", "--ipc", "--uts", "--pid", "--fork", "--mount-proc"], || {
        let enter = "exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\"";
        let asked = "--set kernel.domainname=x";
        let said = DiagnosisContext::new(&format!("export container=docker; {enter}")).says(
            "check",
            asked,
            "kernel.domainname",
        );
        assert_eq!((said.cause.as_str(), said.at("container-start")), ("not-permitted", "docker run --domainname x"));
        assert_eq!(said.or_at("compose"), "domainname: \"x\"");
        // What started this one is not known.
        let scene = DiagnosisContext::new(enter);
        let said = scene.says("check", asked, "kernel.domainname");
        scene.outside(&scene.process().named_in(said.at("host-shell")));
        scene.passes(asked);
    });
}

#[test]
fn no_remedy_is_a_value_that_could_be_refused_too() {
    as_root(this_test!(), || {
        let scene = DiagnosisContext::new(
            "exec sh -c 'echo 1000 > /proc/sys/net/ipv4/tcp_max_reordering; exec \"$@\"' sh \"$@\"",
        );
        let above = "exec 2>/dev/null; echo 301 > /proc/sys/net/ipv4/tcp_reordering && echo 3 > /proc/sys/net/ipv4/tcp_reordering";
        if std::process::Command::new("sh").args(["-c", above]).status().unwrap().success() {
            return skip(this_test!(), "this kernel takes any tcp_reordering, as it did before 2026");
        }
        let said = scene.says("apply", "--set net.ipv4.tcp_reordering=1001", "net.ipv4.tcp_reordering");
        assert_eq!(said.cause, "value-refused");
        assert_eq!(said.why, "the kernel does not accept `1001`: write: EINVAL (invalid argument)");
        assert!(said.remedies.is_empty() && said.others.is_empty(), "{said:?}");
    });
}
