//! Remedies for pods, followed on a node of one's own: a kubelet that is given the flags, and the manifests.
//!
//! It is an old one: what was found safe for every pod after its time, it has to be told of.

use serde_json::Value;

use crate::node::{Archive, Node};
use crate::pod::{End, Pod};
use crate::remedies::{finding, remedies};

/// The kubelet's version.
const RELEASE: &str = "1.20";

/// With limits that nobody needs a right for.
const FEW: &str = "--nofile=1000:2000";

fn json<'a>(asked: &[&'a str]) -> Vec<&'a str> {
    [&["/tunectl", "check", "--format", "json"], asked].concat()
}

/// What is said of a setting by a pod without sysctls, that falls short of what is asked.
#[track_caller]
fn said_of(end: End, asked: &str) -> Value {
    let (setting, _) = asked.split_once('=').unwrap_or_default();
    finding(&end.ran().expect_code(1), setting)
}

/// Which kubelet lets every pod have it.
#[derive(Clone, Copy)]
enum Safe {
    Always,
    /// On one that is not older than this; an older one has to be told.
    Since(&'static str),
    /// On none that is not told.
    Never,
}

/// The second part of a version: the first has always been 1.
fn minor(version: &str) -> u32 {
    let part = version.split('.').nth(1).and_then(|part| part.parse().ok());
    part.unwrap_or_else(|| panic!("expected a version, found `{version}`"))
}

/// The flags for the kubelet, if it is older than a version, and that version.
fn for_older(finding: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_default();
    let remedies = finding["remedies"].as_array().into_iter().flatten();
    let here = remedies.filter(|remedy| remedy["place"] == "older-kubelet");
    here.map(|remedy| (text(&remedy["spot"]), text(&remedy["text"]))).collect()
}

/// The line for the pod, and the flags that this kubelet is to be started with.
#[track_caller]
fn followed(said: &Value, safe: Safe) -> (Vec<String>, Vec<String>) {
    assert_eq!(said["cause"], "read-only-mount", "{said:#}");
    let (lines, mut flags) = (remedies(said, "pod-spec"), remedies(said, "kubelet"));
    let older = for_older(said);
    let versions: Vec<&str> = older.iter().map(|(version, _)| version.as_str()).collect();
    let expected = match safe {
        Safe::Always => (1, 0, vec![]),
        Safe::Since(version) => (1, 0, vec![version]),
        Safe::Never => (1, 1, vec![]),
    };
    assert_eq!((lines.len(), flags.len(), versions), expected, "{said:#}");
    flags.extend(older.into_iter().filter(|(version, _)| minor(RELEASE) < minor(version)).map(|(_, flag)| flag));
    (lines, flags)
}

#[test]
#[ignore = "container tier: needs containerd and a kubelet; run by .ci/containers"]
fn each_pod_spec_line_fixes_its_setting() {
    // What every pod may have, and what the kubelet has to be told of.
    let cases = [
        ("net.ipv4.ip_local_port_range=1024 65535", Safe::Always),
        ("net.ipv4.ping_group_range=0 1000", Safe::Since("1.18")),
        ("net.ipv4.ip_unprivileged_port_start=0", Safe::Since("1.22")),
        ("net.core.somaxconn=32768", Safe::Never),
        ("net.ipv4.tcp_mtu_probing=1", Safe::Never),
        ("kernel.shmmni=5000", Safe::Never),
        ("kernel.msgmax=9000", Safe::Never),
        ("fs.mqueue.msg_max=20", Safe::Never),
    ];
    let archive = Archive::new();
    let strict = Node::start(&archive, FEW, &[]);
    let short: Vec<Pod> = cases.iter().map(|(asked, _)| Pod::new(&[], &json(&["--set", asked]))).collect();
    let (mut admitted, mut refused, mut allowing) = (vec![], vec![], vec![]);
    for ((asked, safe), end) in cases.into_iter().zip(strict.run_all(&short)) {
        let (lines, flags) = followed(&said_of(end, asked), safe);
        let mended = Pod::new(&lines, &["/tunectl", "check", "--set", asked]);
        if flags.is_empty() {
            admitted.push(mended);
        } else {
            refused.push((asked, mended));
        }
        allowing.extend(flags);
    }
    assert_eq!((admitted.len(), refused.len()), (2, 6));
    for end in strict.run_all(&admitted) {
        end.ran().expect_code(0);
    }
    // Neither of the two is there for nothing.
    let (asked, mended): (Vec<&str>, Vec<Pod>) = refused.into_iter().unzip();
    for (asked, end) in asked.into_iter().zip(strict.run_all(&mended)) {
        let End::Refused { reason, message } = end else { panic!("{asked}: {end:?}") };
        let (setting, _) = asked.split_once('=').unwrap_or_default();
        assert_eq!(reason, "SysctlForbidden", "{message}");
        assert!(message.contains(&format!("\"{setting}\" not whitelisted")), "{message}");
    }
    drop(strict);
    let lenient = Node::start(&archive, FEW, &allowing);
    for end in lenient.run_all(&mended) {
        end.ran().expect_code(0);
    }
}

#[test]
#[ignore = "container tier: needs containerd and a kubelet; run by .ci/containers"]
fn settings_no_pod_can_set_are_fixed_on_the_node() {
    let archive = Archive::new();
    let short = Node::start(&archive, FEW, &[]);
    // A pod has no place for the first two at all.
    let asked = ["kernel.domainname=queue", "user.max_inotify_watches=999"];
    let [domain, watches] = asked.map(|asked| Pod::new(&[], &json(&["--set", asked])));
    let files = Pod::new(&[], &json(&["--rlimit", "nofile=4000"]));
    let mut ends = short.run_all(&[domain, watches, files]);
    let said = finding(&ends.remove(2).ran().expect_code(1), "nofile (hard)");
    for (asked, end) in asked.into_iter().zip(ends) {
        let said = said_of(end, asked);
        assert_eq!((remedies(&said, "pod-spec"), remedies(&said, "kubelet")), (vec![], vec![]), "{said:#}");
    }
    drop(short);
    assert_eq!(said["cause"], "hard-limit", "{said:#}");
    let line = remedies(&said, "runtime-unit").concat();
    assert_eq!(line, "LimitNOFILE=4000", "{said:#}");
    // Which systemd does to containerd before it starts it.
    let (name, values) = line.trim_start_matches("Limit").split_once('=').unwrap_or_default();
    let node = Node::start(&archive, &format!("--{}={values}", name.to_lowercase()), &[]);
    node.run(&Pod::new(&[], &["/tunectl", "check", "--rlimit", "nofile=4000"])).ran().expect_code(0);
}

#[test]
#[ignore = "container tier: needs containerd and a kubelet; run by .ci/containers"]
fn kubelet_pid_limit_is_named_as_the_cause() {
    let archive = Archive::new();
    let threads = ["-p", "threads"];
    let few = Node::start(&archive, FEW, &["--pod-max-pids=100".to_owned()]);
    let said = finding(&few.run(&Pod::new(&[], &json(&threads))).ran().expect_code(1), "nproc (soft)");
    drop(few);
    assert_eq!(said["cause"], "pids-max", "{said:#}");
    let flags = remedies(&said, "kubelet");
    assert_eq!(flags, ["--pod-max-pids=200"], "{said:#}");
    let enough = Node::start(&archive, FEW, &flags);
    enough.run(&Pod::new(&[], &["/tunectl", "check", "-p", "threads"])).ran().expect_code(0);
}
