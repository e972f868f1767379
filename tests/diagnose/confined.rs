//! What is made of a label that confines us, where no policy of ours can make it real: other ways to start a service, and
//! refusals that two things could be behind. The rest is in the machine tier.

use nix::errno::Errno;
use tunectl::environment::{Environment, EnvironmentDetails, Namespaces, RuntimeHints, Seccomp};
use tunectl::kernel::{Evidence, KernelError, Operation};
use tunectl::model::limit::{Limit, Resource, Side};
use tunectl::model::setting::{Setting, System};
use tunectl::output::RemedyText;
use tunectl::report::Shortfall;

use crate::odd::{diagnosed, finding, setting, texts};

const APPARMOR: &str = "docker-default (enforce)";
const SELINUX: &str = "system_u:system_r:container_t:s0:c1,c2";

fn confined(label: &str) -> EnvironmentDetails {
    let seccomp = Some(Seccomp::Off);
    EnvironmentDetails {
        confined: Some(label.to_owned()),
        capabilities: Some(u64::MAX),
        seccomp,
        ..EnvironmentDetails::default()
    }
}

/// The same in a container that names its runtime so.
fn under(runtime: &str, label: &str) -> EnvironmentDetails {
    EnvironmentDetails { runtime_hints: RuntimeHints::named(runtime), ..confined(label) }
}

/// A container with the machine's users, or the machine itself.
fn context(contained: bool, around: EnvironmentDetails) -> Environment {
    let initial =
        Namespaces { user: Some(true), uts: Some(!contained), net: Some(!contained), ..Namespaces::default() };
    Environment::known(System::Linux, None, initial, 0, around)
}

fn refused(operation: Operation, errno: Errno) -> Shortfall {
    Shortfall::Refused(KernelError { operation, errno })
}

/// Code and remedies of a limit of files that is to be raised from 5 to 9999.
fn limit(errno: Errno, environment: &Environment) -> (&'static str, Vec<String>) {
    let low = Evidence { hard_limit: Some(Limit::Value(5)), ..Evidence::default() };
    let hard = Setting::Limit(Resource::Nofile, Side::Hard);
    let said = diagnosed(finding(hard, refused(Operation::SetLimits, errno), low), environment);
    let remedies = said.remedies.iter().map(RemedyText::of);
    let remedies = remedies.map(|remedy| format!("{}: {}", remedy.place.code(), remedy.text));
    (said.cause.code(), remedies.collect())
}

#[test]
fn apparmor_remedies_depend_on_the_runtime() {
    let of = |runtime| limit(Errno::EACCES, &context(true, under(runtime, APPARMOR))).1;
    assert_eq!(of("docker"), ["container-start: docker run --security-opt apparmor=unconfined"]);
    assert_eq!(of("podman"), ["container-start: podman run --security-opt apparmor=unconfined"]);
    // Nothing that was never seen to help.
    let pod = RuntimeHints { variables: vec!["KUBERNETES_SERVICE_HOST"], ..RuntimeHints::named("podman") };
    let pod = EnvironmentDetails { runtime_hints: pod, ..confined(APPARMOR) };
    assert!(limit(Errno::EACCES, &context(true, pod)).1.is_empty());
    assert_eq!(of("lxc"), ["lxc-config: lxc.apparmor.profile = unconfined"]);
    assert!(of("systemd-nspawn").is_empty());
    assert!(of("").is_empty());
    let unit = ["unit: AppArmorProfile=unconfined".to_owned()];
    assert_eq!(limit(Errno::EACCES, &context(false, confined(APPARMOR))).1, unit);
}

#[test]
fn selinux_remedies_for_containers_are_printed() {
    let (cause, remedies) = limit(Errno::EACCES, &context(true, under("docker", SELINUX)));
    assert_eq!((cause, &*remedies[0]), ("security-module", "container-start: docker run --ulimit nofile=9999:9999"));
}

/// What can't be read is seen once we are not confined.
#[test]
fn unreadable_policy_limits_the_remedies() {
    let known = Evidence { mode: Some(0o644), owner: Some(0), read_only_mount: Some(false), ..Evidence::default() };
    let unread = |label, runtime| {
        let environment = context(true, under(runtime, label));
        let refusal = KernelError { operation: Operation::OpenToRead, errno: Errno::EACCES };
        let obstacle = tunectl::plan::Unreadable::Refused(refusal);
        let said = diagnosed(finding(setting("net.core.somaxconn"), Shortfall::Unread(obstacle), known), &environment);
        assert_eq!(said.cause.code(), "security-module");
        texts(&said)
    };
    assert_eq!(unread(APPARMOR, "docker"), ["docker run --security-opt apparmor=unconfined"]);
    assert!(unread(SELINUX, "docker").is_empty(), "its policy decides");
    assert!(unread("_", "docker").is_empty(), "a label of another module");
}

/// Two things can be behind it, and it is put down to neither.
#[test]
fn seccomp_and_security_modules_are_told_apart() {
    let filtered = EnvironmentDetails { seccomp: Some(Seccomp::Filter), ..confined(APPARMOR) };
    assert_eq!(limit(Errno::EPERM, &context(false, filtered.clone())), ("unknown", vec![]));
    assert_eq!(limit(Errno::EACCES, &context(false, filtered.clone())).0, "security-module");
    let free = EnvironmentDetails { confined: None, ..filtered };
    assert_eq!(limit(Errno::EPERM, &context(false, free.clone())).0, "seccomp-filter");
    assert_eq!(limit(Errno::EACCES, &context(false, free)), ("unknown", vec![]));
    assert_eq!(limit(Errno::EPERM, &context(false, confined(SELINUX))).0, "security-module");
    assert_eq!(
        limit(Errno::EPERM, &context(false, EnvironmentDetails { confined: None, ..confined("") })).0,
        "unknown"
    );
    // In a user namespace of its own the capability would not count.
    let mut inside = context(true, confined(APPARMOR));
    inside.initial.user = Some(false);
    assert_eq!(limit(Errno::EPERM, &inside).0, "hard-limit");
}

/// access(2) counts where all else is known to allow it, and for root alone.
#[test]
fn known_apparmor_denials_are_named() {
    let known = Evidence { mode: Some(0o644), owner: Some(0), read_only_mount: Some(false), ..Evidence::default() };
    let cause = |evidence, user| {
        let mut environment = context(false, confined(SELINUX));
        environment.user = user;
        diagnosed(finding(setting("net.core.somaxconn"), Shortfall::Differs, evidence), &environment).cause.code()
    };
    assert_eq!(cause(Evidence { denied: Some(true), ..known }, 0), "security-module");
    assert_eq!(cause(Evidence { denied: Some(true), ..known }, 1000), "not-applied");
    assert_eq!(cause(Evidence { denied: Some(true), mode: None, ..known }, 0), "not-applied");
    assert_eq!(cause(Evidence { denied: Some(true), owner: Some(5), ..known }, 0), "not-applied");
    assert_eq!(cause(Evidence { denied: Some(false), ..known }, 0), "not-applied");
    assert_eq!(cause(known, 0), "not-applied");
}
