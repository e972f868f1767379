//! One pure case for each file of `src/diagnose/causes` and `src/diagnose/runtimes`: facts in, code and remedies out. A
//! new file without a row fails here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use nix::errno::Errno;
use tunectl::diagnose::{Diagnosis, DiagnosisContext, diagnose, runtime_files};
use tunectl::environment::{Environment, EnvironmentDetails, Namespaces, RuntimeHints};
use tunectl::kernel::{Evidence, KernelError, Operation};
use tunectl::linux::cgroup::CgroupVersion;
use tunectl::model::limit::{Limit, Resource, Side};
use tunectl::model::setting::Setting;
use tunectl::model::value::Value;
use tunectl::plan::Unreadable;
use tunectl::report::{Outcome, Report, Shortfall};

use crate::odd::{finding, requirement, setting, texts};
use crate::pasted::{free, known, machine, own, refused};
use crate::support::scratch::Scratch;

const NOFILE: [Setting; 2] =
    [Setting::Limit(Resource::Nofile, Side::Soft), Setting::Limit(Resource::Nofile, Side::Hard)];

/// The file, outcomes of which the first is diagnosed, where, the code of the cause and the texts of the remedies.
type FamilyRow = (&'static str, Vec<Outcome>, Environment, &'static str, &'static [&'static str]);

/// The file, a container of that runtime, and the texts of the remedies for a key, a limit and the number of processes.
type RuntimeRow =
    (&'static str, Environment, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

/// The names of the files of a folder of `src/diagnose`, but for what they share.
fn files(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnose").join(folder);
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "mod.rs").collect()
}

/// What is said of the first of some outcomes.
fn diagnosed(outcomes: Vec<Outcome>, environment: &Environment) -> Diagnosis {
    let details = environment.details(&runtime_files());
    let config_lines = environment.config_lines(&[&outcomes[0].requirement.setting], &details);
    let report = Report { outcomes };
    let mut context = DiagnosisContext::new(environment, &details, &report);
    context.config_lines = &config_lines;
    diagnose(&report.outcomes[0], &context).unwrap()
}

/// A container whose runtime is not the test machine's.
fn container(runtime_hints: RuntimeHints) -> Environment {
    let initial = Namespaces { net: Some(false), uts: Some(false), ipc: Some(false), ..Namespaces::default() };
    known(initial, 0, EnvironmentDetails { runtime_hints, cgroups: Some(CgroupVersion::V2), ..free() })
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn every_family_of_causes_is_found_and_has_its_remedies() {
    let root = Scratch::new();
    root.write("etc/sysctl.d/50-site.conf", "net.core.somaxconn = 5\n");
    let with_file = Environment::linux(root.path(), 0, &|_| None);
    let confined = known(
        Namespaces { user: Some(true), net: Some(false), ..Namespaces::default() },
        0,
        EnvironmentDetails { confined: Some("docker-default (enforce)".to_owned()), ..free() },
    );
    let key = |shortfall, evidence| vec![finding(setting("net.core.somaxconn"), shortfall, evidence)];
    let denied = || refused(Operation::OpenToWrite, Errno::EACCES);
    let [soft, hard] = NOFILE;
    let low = Evidence { hard_limit: Some(Limit::Value(5)), ..Evidence::default() };
    let absent = Evidence { exists: Some(false), tree_present: Some(true), ..Evidence::default() };
    let capped = Outcome {
        requirement: requirement(hard.clone(), Value::Limit(Limit::Value(5))),
        ..finding(hard.clone(), Shortfall::NotKept, low)
    };
    let unread =
        Shortfall::Unread(Unreadable::Refused(KernelError { operation: Operation::OpenToRead, errno: Errno::ENOENT }));
    let rows: Vec<FamilyRow> = vec![
        (
            "access.rs",
            key(refused(Operation::OpenToWrite, Errno::EROFS), Evidence { read_only_mount: Some(true), ..own() }),
            machine(0, free()),
            "read-only-mount",
            &["sudo sysctl -w net.core.somaxconn=9999", "net.core.somaxconn = 9999"],
        ),
        (
            "config_files.rs",
            key(Shortfall::Differs, own()),
            with_file,
            "set-elsewhere",
            &["tunectl apply", "net.core.somaxconn = 9999"],
        ),
        (
            "confinement.rs",
            key(denied(), own()),
            confined,
            "security-module",
            &["sudo sysctl -w net.core.somaxconn=9999"],
        ),
        (
            "contradiction.rs",
            vec![finding(soft.clone(), Shortfall::Differs, low), capped],
            machine(0, free()),
            "contradiction",
            &["nofile = { soft = 5, hard = 5 }"],
        ),
        (
            "limits.rs",
            vec![finding(hard.clone(), refused(Operation::SetLimits, Errno::EPERM), low)],
            machine(1000, free()),
            "hard-limit",
            &["sudo tunectl apply", "LimitNOFILE=9999"],
        ),
        (
            "missing_key.rs",
            vec![finding(setting("net.core.somaxcom"), unread, absent)],
            machine(0, free()),
            "no-such-key",
            &["\"net.core.somaxconn\" = 9999"],
        ),
        (
            "namespaces.rs",
            vec![finding(setting("vm.swappiness"), Shortfall::HostOwned, own())],
            container(RuntimeHints::named("docker")),
            "host-setting",
            &["sudo sysctl -w vm.swappiness=9999", "vm.swappiness = 9999"],
        ),
        ("unexplained.rs", key(refused(Operation::Write, Errno::EIO), own()), machine(0, free()), "unknown", &[]),
        (
            "untried.rs",
            key(Shortfall::Differs, own()),
            machine(0, free()),
            "not-applied",
            &["tunectl apply", "sudo tunectl apply --persist"],
        ),
        ("values.rs", key(refused(Operation::Write, Errno::EINVAL), own()), machine(0, free()), "value-refused", &[]),
    ];
    let named: BTreeSet<String> = rows.iter().map(|(file, ..)| (*file).to_owned()).collect();
    assert_eq!(files("causes"), named, "a file without a row, or a row without a file");
    for (file, outcomes, environment, code, remedies) in rows {
        let found = diagnosed(outcomes, &environment);
        assert_eq!(found.cause.code(), code, "{file}");
        assert_eq!(texts(&found), remedies, "{file}");
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn every_runtime_is_recognised_and_told_in_its_own_words() {
    let named = |name| container(RuntimeHints::named(name));
    let pod = container(RuntimeHints { variables: vec!["KUBERNETES_SERVICE_HOST"], ..RuntimeHints::default() });
    let rows: Vec<RuntimeRow> = vec![
        (
            "engine.rs",
            named("docker"),
            &["docker run --sysctl net.core.somaxconn=9999", "net.core.somaxconn: \"9999\""],
            &["docker run --ulimit nofile=9999:9999", "nofile: {soft: 9999, hard: 9999}"],
            &["docker run --pids-limit 9999", "pids_limit: 9999"],
        ),
        (
            "host.rs",
            machine(0, free()),
            &["sudo sysctl -w net.core.somaxconn=9999", "net.core.somaxconn = 9999"],
            &["LimitNOFILE=9999"],
            &["TasksMax=9999"],
        ),
        (
            "kubernetes.rs",
            pod,
            &["- {name: net.core.somaxconn, value: \"9999\"}", "--allowed-unsafe-sysctls=net.core.somaxconn"],
            &["LimitNOFILE=9999"],
            &["--pod-max-pids=9999"],
        ),
        (
            "lxc.rs",
            named("lxc"),
            &["lxc.sysctl.net.core.somaxconn = 9999"],
            &["lxc.prlimit.nofile = 9999:9999"],
            &["lxc.cgroup2.pids.max = 9999"],
        ),
        (
            "nspawn.rs",
            named("systemd-nspawn"),
            &["SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes systemd-nspawn"],
            &["systemd-nspawn --rlimit=NOFILE=9999:9999"],
            &["TasksMax=9999"],
        ),
        (
            "engine.rs",
            named("podman"),
            &["podman run --sysctl net.core.somaxconn=9999", "net.core.somaxconn: \"9999\""],
            &["podman run --ulimit nofile=9999:9999", "nofile: {soft: 9999, hard: 9999}"],
            &["podman run --pids-limit 9999", "pids_limit: 9999"],
        ),
        (
            "unknown.rs",
            named("martian"),
            &["sudo tunectl apply --pid PID --set net.core.somaxconn=9999"],
            &["sudo tunectl apply --pid PID --rlimit nofile=9999:9999"],
            &[],
        ),
    ];
    let listed: BTreeSet<String> = rows.iter().map(|(file, ..)| (*file).to_owned()).collect();
    assert_eq!(files("runtimes"), listed, "a file without a row, or a row without a file");
    let [_, hard] = NOFILE;
    let low = Evidence { hard_limit: Some(Limit::Value(5)), ..Evidence::default() };
    let read_only = Evidence { read_only_mount: Some(true), ..own() };
    for (file, environment, key, limit, pids) in rows {
        let erofs = refused(Operation::OpenToWrite, Errno::EROFS);
        let of_key = diagnosed(vec![finding(setting("net.core.somaxconn"), erofs, read_only)], &environment);
        assert_eq!(texts(&of_key), key, "{file}");
        let of_limit =
            diagnosed(vec![finding(hard.clone(), refused(Operation::SetLimits, Errno::EPERM), low)], &environment);
        assert_eq!(texts(&of_limit), limit, "{file}");
        let nproc = Setting::Limit(Resource::Nproc, Side::Soft);
        let of_pids = diagnosed(vec![finding(nproc, Shortfall::Capped(7), Evidence::default())], &environment);
        assert_eq!(texts(&of_pids), pids, "{file}");
    }
}
