//! Remedies for pods, followed on a node of one's own: containerd, spoken to as a kubelet does.

use std::env;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::engine::{Ran, docker, name, wait_until};
use crate::images;
use crate::remedies::{finding, remedies};

const KUBELET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/containers/programs/kubelet.py");
const IMAGE: &str = "docker.io/library/tunectl-test-pod:latest";

/// A plugin for networks (CNI) that leaves the pod's as it is: containerd insists on one that gives an address.
const NETWORK: &str = r#"#!/bin/sh
case $CNI_COMMAND in
ADD) echo '{"cniVersion": "0.4.0", "interfaces": [{"name": "eth0", "sandbox": "'"$CNI_NETNS"'"}],
    "ips": [{"version": "4", "address": "10.1.0.2/24", "interface": 0}]}' ;;
VERSION) echo '{"cniVersion": "0.4.0", "supportedVersions": ["0.4.0"]}' ;;
esac
"#;

/// containerd and its image, gone when this is.
struct Node {
    folder: PathBuf,
    process: Child,
}

impl Node {
    /// Starts containerd with these limits, in the words of prlimit(1).
    fn start(limit: &str) -> Self {
        let folder = env::temp_dir().join(name());
        let write = |path: &str, text: &str| {
            let path = folder.join(path);
            fs::create_dir_all(path.with_file_name("")).unwrap_or_else(|error| panic!("{error}"));
            fs::write(&path, text).unwrap_or_else(|error| panic!("{error}"));
            path
        };
        write("networks/none.conflist", r#"{"cniVersion": "0.4.0", "name": "none", "plugins": [{"type": "none"}]}"#);
        let plugin = write("plugins/none", NETWORK);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&plugin, executable).unwrap_or_else(|error| panic!("{error}"));
        // containerd asks for this one by name, too.
        symlink("none", plugin.with_file_name("loopback")).unwrap_or_else(|error| panic!("{error}"));
        let settings = write("config.toml", &settings(&folder));
        let mut command = Command::new("prlimit");
        command.args([limit, "unshare", "--net", "--mount", "--propagation", "private", "containerd", "--config"]);
        let log = write("log", "");
        let log = fs::File::create(log).unwrap_or_else(|error| panic!("{error}"));
        command.arg(settings).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let process = command.spawn().unwrap_or_else(|error| panic!("cannot run `prlimit` (util-linux): {error}"));
        let node = Self { folder, process };
        wait_until("containerd answers", || node.ctr(&["version"]).code == 0);
        node
    }

    fn ctr(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(self.folder.join("socket")).args(["--namespace", "k8s.io"]).args(arguments);
        command.output().unwrap_or_else(|error| panic!("cannot run `ctr` (containerd): {error}")).into()
    }

    /// The image, as Docker builds it, is both what the pod's first process is of and the service.
    fn take_image(&self) {
        let image = images::with_shell().unwrap_or_else(|error| panic!("{error}"));
        let dockerfile = image.directory.join("Dockerfile");
        let text = fs::read_to_string(&dockerfile).unwrap_or_else(|error| panic!("{error}"));
        fs::write(&dockerfile, text + "CMD [\"/probe\", \"wait\"]\n").unwrap_or_else(|error| panic!("{error}"));
        docker(&["build", "--quiet", "--tag", IMAGE, &image.directory.to_string_lossy()]).expect_code(0);
        let archive = self.folder.join("image.tar");
        let archive = archive.to_string_lossy();
        docker(&["save", "--output", &archive, IMAGE]).expect_code(0);
        docker(&["rmi", IMAGE]).expect_code(0);
        self.ctr(&["images", "import", &archive]).expect_code(0);
    }

    /// Runs a pod to its end, the kubelet started with these flags.
    fn run(&self, pod: &str, flags: &[String]) -> Ran {
        let python = env::var("TUNECTL_TEST_PYTHON")
            .unwrap_or_else(|_| panic!("TUNECTL_TEST_PYTHON names no Python with grpc; `.ci/containers` brings one"));
        let mut command = Command::new(python);
        command.arg(KUBELET).arg(self.folder.join("socket")).arg(&self.folder).args(flags);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut kubelet = command.spawn().unwrap_or_else(|error| panic!("{error}"));
        let mut input = kubelet.stdin.take().unwrap_or_else(|| panic!("no pipe"));
        input.write_all(pod.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        drop(input);
        kubelet.wait_with_output().unwrap_or_else(|error| panic!("{error}")).into()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let killed = Command::new("kill").arg(self.process.id().to_string()).status();
        let ended = self.process.wait();
        let removed = fs::remove_dir_all(&self.folder);
        assert!(removed.is_ok() || std::thread::panicking(), "{killed:?} {ended:?} {removed:?}");
    }
}

/// The settings of containerd. It may not protect pods from the kernel's choice of what to kill: not every root may.
fn settings(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        r#"version = 2
root = "{folder}/root"
state = "{folder}/state"
[grpc]
address = "{folder}/socket"
[plugins."io.containerd.internal.v1.opt"]
path = "{folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
restrict_oom_score_adj = true
sandbox_image = "{IMAGE}"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{folder}/plugins"
conf_dir = "{folder}/networks"
"#
    )
}

/// A manifest, with these lines in the list of sysctls. The node's control groups are shown to the service.
fn pod(sysctls: &[String], command: &[&str]) -> String {
    let list: Vec<String> = sysctls.iter().map(|line| format!("\n    {line}")).collect();
    let list = if list.is_empty() { " []".to_owned() } else { list.concat() };
    format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: service}}
spec:
  securityContext:
    sysctls:{list}
  containers:
  - name: service
    image: {IMAGE}
    command: {}
    volumeMounts: [{{name: groups, mountPath: /sys/fs/cgroup, readOnly: true}}]
  volumes: [{{name: groups, hostPath: {{path: /sys/fs/cgroup}}}}]
",
        Value::from(command)
    )
}

fn json<'a>(asked: &[&'a str]) -> Vec<&'a str> {
    [&["/tunectl", "check", "--format", "json"], asked].concat()
}

#[test]
#[ignore = "container tier: needs containerd; run by .ci/containers"]
fn each_line_for_a_pod_mends_what_it_is_named_for() {
    let node = Node::start("--nofile=1000:2000");
    node.take_image();
    // What every pod may have, and what the kubelet has to be told of.
    for (asked, unsafe_too) in [
        ("net.ipv4.ip_local_port_range=1024 65535", false),
        ("net.ipv4.ip_unprivileged_port_start=0", false),
        ("net.core.somaxconn=32768", true),
        ("net.ipv4.tcp_mtu_probing=1", true),
        ("kernel.shmmni=5000", true),
        ("kernel.msgmax=9000", true),
        ("fs.mqueue.msg_max=20", true),
    ] {
        let (setting, _) = asked.split_once('=').unwrap_or_default();
        let said = finding(&node.run(&pod(&[], &json(&["--set", asked])), &[]).expect_code(1), setting);
        assert_eq!(said["cause"], "read-only-mount", "{said:#}");
        let (lines, flags) = (remedies(&said, "pod-spec"), remedies(&said, "kubelet"));
        assert_eq!((lines.len(), flags.len()), (1, usize::from(unsafe_too)), "{said:#}");
        let mended = pod(&lines, &["/tunectl", "check", "--set", asked]);
        node.run(&mended, &flags).expect_code(0);
        // Neither of the two is there for nothing.
        if unsafe_too {
            node.run(&mended, &[]).expect_code(1).expect_said(&["SysctlForbidden"]);
        }
    }
}

#[test]
#[ignore = "container tier: needs containerd; run by .ci/containers"]
fn what_is_the_node_s_to_give() {
    let short = Node::start("--nofile=1000:2000");
    short.take_image();
    // A pod has no place for these at all.
    for asked in ["kernel.domainname=queue", "user.max_inotify_watches=999"] {
        let (setting, _) = asked.split_once('=').unwrap_or_default();
        let said = finding(&short.run(&pod(&[], &json(&["--set", asked])), &[]).expect_code(1), setting);
        assert_eq!((remedies(&said, "pod-spec"), remedies(&said, "kubelet")), (vec![], vec![]), "{said:#}");
    }
    let threads = ["-p", "threads"];
    let few = ["--pod-max-pids=100".to_owned()];
    let said = finding(&short.run(&pod(&[], &json(&threads)), &few).expect_code(1), "nproc (soft)");
    assert_eq!(said["cause"], "pids-max", "{said:#}");
    let flags = remedies(&said, "kubelet");
    assert_eq!(flags, ["--pod-max-pids=200"], "{said:#}");
    short.run(&pod(&[], &["/tunectl", "check", "-p", "threads"]), &flags).expect_code(0);

    let files = ["--rlimit", "nofile=4000"];
    let said = finding(&short.run(&pod(&[], &json(&files)), &[]).expect_code(1), "nofile (hard)");
    assert_eq!(said["cause"], "hard-limit", "{said:#}");
    let line = remedies(&said, "runtime-unit").concat();
    assert_eq!(line, "LimitNOFILE=4000", "{said:#}");
    drop(short);
    // Which systemd does to containerd before it starts it.
    let (name, values) = line.trim_start_matches("Limit").split_once('=').unwrap_or_default();
    let node = Node::start(&format!("--{}={values}", name.to_lowercase()));
    node.take_image();
    node.run(&pod(&[], &["/tunectl", "check", "--rlimit", "nofile=4000"]), &[]).expect_code(0);
}
