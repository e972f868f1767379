//! Bad context: no /proc, a part of it hidden, files that lie. What can't be known is "unknown", never a wrong cause
//! and never a crash.

use std::fs;
use std::path::Path;
use std::rc::Rc;

use nix::errno::Errno;
use proptest::prelude::*;
use tunectl::diagnose::{Diagnosis, DiagnosisContext as Seen, diagnose, runtime_files};
use tunectl::environment::{Environment, EnvironmentDetails, Namespaces};
use tunectl::kernel::{Evidence, KernelError, Operation};
use tunectl::model::expectation::Expectation;
use tunectl::model::limit::{Limit, Resource, Side};
use tunectl::model::name::SysctlName;
use tunectl::model::setting::{Key, Setting, System};
use tunectl::model::value::{Kind, Value};
use tunectl::output::{RemedyText, why};
use tunectl::plan::{Requirement, Unreadable};
use tunectl::profile::{Origin, Source};
use tunectl::report::{Outcome, Report, Shortfall, Verdict};

use crate::scene::{DiagnosisContext, text};
use crate::support::namespaces::{self, inside_of, skip, this_test};
use crate::support::scratch::Scratch;

#[test]
fn hidden_proc_files_change_no_cause() {
    if tunectl::sys::effective_ids().effective_uid != 0 && !namespaces::is_inside() {
        return skip(this_test!(), "only root mounts over /proc");
    }
    inside_of(this_test!(), &["--net"], || {
        for (mounts, cause) in [
            ("umount -l /proc", "no-proc"),
            ("mount -t proc -o subset=pid proc /proc", "no-proc"),
            ("mount -t tmpfs none /proc", "no-proc"),
            ("mount -t tmpfs none /proc/sys", "no-proc"),
            ("mount -t tmpfs none /proc/sys/net", "masked"),
            ("mount -t tmpfs -o ro none /proc/sys/net/core", "masked"),
            ("mount --bind /dev/null /proc/sys/net/core/somaxconn", "masked"),
            // Files that could be read and written, and are no settings.
            (
                "mount -t tmpfs none /proc/sys; mkdir -p /proc/sys/net/core; echo 1 >/proc/sys/net/core/somaxconn",
                "no-proc",
            ),
            (
                "mount -t tmpfs none /proc/sys/net; mkdir /proc/sys/net/core; echo 1 >/proc/sys/net/core/somaxconn",
                "masked",
            ),
            ("mount -t tmpfs none /proc/sys/net/core; echo 9999 >/proc/sys/net/core/somaxconn", "masked"),
            ("echo 9999 >file; mount --bind file /proc/sys/net/core/somaxconn", "masked"),
            // A file of the kernel's over itself, as some have it to be written where all around it may not.
            ("cd /proc/sys/net/core; mount --bind somaxconn somaxconn", "not-applied"),
            // What only the wording hangs on: the cause is the same without it.
            ("mount -t tmpfs none /sys", "not-applied"),
            ("mount --bind /dev/null /proc/mounts || :", "not-applied"),
        ] {
            let scene =
                DiagnosisContext::new(&format!("exec unshare --mount sh -euc '{mounts}\nexec \"$@\"' sh \"$@\""));
            let asked = "--set net.core.somaxconn=9999";
            let said = scene.says("check", asked, "net.core.somaxconn");
            assert_eq!(said.cause, cause, "{mounts}: {said:?}");
            // The same of a try: it is applied, or refused for the same reason and the service not started.
            let run = scene.runs(&["sh", "-c", &format!("exec tunectl run {asked} -- echo started")]);
            let output = scene.runs(&["sh", "-c", &format!("exec tunectl apply {asked}")]);
            if cause == "not-applied" {
                assert_eq!((run.status.code(), output.status.code()), (Some(0), Some(0)), "{mounts}: {}", text(&run));
                crate::support::kernel::put("net/core/somaxconn", "4096");
            } else {
                let tried = scene.says("apply", asked, "net.core.somaxconn");
                assert_eq!((tried.cause, tried.why), (said.cause, said.why.clone()), "{mounts}");
                assert_eq!((run.status.code(), output.status.code()), (Some(125), Some(1)), "{mounts}: {}", text(&run));
                for output in [run, output] {
                    let stderr = String::from_utf8(output.stderr).unwrap();
                    assert!(output.stdout.is_empty() && stderr.contains(&said.why), "{mounts}: {stderr}");
                }
            }
            assert_eq!(crate::support::kernel::sysctl("net/core/somaxconn"), "4096", "{mounts}");
            let limits =
                scene.runs(&["sh", "-c", "ulimit -Sn 77; tunectl check --rlimit nofile=78; tunectl explain nofile"]);
            assert!(limits.status.success(), "{mounts}");
        }
    });
}

/// Mounts, control groups and runtimes by names that nobody expects: nothing is made of them.
#[test]
fn unusual_environments_change_no_cause() {
    if tunectl::sys::effective_ids().effective_uid != 0 && !namespaces::is_inside() {
        return skip(this_test!(), "only root mounts");
    }
    inside_of(this_test!(), &["--net"], || {
        let read_only = "mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys";
        for strange in [
            ":",
            // Fields of mountinfo are told apart by blanks, and lines by line ends: both are written in octal.
            "mkdir -p \"$PWD/a b\n1 1 0:1 / /sys/fs/cgroup rw - cgroup2 x rw\"; mount -t tmpfs -- \"- cgroup2\" \"$PWD/a b\"*",
            "mkdir -p $(printf \"m\\377\\033[2J\"); mount -t tmpfs -- \"$(printf \"\\377 - \")\" m*",
            "export container=martian KUBERNETES=1",
            "mount -t tmpfs none /run; mkdir -p /run/host; printf \"\\377\\n\" >/run/host/container-manager",
            "mount -t tmpfs none /sys/fs/cgroup; mkdir -p /sys/fs/cgroup/pids; echo x >/sys/fs/cgroup/pids/pids.max",
        ] {
            let scene = DiagnosisContext::new(&format!(
                "exec unshare --mount sh -euc '{strange}\n{read_only}\nexec \"$@\"' sh \"$@\""
            ));
            for command in ["check", "apply"] {
                let said = scene.says(command, "--set net.core.somaxconn=9999", "net.core.somaxconn");
                assert_eq!(said.cause, "read-only-mount", "{strange}: {said:?}");
                assert_eq!(said.why, "its mount is read-only here, as in most containers", "{strange}");
                assert_eq!(said.at("unit"), "ProtectKernelTunables=no", "{strange}: no runtime is guessed");
            }
        }
    });
}

pub(crate) fn setting(name: &str) -> Setting {
    Setting::Key(Key::Sysctl(SysctlName::parse(name).unwrap()))
}

pub(crate) fn requirement(setting: Setting, wanted: Value) -> Rc<Requirement> {
    let kind = if matches!(setting, Setting::Limit(..)) { Kind::Limit } else { Kind::Number };
    let origin =
        Origin { source: Rc::new(Source { label: String::new(), text: String::new(), hidden_from: None }), span: 0..0 };
    let wanted = Expectation::Exactly(wanted);
    Rc::new(Requirement { setting, kind, wanted, required: true, origin, pattern: None, for_service: false })
}

pub(crate) fn finding(setting: Setting, shortfall: Shortfall, evidence: Evidence) -> Outcome {
    let limit = matches!(setting, Setting::Limit(..));
    let value =
        |number: u32| if limit { Value::Limit(Limit::Value(number.into())) } else { Value::Number(number.into()) };
    Outcome {
        requirement: requirement(setting, value(9999)),
        before: Some(value(5)),
        found: Some(value(5)),
        verdict: Verdict::Short(shortfall),
        undone: None,
        evidence: Some(Box::new(evidence)),
    }
}

pub(crate) fn diagnosed(finding: Outcome, environment: &Environment) -> Diagnosis {
    let around = environment.details(&runtime_files());
    let elsewhere = environment.config_lines(&[&finding.requirement.setting], &around);
    let report = Report { outcomes: vec![finding] };
    let mut seen = Seen::new(environment, &around, &report);
    seen.config_lines = &elsewhere;
    diagnose(&report.outcomes[0], &seen).unwrap()
}

/// What to paste of each remedy.
pub(crate) fn texts(said: &Diagnosis) -> Vec<String> {
    said.remedies.iter().map(|remedy| RemedyText::of(remedy).text).collect()
}

/// The remedies for a hard limit of open files.
pub(crate) fn remedies_of_a_limit(environment: &Environment) -> Vec<String> {
    let limit = Setting::Limit(Resource::Nofile, Side::Hard);
    texts(&diagnosed(finding(limit, Shortfall::Differs, Evidence::default()), environment))
}

/// Of everything that the kernel can say, what proves a cause by itself, with nothing else known.
#[test]
fn no_cause_is_blamed_without_evidence() {
    let nowhere = Environment::linux(Path::new("/nonexistent"), 0, &|_| None);
    let operations = [
        Operation::OpenToRead,
        Operation::OpenToWrite,
        Operation::Read,
        Operation::Write,
        Operation::ShortWrite { taken: 1, of: 3 },
    ];
    for operation in operations {
        for number in 1..134 {
            let errno = Errno::from_raw(number);
            let refusal = KernelError { operation, errno };
            let shortfall = if matches!(operation, Operation::OpenToRead | Operation::Read) {
                Shortfall::Unread(Unreadable::Refused(refusal))
            } else {
                Shortfall::Refused(refusal)
            };
            for name in
                ["net.core.somaxconn", "vm.swappiness", "kernel.shmmax", "user.max_ipc_namespaces", "of.the.future"]
            {
                let said = diagnosed(finding(setting(name), shortfall.clone(), Evidence::default()), &nowhere);
                let expected = match (operation, errno) {
                    (Operation::OpenToRead | Operation::Read, Errno::EISDIR) => "no-such-key",
                    (Operation::OpenToWrite, Errno::EROFS) => "read-only-mount",
                    (Operation::Write, Errno::ENOENT) => "unknown-name",
                    (Operation::Write, Errno::EINVAL | Errno::ERANGE) => "value-refused",
                    (Operation::ShortWrite { .. }, _) => "truncated",
                    _ => "unknown",
                };
                assert_eq!(said.cause.code(), expected, "{name} {operation:?} {errno:?}: {said:?}");
            }
        }
    }
}

/// Permission denied, one fact at a time: only where every other is known to allow it is a security module left.
#[test]
fn security_module_is_named_only_by_exclusion() {
    let denied = Shortfall::Refused(KernelError { operation: Operation::OpenToWrite, errno: Errno::EACCES });
    let known = Evidence { mode: Some(0o644), owner: Some(0), read_only_mount: Some(false), ..Evidence::default() };
    let own = Namespaces { user: Some(true), net: Some(false), ..Namespaces::default() };
    let environment =
        |initial, user| Environment::known(System::Linux, None, initial, user, EnvironmentDetails::default());
    let cause = |evidence, environment: &Environment| {
        diagnosed(finding(setting("net.core.somaxconn"), denied.clone(), evidence), environment).cause.code()
    };
    assert_eq!(cause(known, &environment(own, 0)), "security-module");
    assert_eq!(cause(Evidence { mode: None, ..known }, &environment(own, 0)), "unknown");
    assert_eq!(cause(Evidence { owner: None, ..known }, &environment(own, 0)), "unknown");
    assert_eq!(cause(Evidence { read_only_mount: None, ..known }, &environment(own, 0)), "unknown");
    assert_eq!(cause(known, &environment(Namespaces { user: None, ..own }, 0)), "unknown");
    assert_eq!(cause(known, &environment(Namespaces { user: Some(false), ..own }, 0)), "unknown");
    assert_eq!(cause(known, &environment(own, 1000)), "unknown");
}

/// Capabilities count where they are held: root of the machine raises the limits of a rootless container's process, and
/// root of a rootless container those of nobody.
#[test]
fn capabilities_are_those_of_tunectl() {
    let all = EnvironmentDetails { capabilities: Some(u64::MAX), ..EnvironmentDetails::default() };
    let of = |user| Namespaces { user: Some(user), ..Namespaces::default() };
    let environment = |user| Environment::known(System::Linux, None, of(user), 0, all.clone());
    let hard = Setting::Limit(Resource::Nofile, Side::Hard);
    let low = Evidence { hard_limit: Some(Limit::Value(5)), ..Evidence::default() };
    let cause =
        |environment: &Environment| diagnosed(finding(hard.clone(), Shortfall::Differs, low), environment).cause.code();
    assert_eq!(cause(&environment(true)), "not-applied");
    assert_eq!(cause(&environment(true).for_process(of(false), true)), "not-applied");
    assert_eq!(cause(&environment(false)), "hard-limit");
    assert_eq!(cause(&environment(false).for_process(of(false), true)), "hard-limit");
}

/// A line of a configuration file or of /proc, right or nearly so.
fn line() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "net.core.somaxconn",
        "=",
        "5",
        "-",
        "cgroup2",
        "cgroup",
        "0::/",
        "3:memory,pids:/a/../b",
        "\\040",
        "\\777",
        ":",
        "CapEff:",
        "ffffffffffffffffffff",
        "Seccomp:\t2",
        "NoNewPrivs:\t7",
        "0 0 1",
        "4294967296",
        "/",
        "..",
        "* - nofile",
        "root:x:0:0",
        "[Service]",
        "LimitNOFILE=5:",
        "\u{0}",
        "é",
        "unconfined",
        "6.",
        "99999.99999",
        "net.ipv4.conf.*.",
        "#",
    ]);
    prop::collection::vec(words, 0..12).prop_map(|words| words.join(" "))
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    let lines = prop::collection::vec(line(), 0..8).prop_map(|lines| lines.join("\n").into_bytes());
    prop_oneof![4 => lines, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

const FILES: [&str; 14] = [
    "proc/self/status",
    "proc/self/mountinfo",
    "proc/self/cgroup",
    "proc/self/uid_map",
    "proc/self/attr/current",
    "proc/sys/kernel/osrelease",
    "proc/sys/net/core/somaxconn",
    "run/host/container-manager",
    "etc/passwd",
    "etc/group",
    "etc/sysctl.conf",
    "etc/sysctl.d/1.conf",
    "etc/security/limits.conf",
    "sys/fs/cgroup/pids.max",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn files_that_lie_crash_nothing(contents in prop::collection::vec(prop::option::of(content()), FILES.len()), user in 0_u32..3) {
        let root = Scratch::new();
        for (file, content) in FILES.iter().zip(&contents) {
            if let Some(content) = content {
                root.write(file, content);
            }
        }
        let environment = Environment::linux(root.path(), user, &|_| None);
        let denied = Shortfall::Refused(KernelError { operation: Operation::SetLimits, errno: Errno::EPERM });
        let limit = diagnosed(finding(Setting::Limit(Resource::Nofile, Side::Hard), denied, Evidence::default()), &environment);
        // Without a link to read there is no namespace to know of, and without a directory no network.
        prop_assert!(matches!(limit.cause.code(), "hard-limit" | "seccomp-filter" | "unknown"), "{:?}", limit);
        let refused = Shortfall::Refused(KernelError { operation: Operation::OpenToWrite, errno: Errno::EACCES });
        let key = diagnosed(finding(setting("net.core.somaxconn"), refused, Evidence::default()), &environment);
        prop_assert!(matches!(key.cause.code(), "unknown" | "not-permitted" | "missing-capability"), "{:?}", key);
        let differs = diagnosed(finding(setting("net.core.somaxconn"), Shortfall::Differs, Evidence::default()), &environment);
        prop_assert!(!why(&differs.cause).is_empty());
        for said in [limit, key, differs] {
            prop_assert!(why(&said.cause).chars().all(|c| !c.is_control()), "{:?}", said);
            prop_assert!(texts(&said).iter().all(|text| !text.contains('\0')), "{:?}", said);
        }
    }
}

/// Of a directory in the place of a file, a link that leads round and round, a pipe, a file without end.
#[test]
fn odd_files_in_place_of_configuration_are_tolerated() {
    let root = Scratch::new();
    for folder in ["proc/self/status", "etc/passwd", "etc/sysctl.d/1.conf"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    for (name, target) in
        [("etc/sysctl.d/2.conf", "2.conf"), ("etc/sysctl.d/3.conf", "/dev/zero"), ("proc/self/cgroup", "/nonexistent")]
    {
        std::os::unix::fs::symlink(target, root.path().join(name)).unwrap();
    }
    nix::unistd::mkfifo(&root.path().join("etc/sysctl.d/4.conf"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    root.write("etc/sysctl.d/5.conf", "net.core.somaxconn = 5\n");
    let environment = Environment::linux(root.path(), 0, &|_| None);
    assert_eq!(environment.details(&runtime_files()), EnvironmentDetails::default());
    let lines = environment.config_lines(&[&setting("net.core.somaxconn")], &EnvironmentDetails::default());
    assert_eq!(lines.iter().map(|line| line.file.as_str()).collect::<Vec<_>>(), ["/etc/sysctl.d/5.conf"]);
}
