//! The images, all `FROM scratch`, each built when the first test needs it and removed after the last.

use crate::engine::{docker, docker_ok, name};
use crate::{Outcome, programs};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// An image of ours, removed when the last test that holds it is done.
#[derive(Debug)]
pub(crate) struct Image {
    /// What it is called on the engine.
    pub(crate) name: String,
}

impl Drop for Image {
    fn drop(&mut self) {
        docker(&["rmi", "--force", &self.name]);
    }
}

/// Nothing but the static binary, at `/tunectl`.
pub(crate) fn bare() -> Arc<Image> {
    static SHARED: Mutex<Weak<Image>> = Mutex::new(Weak::new());
    shared(&SHARED, || {
        let context = Context::new()?;
        context.copy(&programs::tunectl()?, "tunectl")?;
        context.build("FROM scratch\nCOPY tunectl /tunectl\n")
    })
}

/// The static binary, the probe at `/probe`, and profiles both in `/etc/tunectl/profiles` and in `/profiles`.
pub(crate) fn probe() -> Arc<Image> {
    static SHARED: Mutex<Weak<Image>> = Mutex::new(Weak::new());
    shared(&SHARED, || {
        let context = Context::new()?;
        context.service()?;
        context.build(&format!("FROM scratch\n{SERVICE}"))
    })
}

/// An image as a service's author builds it: [`probe`] with an entrypoint and a service.
pub(crate) fn entrypoint() -> Arc<Image> {
    static SHARED: Mutex<Weak<Image>> = Mutex::new(Weak::new());
    shared(&SHARED, || {
        let context = Context::new()?;
        context.service()?;
        let entrypoint = "ENTRYPOINT [\"/tunectl\", \"run\", \"--\"]\nCMD [\"/probe\", \"report\"]\n";
        context.build(&format!("FROM scratch\n{SERVICE}{entrypoint}"))
    })
}

/// Debian's Redis, with a static busybox for what a test does around it, and what [`probe`] has.
pub(crate) fn redis() -> Arc<Image> {
    static SHARED: Mutex<Weak<Image>> = Mutex::new(Weak::new());
    shared(&SHARED, || {
        let root = debian()?;
        let context = Context::new()?;
        context.service()?;
        let mut tar = Command::new("tar");
        tar.args(["--owner=0", "--group=0", "--create", "--directory", &root, "--file"]);
        tar.arg(context.path("root.tar")).arg(".");
        programs::succeed(tar)?;
        context.build(&format!("FROM scratch\nADD root.tar /\n{SERVICE}"))
    })
}

/// What is in [`probe`], and busybox, in a folder with a Dockerfile: for what builds images without Docker.
pub(crate) fn with_shell() -> Outcome<Context> {
    let context = Context::new()?;
    context.service()?;
    let root = PathBuf::from(debian()?);
    // Debian 13 has it in /usr.
    let busybox = ["bin/busybox", "usr/bin/busybox"].map(|path| root.join(path)).into_iter().find(|path| path.exists());
    context.copy(&busybox.ok_or("TUNECTL_TEST_REDIS has no busybox")?, "busybox")?;
    context.describe(&format!("FROM scratch\n{SERVICE}COPY busybox /bin/busybox\n"))?;
    Ok(context)
}

/// The same as a root file system, for what starts containers without images.
pub(crate) fn root() -> Outcome<Context> {
    let root = with_shell()?;
    for folder in ["bin", "dev", "etc", "proc", "run", "sys", "tmp", "usr", "var"] {
        fs::create_dir_all(root.path(folder))?;
    }
    Ok(root)
}

/// The folder with a root file system that has Redis and busybox.
fn debian() -> Outcome<String> {
    let missing = "TUNECTL_TEST_REDIS names no folder with Redis and busybox; `.ci/containers` does";
    Ok(env::var("TUNECTL_TEST_REDIS").map_err(|_| missing)?)
}

/// What all but the barest image have, after their first line.
const SERVICE: &str = "COPY tunectl probe /\n\
    COPY profiles /etc/tunectl/profiles\n\
    COPY profiles /profiles\n\
    COPY data.txt /data.txt\n\
    ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin\n";

/// The shared image, or a new one where no test holds it now.
///
/// Without the engine's cache, whose layers another test may be removing at this moment.
fn shared(place: &Mutex<Weak<Image>>, build: impl FnOnce() -> Outcome<Image>) -> Arc<Image> {
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(image) = place.upgrade() {
        return image;
    }
    match build() {
        Ok(image) => {
            let image = Arc::new(image);
            *place = Arc::downgrade(&image);
            image
        }
        Err(error) => panic!("cannot build an image: {error}"),
    }
}

/// A directory whose contents go to the engine, removed afterwards.
pub(crate) struct Context {
    /// Where it is.
    pub(crate) directory: PathBuf,
}

impl Context {
    fn new() -> Outcome<Self> {
        let directory = programs::scratch().join(name());
        fs::create_dir_all(&directory)?;
        Ok(Self { directory })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn copy(&self, from: &Path, to: &str) -> Outcome<()> {
        fs::copy(from, self.path(to)).map_err(|error| format!("{}: {error}", from.display()))?;
        Ok(())
    }

    fn service(&self) -> Outcome<()> {
        self.copy(&programs::tunectl()?, "tunectl")?;
        self.copy(&programs::compile("tests/containers/programs/probe.rs")?, "probe")?;
        fs::create_dir(self.path("profiles"))?;
        fs::write(self.path("data.txt"), "not a program\n")?;
        let profiles = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/containers/profiles");
        for entry in fs::read_dir(profiles)? {
            let entry = entry?;
            self.copy(&entry.path(), &format!("profiles/{}", entry.file_name().to_string_lossy()))?;
        }
        Ok(())
    }

    fn describe(&self, dockerfile: &str) -> Outcome<()> {
        fs::write(self.path("Dockerfile"), dockerfile)?;
        fs::write(self.path(".dockerignore"), "Dockerfile\n")?;
        Ok(())
    }

    fn build(&self, dockerfile: &str) -> Outcome<Image> {
        self.describe(dockerfile)?;
        let image = Image { name: name() };
        docker_ok(&["build", "--quiet", "--no-cache", "--tag", &image.name, &self.directory.to_string_lossy()]);
        Ok(image)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let removed = fs::remove_dir_all(&self.directory);
        assert!(removed.is_ok() || std::thread::panicking(), "{}: {removed:?}", self.directory.display());
    }
}
