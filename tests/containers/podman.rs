//! Podman, with storage and settings of its own and nothing left behind.

use std::env;
use std::fs;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::engine::{Ran, name, wait_until};
use crate::{Outcome, images, programs};

/// What all its containers are made of: the image that `images::with_shell` describes.
const IMAGE: &str = "localhost/tunectl-test";

/// No network but a namespace of the container's own, so that nothing is set up on the machine. Where crun is installed
/// Podman takes it, and it refuses to run where control groups of both versions are mounted; runc runs there too.
const SETTINGS: &str = "[containers]
netns = \"none\"
[engine]
runtime = \"runc\"
cgroup_manager = \"cgroupfs\"
events_logger = \"none\"
lock_type = \"file\"
";

/// Without these Podman raises them as high as the machine's root usually may, and here perhaps may not.
const LIMITS: [&str; 2] = ["--ulimit=nofile=1000:2000", "--ulimit=nproc=500:500"];

/// Whose containers they are where not root's: it owns nothing else, on any machine.
const NOBODY: u32 = 65534;

/// A store of Podman's with one image, gone with all its containers when the last test that holds it is done.
#[derive(Debug)]
pub(crate) struct Podman {
    folder: PathBuf,
    rootless: bool,
}

impl Podman {
    /// The store that all tests share.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Podman>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = shared.upgrade() {
            return store;
        }
        let store = Arc::new(Self::new(false));
        *shared = Arc::downgrade(&store);
        store
    }

    /// A store of a user's who is not root, and logs in for each command, with these lines for `pam_limits(8)` and no others.
    pub(crate) fn rootless(limits: &str) -> Self {
        let store = Self::new(true);
        store.log_in_with("50-few.conf", limits);
        store
    }

    /// Adds a file to those of `pam_limits(8)`.
    pub(crate) fn log_in_with(&self, name: &str, limits: &str) {
        fs::write(self.folder.join("limits.d").join(name), limits).unwrap_or_else(|error| panic!("{error}"));
    }

    #[track_caller]
    fn new(rootless: bool) -> Self {
        // Podman takes no path of more than 50 letters for some of what it keeps.
        let store = Self { folder: env::temp_dir().join(name()), rootless };
        store.prepare().unwrap_or_else(|error| panic!("cannot set Podman up: {error}"));
        let image = store.folder.join("image");
        store.ok(&["build", "--quiet", "--layers=false", "--tag", IMAGE, &image.to_string_lossy()]);
        store
    }

    fn prepare(&self) -> Outcome<()> {
        let image = images::with_shell()?;
        for folder in ["home", "limits.d"] {
            fs::create_dir_all(self.folder.join(folder))?;
        }
        fs::write(self.settings(), SETTINGS)?;
        let mut copy = Command::new("cp");
        copy.arg("--recursive").arg(&image.directory).arg(self.folder.join("image"));
        programs::succeed(copy)?;
        if self.rootless {
            for path in [self.folder.clone(), self.folder.join("home")] {
                chown(path, Some(NOBODY), None)?;
            }
        }
        Ok(())
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("containers.conf")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", "120"]);
        if self.rootless {
            let script =
                "mount --bind \"$1/limits.d\" /etc/security/limits.d; export XDG_RUNTIME_DIR=\"$1/home\"; shift
                exec su --shell /bin/sh --command 'HOME=$XDG_RUNTIME_DIR exec \"$@\"' nobody -- sh \"$@\"";
            command
                .args(["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"])
                .arg(&self.folder);
        }
        command.args(["podman", "--storage-driver", "vfs"]);
        for (flag, folder) in [("--root", "root"), ("--runroot", "run"), ("--tmpdir", "tmp")] {
            command.arg(flag).arg(self.folder.join(folder));
        }
        command.args(arguments).env("CONTAINERS_CONF", self.settings());
        command
    }

    /// Runs `podman` with these arguments to its end.
    pub(crate) fn podman(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output();
        output.unwrap_or_else(|error| panic!("cannot run `timeout` (coreutils): {error}")).into()
    }

    /// [`Podman::podman`], where anything but success fails the test.
    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.podman(arguments);
        assert_eq!(ran.code, 0, "`podman {}` failed (`.ci/containers` installs it):\n{ran:?}", arguments.join(" "));
        ran.stdout.trim_end().to_owned()
    }

    /// Runs a container to its end: `podman run OPTIONS IMAGE COMMAND`.
    pub(crate) fn run(&self, options: &[&str], command: &[&str]) -> Ran {
        self.podman(&self.container(&["run", "--rm"], options, command))
    }

    /// The same with one more line at the end of Podman's settings, in the table `[engine]`.
    pub(crate) fn run_with(&self, setting: &str, options: &[&str], command: &[&str]) -> Ran {
        let settings = self.folder.join(name());
        fs::write(&settings, format!("{SETTINGS}{setting}\n")).unwrap_or_else(|error| panic!("{error}"));
        let mut podman = self.command(&self.container(&["run", "--rm"], options, command));
        podman.env("CONTAINERS_CONF", settings);
        podman.output().unwrap_or_else(|error| panic!("{error}")).into()
    }

    /// Starts a container, waits until it has said `ready`, stops it, and gives its code and all that it said.
    #[track_caller]
    pub(crate) fn stopped(&self, options: &[&str], command: &[&str], ready: &str) -> (i32, String) {
        let name = name();
        self.ok(&self.container(&["run", "--detach", "--name", &name], options, command));
        wait_until(&format!("the service says `{ready}`"), || self.ok(&["logs", &name]).contains(ready));
        self.ok(&["stop", "--time", "60", &name]);
        let code = self.ok(&["inspect", "--format", "{{.State.ExitCode}}", &name]);
        let said = self.podman(&["logs", &name]).stdout;
        self.ok(&["rm", "--force", &name]);
        (code.parse().unwrap_or(-1), said)
    }

    /// The words of `podman run`, with the limits that are not among the options.
    fn container<'a>(&self, run: &[&'a str], options: &[&'a str], command: &[&'a str]) -> Vec<&'a str> {
        let limit = |word: &str| word.trim_start_matches("--ulimit=").split_once('=').map(|(name, _)| name.to_owned());
        let named: Vec<_> = options.iter().map(|word| limit(word)).collect();
        let missing = LIMITS.into_iter().filter(|word| !self.rootless && !named.contains(&limit(word)));
        let missing: Vec<&str> = missing.collect();
        [run, &missing, options, &[IMAGE], command].concat()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        self.podman(&["rm", "--all", "--force", "--time", "0"]);
        // Ends the process that keeps the user's namespaces.
        if self.rootless {
            self.podman(&["system", "migrate"]);
        }
        let removed = fs::remove_dir_all(&self.folder);
        assert!(removed.is_ok() || std::thread::panicking(), "{}: {removed:?}", self.folder.display());
    }
}
