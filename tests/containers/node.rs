//! A node of Kubernetes: containerd and a kubelet that runs the pods whose manifests are in a folder, without an API server.

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::engine::{docker, name};
use crate::images;
use crate::pod::{End, Pod};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/containers/programs/node.sh");

/// A plugin for networks (CNI) that leaves the pod's as it is: containerd insists on one that gives an address.
const NETWORK: &str = r#"#!/bin/sh
case $CNI_COMMAND in
ADD) echo '{"cniVersion": "0.4.0", "interfaces": [{"name": "eth0", "sandbox": "'"$CNI_NETNS"'"}],
    "ips": [{"version": "4", "address": "10.1.0.2/24", "interface": 0}]}' ;;
VERSION) echo '{"cniVersion": "0.4.0", "supportedVersions": ["0.4.0"]}' ;;
esac
"#;

/// What the first process of each pod is of, and the service, and a static busybox, all in one folder.
pub(crate) struct Archive {
    folder: PathBuf,
    image: String,
}

impl Archive {
    /// The image as Docker builds it.
    pub(crate) fn new() -> Self {
        let image = images::with_shell().unwrap_or_else(|error| panic!("{error}"));
        let from = |file: &str| image.directory.join(file);
        let text = fs::read_to_string(from("Dockerfile")).unwrap_or_else(|error| panic!("{error}"));
        fs::write(from("Dockerfile"), text + "CMD [\"/probe\", \"wait\"]\n").unwrap_or_else(|error| panic!("{error}"));
        let name = name();
        let archive = Self { folder: env::temp_dir().join(&name), image: format!("docker.io/library/{name}:latest") };
        fs::create_dir_all(&archive.folder).unwrap_or_else(|error| panic!("{error}"));
        fs::copy(from("busybox"), archive.folder.join("busybox")).unwrap_or_else(|error| panic!("{error}"));
        let saved = archive.folder.join("image.tar");
        docker(&["build", "--quiet", "--tag", &archive.image, &image.directory.to_string_lossy()]).expect_code(0);
        docker(&["save", "--output", &saved.to_string_lossy(), &archive.image]).expect_code(0);
        docker(&["rmi", &archive.image]).expect_code(0);
        archive
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        let removed = fs::remove_dir_all(&self.folder);
        assert!(removed.is_ok() || std::thread::panicking(), "{removed:?}");
    }
}

/// containerd, a kubelet and all that they have started: gone when this is.
pub(crate) struct Node {
    folder: PathBuf,
    image: String,
    groups: Vec<PathBuf>,
    process: Child,
    pods: AtomicUsize,
}

impl Node {
    /// Starts containerd with this limit, in the words of prlimit(1), and the kubelet with these flags.
    pub(crate) fn start(archive: &Archive, limit: &str, flags: &[String]) -> Self {
        let name = name();
        let folder = env::temp_dir().join(&name);
        furnish(&folder, archive).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let groups: Vec<PathBuf> = hierarchies().into_iter().map(|hierarchy| hierarchy.join(&name)).collect();
        for group in &groups {
            fs::create_dir(group).unwrap_or_else(|error| panic!("{}: {error}", group.display()));
        }
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "sh", SCRIPT]);
        command.arg(&folder).arg(limit).args(flags);
        let said = fs::File::create(folder.join("node.log")).unwrap_or_else(|error| panic!("{error}"));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(said);
        let process = command.spawn().unwrap_or_else(|error| panic!("cannot run `unshare` (util-linux): {error}"));
        let node = Self { folder, image: archive.image.clone(), groups, process, pods: AtomicUsize::new(0) };
        node.wait_until("the kubelet answers", || node.folder.join("pods.json").exists());
        node
    }

    /// Runs pods to their ends, all at once.
    pub(crate) fn run_all(&self, pods: &[Pod]) -> Vec<End> {
        let names: Vec<String> = pods.iter().map(|pod| self.submit(pod)).collect();
        let mut ends = Vec::new();
        for name in names {
            self.wait_until(&format!("{name} has ended"), || self.end(&name).is_some());
            ends.extend(self.end(&name));
        }
        ends
    }

    /// Runs one pod to its end.
    pub(crate) fn run(&self, pod: &Pod) -> End {
        self.run_all(std::slice::from_ref(pod)).remove(0)
    }

    /// Asks until it holds; fails the test where it doesn't in time, and shows what the node has said last.
    #[track_caller]
    fn wait_until(&self, what: &str, holds: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(120);
        // What a process that has ended was of is not told any more, proc_pid_exe(5).
        let program = PathBuf::from(format!("/proc/{}/exe", self.process.id()));
        while !holds() {
            assert!(program.exists(), "the node has ended before this: {what}{}", self.logs());
            assert!(Instant::now() < end, "not after 120 s: {what}{}", self.logs());
            sleep(Duration::from_millis(50));
        }
    }

    /// Of the kubelet errors alone, `E1122 08:39:14…`, without what each of its threads was at when it gave up.
    fn logs(&self) -> String {
        let error = |line: &str| matches!(line.as_bytes(), [b'E' | b'F', b'0' | b'1', ..]);
        let last = |log: &str| {
            let text = fs::read_to_string(self.folder.join(log)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().filter(|line| log != "kubelet.log" || error(line)).collect();
            format!("\n--- {log}\n{}", lines[lines.len().saturating_sub(10)..].join("\n"))
        };
        ["node.log", "containerd.log", "kubelet.log"].map(last).concat()
    }

    /// Under a name that no other pod has; whole at once, for what starts with a dot is no manifest.
    fn submit(&self, pod: &Pod) -> String {
        let name = format!("service-{}", self.pods.fetch_add(1, Ordering::Relaxed));
        let folder = self.folder.join("manifests");
        let unfinished = folder.join(format!(".{name}"));
        fs::write(&unfinished, pod.manifest(&name, &self.image)).unwrap_or_else(|error| panic!("{error}"));
        fs::rename(&unfinished, folder.join(format!("{name}.yaml"))).unwrap_or_else(|error| panic!("{error}"));
        name
    }

    /// A pod of a file has the node's name behind its own.
    fn end(&self, name: &str) -> Option<End> {
        let pods: Value = serde_json::from_slice(&fs::read(self.folder.join("pods.json")).ok()?).ok()?;
        let name = format!("{name}-node");
        let pod = pods["items"].as_array()?.iter().find(|pod| pod["metadata"]["name"] == *name)?;
        End::of(pod, &self.folder.join("logs/pods"))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // With the pipe's end, the first process of its namespaces ends, and with that all others.
        drop(self.process.stdin.take());
        let ended = self.process.wait();
        let grouped: Result<Vec<()>, _> = self.groups.iter().map(|group| remove_group(group)).collect();
        let removed = fs::remove_dir_all(&self.folder);
        let clean = ended.is_ok() && grouped.is_ok() && removed.is_ok();
        assert!(clean || std::thread::panicking(), "{ended:?} {grouped:?} {removed:?}");
    }
}

/// All that node.sh asks of its folder.
fn furnish(folder: &Path, archive: &Archive) -> crate::Outcome<()> {
    let kubelet = env::var("TUNECTL_TEST_KUBELET")
        .map_err(|_| "TUNECTL_TEST_KUBELET names no kubelet; `.ci/containers` builds one")?;
    for part in ["manifests", "networks", "plugins"] {
        fs::create_dir_all(folder.join(part))?;
    }
    // Where the machine's own folders can't be seen from.
    fs::hard_link(&kubelet, folder.join("kubelet"))
        .or_else(|_| fs::copy(&kubelet, folder.join("kubelet")).map(drop))?;
    for file in ["busybox", "image.tar"] {
        fs::copy(archive.folder.join(file), folder.join(file))?;
    }
    fs::write(folder.join("resolv.conf"), "nameserver 127.0.0.1\n")?;
    let network = r#"{"cniVersion": "0.4.0", "name": "none", "plugins": [{"type": "none"}]}"#;
    fs::write(folder.join("networks/none.conflist"), network)?;
    let plugin = folder.join("plugins/none");
    fs::write(&plugin, NETWORK)?;
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o755))?;
    // containerd asks for this one by name, too.
    symlink("none", plugin.with_file_name("loopback"))?;
    fs::write(folder.join("config.toml"), settings(folder, &archive.image))?;
    Ok(())
}

/// The settings of containerd. It may not protect pods from the kernel's choice of what to kill: not every root may.
fn settings(folder: &Path, image: &str) -> String {
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
sandbox_image = "{image}"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{folder}/plugins"
conf_dir = "{folder}/networks"
"#
    )
}

/// Where the hierarchies of control groups are mounted, of both versions.
fn hierarchies() -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_else(|error| panic!("{error}"));
    let lines = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    lines.filter(|words| matches!(words[..], [_, _, "cgroup" | "cgroup2", ..])).map(|words| words[1].into()).collect()
}

/// Those within it first: no group with another in it goes away.
fn remove_group(group: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(group)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_group(&entry.path())?;
        }
    }
    fs::remove_dir(group)
}
