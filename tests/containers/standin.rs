//! tunectl in the place of the init that an engine brings: named by the engine's own settings, with nothing else
//! changed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::engine::{Ran, docker, name, wait_until};
use crate::init::line;
use crate::podman::Podman;
use crate::{images, programs};

/// What is left of an orphan that ends after it was adopted?
const ORPHAN: &str = "(busybox sleep 0.1 &); busybox sleep 0.5; echo \"child of $PPID\"; for process in /proc/[0-9]*; do \
    read pid name state rest <$process/stat; case $state in Z) echo \"zombie $name\";; esac; done; exit 42";

/// Ends by itself when it is told to.
const STOPS: &str = "trap 'echo stopping; exit 3' TERM; echo up; while :; do busybox sleep 0.1; done";

/// A link to tunectl under another name, in a folder of its own.
fn called(init: &str) -> PathBuf {
    let binary = programs::tunectl().unwrap_or_else(|error| panic!("{error}"));
    let folder = programs::scratch().join(name());
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{error}"));
    symlink(binary, folder.join(init)).unwrap_or_else(|error| panic!("{error}"));
    folder.join(init)
}

fn remove(link: &Path) {
    fs::remove_dir_all(link.with_file_name("")).unwrap_or_else(|error| panic!("{error}"));
}

/// What an init is for: `run` runs a container to its end, `stopped` one until it is up, and stops it.
#[track_caller]
fn does_its_work(run: &dyn Fn(&[&str]) -> Ran, stopped: &dyn Fn(&[&str]) -> (i32, String)) {
    assert_eq!(run(&line(&[], ORPHAN)).expect_code(42).stdout, "child of 1\n");
    run(&line(&[], "kill -9 $$")).expect_code(137);
    run(&line(&[], "kill -37 $$")).expect_code(165);
    assert_eq!(stopped(&line(&[], STOPS)), (3, "up\nstopping\n".to_owned()));
}

#[test]
#[ignore = "container tier: needs Podman; run by .ci/containers"]
fn tunectl_works_as_podman_init() {
    let podman = Podman::shared();
    // Podman's own first: the same is expected of it.
    let ours = ["catatonit", "docker-init"].map(called);
    for init in [Path::new("/usr/bin/catatonit")].into_iter().chain(ours.iter().map(PathBuf::as_path)) {
        let path = init.to_string_lossy();
        let options = ["--init", "--init-path", &path];
        does_its_work(&|command| podman.run(&options, command), &|command| podman.stopped(&options, command, "up"));
        let setting = format!("init_path = \"{path}\"");
        let ran = podman.run_with(&setting, &["--init"], &line(&[], ORPHAN)).expect_code(42);
        assert_eq!(ran.stdout, "child of 1\n", "{path}");
    }
    for link in &ours {
        remove(link);
    }
}

/// With `dockerd --init-path`, and `--init` or the engine's own setting for it.
#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn tunectl_works_as_docker_init() {
    let init = called("docker-init");
    let engine = Engine::start(&init);
    let image = images::with_shell().unwrap_or_else(|error| panic!("{error}"));
    engine.docker(&["build", "--quiet", "--tag", "shell", &image.directory.to_string_lossy()]).expect_code(0);
    let told = engine.docker(&["info", "--format", "{{.InitBinary}} {{.InitCommit.ID}}"]).expect_code(0);
    assert_eq!(told.stdout, format!("{} tunectl\n", init.display()));
    let run = |command: &[&str]| engine.docker(&[&["run", "--rm", "--init", "shell"], command].concat());
    does_its_work(&run, &|command| {
        engine.docker(&[&["run", "--detach", "--init", "--name", "stopped", "shell"], command].concat()).expect_code(0);
        wait_until("the service is up", || engine.docker(&["logs", "stopped"]).stdout.contains("up"));
        engine.docker(&["stop", "--time", "60", "stopped"]).expect_code(0);
        let code = engine.docker(&["inspect", "--format", "{{.State.ExitCode}}", "stopped"]).stdout;
        (code.trim().parse().unwrap_or(-1), engine.docker(&["logs", "stopped"]).stdout)
    });
    // Where no argument can be given, a variable can.
    let profile = ["run", "--rm", "--init", "--env", "TUNECTL_PROFILE=/profiles/none.toml", "shell"];
    engine.docker(&[&profile[..], &line(&[], "exit 7")].concat()).expect_code(2);
    drop(engine);
    remove(&init);
}

/// An engine with another init, in a network namespace of its own, and nothing left of it.
struct Engine {
    folder: PathBuf,
    host: String,
    process: Child,
}

impl Engine {
    fn start(init: &Path) -> Self {
        let folder = std::env::temp_dir().join(name());
        fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{error}"));
        let log = fs::File::create(folder.join("log")).unwrap_or_else(|error| panic!("{error}"));
        let host = format!("unix://{}/socket", folder.display());
        let mut command = Command::new("unshare");
        command
            .args(["--net", "--mount", "--propagation", "private", "dockerd", "--host", &host, "--init-path"])
            .arg(init);
        command.args(["--bridge=none", "--iptables=false", "--ip6tables=false"]);
        for (flag, name) in [("--data-root", "data"), ("--exec-root", "exec"), ("--pidfile", "pid")] {
            command.arg(flag).arg(folder.join(name));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let process = command.spawn().unwrap_or_else(|error| panic!("cannot run `unshare`: {error}"));
        let engine = Self { folder, host, process };
        wait_until("dockerd answers", || engine.docker(&["version"]).code == 0);
        engine
    }

    fn docker(&self, arguments: &[&str]) -> Ran {
        docker(&[&["--host", &self.host], arguments].concat())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let killed = Command::new("kill").arg(self.process.id().to_string()).status();
        let ended = self.process.wait();
        let removed = fs::remove_dir_all(&self.folder);
        assert!(removed.is_ok() || std::thread::panicking(), "{killed:?} {ended:?} {removed:?}");
    }
}
