//! The whole command line on a kernel in memory: what can't be done to the machine that the tests run on.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;

use clap::Parser;
use nix::errno::Errno;
use tunectl::commands::{self, Cli, CommandError, OperatingSystem, World};
use tunectl::environment::{Environment, EnvironmentDetails, Namespaces, RuntimeHints};
use tunectl::exec::{Stage, TakeLimits};
use tunectl::init::SupervisorConfig;
use tunectl::kernel::fake::Fake;
use tunectl::kernel::{Evidence, Kernel, KernelError, Operation, Process, WriteMode};
use tunectl::linux::listeners::Listener;
use tunectl::linux::namespaces::{EnterError, EnteredNamespaces};
use tunectl::model::amount::Machine;
use tunectl::model::limit::{Limits, Resource};
use tunectl::model::name::SysctlName;
use tunectl::model::preflight::Condition;
use tunectl::model::run::CompatFlags;
use tunectl::model::setting::{Key, System};
use tunectl::output::Colour;
use tunectl::preflight::{Conditions, Places, Reading};
use tunectl::profile_store::ProfileStore;
use tunectl::sys::{self, Disposition, Inherited};

use super::expected;
use super::scratch::Scratch;

/// A machine to run tunectl on, as often as one likes.
pub(crate) struct Computer {
    pub(crate) kernel: Watched,
    pub(crate) os: FakeSystem,
    scratch: Scratch,
}

/// The operating system around a kernel in memory. Each field is an answer; nothing is asked of the real one.
pub(crate) struct FakeSystem {
    pub(crate) environment: Environment,
    pub(crate) pid: i32,
    pub(crate) machine: Machine,
    /// The variables of the process environment.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// The cookie of our network namespace, or the error number of asking for it.
    pub(crate) network_cookie: Result<Option<u64>, i32>,
    /// Conditions for a load test; the rest does not apply.
    pub(crate) conditions: BTreeMap<Condition, Reading>,
    /// The listening sockets whose queues are too short, or the error number of asking for them.
    pub(crate) listeners: Result<Vec<Listener>, i32>,
    /// The exit code with which the service fails to start.
    pub(crate) start_fails: Option<i32>,
}

impl FakeSystem {
    pub(crate) fn new(environment: Environment) -> Self {
        let machine = Machine { memory: 1 << 30, cpus: 4 };
        Self {
            environment,
            pid: PID,
            machine,
            variables: Vec::new(),
            network_cookie: Ok(Some(1)),
            conditions: BTreeMap::new(),
            listeners: Ok(Vec::new()),
            start_fails: None,
        }
    }
}

/// Our own process ID there.
pub(crate) const PID: i32 = 900;

impl OperatingSystem for FakeSystem {
    fn pid(&self) -> i32 {
        self.pid
    }

    fn parent_pid(&self) -> i32 {
        1
    }

    fn is_subreaper(&self) -> bool {
        false
    }

    fn network_cookie(&self) -> io::Result<Option<u64>> {
        self.network_cookie.map_err(io::Error::from_raw_os_error)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    fn environment(&self) -> Environment {
        self.environment.clone()
    }

    fn machine(&self, _: Option<i32>) -> Machine {
        self.machine
    }

    fn enter_namespaces(&self, _: i32) -> Result<EnteredNamespaces, EnterError> {
        Ok(EnteredNamespaces { initial: self.environment.initial, ..EnteredNamespaces::default() })
    }

    fn listeners(&self, _: u64) -> io::Result<Vec<Listener>> {
        self.listeners.clone().map_err(io::Error::from_raw_os_error)
    }

    fn conditions(&self, _: Places) -> Conditions {
        Conditions::Known(self.conditions.clone())
    }

    fn inherited(&self) -> Inherited {
        Inherited::from_parts(sys::pending(), Disposition::Default, Disposition::Default)
    }

    fn rehearse(&self, _: &mut Stage, _: bool) -> Result<(), CommandError> {
        Ok(())
    }

    /// Not a panic, which would be printed: only a way out that leaves everything as it is.
    fn start_service(&self, _: Stage, _: Option<SupervisorConfig>, _: TakeLimits<'_>) -> Result<i32, CommandError> {
        match self.start_fails {
            Some(code) => Err(CommandError::new(code, "the service can't be started")),
            None => resume_unwind(Box::new("the service")),
        }
    }
}

/// What came of one run.
#[derive(Debug)]
pub(crate) struct Ended {
    /// What was typed.
    pub(crate) line: String,
    /// The exit code; none where tunectl became the service.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A kernel, what was written to it, and how often it was called.
pub(crate) struct Watched {
    pub(crate) fake: Fake,
    /// All calls but the listing of names.
    pub(crate) calls: usize,
    /// Each write, `key=text`, and each limit that was set, in their order.
    pub(crate) changes: Vec<String>,
    /// A key that can't be read, and the error of opening it.
    pub(crate) unreadable: Option<(&'static str, Errno)>,
}

impl Watched {
    pub(crate) fn new(fake: Fake) -> Self {
        Self { fake, calls: 0, changes: Vec::new(), unreadable: None }
    }
}

/// What a command line printed on both streams, and its exit code; none where the service was started.
pub(crate) struct Dispatched {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: Option<i32>,
}

/// Carries out a command line in this process. `processes` is the directory that stands for `/proc`.
pub(crate) fn dispatch<W: Into<OsString> + Clone>(
    kernel: &mut dyn Kernel,
    os: &FakeSystem,
    processes: PathBuf,
    words: impl IntoIterator<Item = W>,
) -> Dispatched {
    let words = words.into_iter().map(Into::into);
    let cli = Cli::try_parse_from([OsString::from("tunectl")].into_iter().chain(words)).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut world = World {
        kernel,
        os,
        profiles: ProfileStore { directory: "/nonexistent".into(), owners: None, invoker: None },
        processes,
        compat: CompatFlags::default(),
        out: &mut out,
        err: &mut err,
        colour: Colour::Off,
        colour_err: Colour::Off,
    };
    let code = catch_unwind(AssertUnwindSafe(|| commands::dispatch(&cli, &mut world))).ok();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Dispatched { out: text(out), err: text(err), code }
}

/// Surroundings of which only these capabilities are known.
fn with(capabilities: u64) -> EnvironmentDetails {
    EnvironmentDetails { capabilities: Some(capabilities), ..EnvironmentDetails::default() }
}

impl Computer {
    /// A whole Linux machine, on which we are root.
    pub(crate) fn linux(fake: Fake) -> Self {
        let own = Some(true);
        let initial = Namespaces { ipc: own, uts: own, user: own, pid: own, cgroup: own, net: own };
        let environment = Environment::known(System::Linux, Some("6.12.0".to_owned()), initial, 0, with(u64::MAX));
        let variables = vec![("PATH", "/usr/bin:/bin".to_owned())];
        let os = FakeSystem { variables, ..FakeSystem::new(environment) };
        Self { kernel: Watched::new(fake), os, scratch: Scratch::new() }
    }

    /// A Mac.
    pub(crate) fn macos(fake: Fake, user: u32) -> Self {
        let mut mac = Self::linux(fake);
        mac.os.environment = Environment::macos(Some("24.4.0".to_owned()), user);
        mac
    }

    /// A container on such a Linux machine.
    pub(crate) fn contained(mut self) -> Self {
        let initial = &mut self.os.environment.initial;
        *initial = Namespaces { net: Some(false), uts: Some(false), ..*initial };
        self
    }

    /// A container of this runtime, as engines start it: without the capabilities that raise limits.
    pub(crate) fn container_of(self, runtime: &str) -> Self {
        let mut contained = self.contained();
        let details = EnvironmentDetails { runtime_hints: RuntimeHints::named(runtime), ..with(0xa804_25fb) };
        contained.os.environment = contained.os.environment.with_details(details);
        contained
    }

    /// The kernel does not tell what listens.
    pub(crate) fn deaf(mut self, errno: i32) -> Self {
        self.os.listeners = Err(errno);
        self
    }

    /// These sockets listen with queues that are too short.
    pub(crate) fn listening(mut self, listeners: Vec<Listener>) -> Self {
        self.os.listeners = Ok(listeners);
        self
    }

    /// Us as an ordinary user. The kernel's side of it is [`Fake::as_user`].
    pub(crate) fn user(mut self, user: u32) -> Self {
        self.os.environment.user = user;
        self.os.environment = self.os.environment.with_details(with(0));
        self
    }

    /// Us with these capabilities, a bit for each.
    pub(crate) fn capabilities(mut self, set: u64) -> Self {
        self.os.environment = self.os.environment.with_details(with(set));
        self
    }

    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        self.scratch.write(name, text);
        self
    }

    /// A process that is an ancestor of this one: `pid`, its parent, its name.
    pub(crate) fn process(self, pid: i32, parent: i32, name: &str) -> Self {
        self.scratch.write(
            &format!("proc/{pid}/stat"),
            format!("{pid} ({name}) S {parent} 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 7 0"),
        );
        self.scratch.write(&format!("proc/{pid}/comm"), format!("{name}\n"));
        self
    }

    /// Types `tunectl` and this line. `@` stands for the directory that the files are in.
    pub(crate) fn types(&mut self, typed: &str) -> Ended {
        self.kernel.changes.clear();
        self.kernel.calls = 0;
        let folder = self.scratch.path().display().to_string();
        // The journal has tests of its own, and its directory's owner is real where the user here is not.
        let line = typed.replacen("apply", "apply --no-journal", usize::from(typed.starts_with("apply")));
        let line = line.replacen("run ", "run --no-journal ", usize::from(line.starts_with("run ")));
        let line = line.replacen("--repair", "--repair --no-journal", usize::from(line.starts_with("watch")));
        let words = line.split_whitespace().map(|word| word.replace('@', &folder)).collect();
        self.runs(typed, words)
    }

    /// Types `tunectl explain` and one word, whatever it has in it.
    pub(crate) fn explain(&mut self, asked: &str) -> Ended {
        self.runs(asked, vec!["explain".to_owned(), "--".to_owned(), asked.to_owned()])
    }

    fn runs(&mut self, typed: &str, words: Vec<String>) -> Ended {
        let folder = self.scratch.path().display().to_string();
        let ran = dispatch(&mut self.kernel, &self.os, self.scratch.path().join("proc"), words);
        let text = |text: String| text.replace(&format!("{folder}/"), "");
        Ended { line: typed.to_owned(), code: ran.code, stdout: text(ran.out), stderr: text(ran.err) }
    }

    /// A key's value, without going through tunectl's own door.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.kernel.fake.value(name).unwrap()
    }

    /// Our own limits, and so those of the service.
    pub(crate) fn limits(&self, resource: Resource) -> String {
        limits_of(&mut self.kernel.fake.clone(), Process::Own, resource)
    }

    /// The limits of another process.
    pub(crate) fn limits_of(&self, pid: i32, resource: Resource) -> String {
        limits_of(&mut self.kernel.fake.clone(), Process::Pid(pid), resource)
    }
}

fn limits_of(fake: &mut Fake, process: Process, resource: Resource) -> String {
    let Limits { soft, hard } = fake.limits(process, resource).unwrap();
    format!("{soft}:{hard}")
}

impl Ended {
    /// Compares all of it with `tests/expected/NAME.txt`.
    #[track_caller]
    pub(crate) fn expected(&self, name: &str) {
        let end = match self.code {
            Some(0) => None,
            Some(code) => Some(format!("exit code {code}")),
            None => Some("the service runs".to_owned()),
        };
        let typed = format!("tunectl {}", self.line);
        expected::compare(name, &expected::transcript(&typed, &self.stdout, &self.stderr, end.as_deref()));
    }

    /// Compares all of it.
    #[track_caller]
    pub(crate) fn is(&self, code: Option<i32>, stdout: &str, stderr: &str) {
        let same = self.code == code
            && super::pattern::matches(stdout, &self.stdout)
            && super::pattern::matches(stderr, &self.stderr);
        assert!(
            same,
            "expected {code:?}\n{stdout}\n--- and\n{stderr}\n=== found {:?}\n{}\n--- and\n{}",
            self.code, self.stdout, self.stderr
        );
    }
}

impl Kernel for Watched {
    fn system(&self) -> System {
        self.fake.system()
    }

    fn read(&mut self, key: &Key) -> Result<String, KernelError> {
        self.calls += 1;
        match self.unreadable {
            Some((name, errno)) if key.to_string() == name => {
                Err(KernelError { operation: Operation::OpenToRead, errno })
            }
            _ => self.fake.read(key),
        }
    }

    fn write(&mut self, key: &Key, text: &str, pieces: WriteMode) -> Result<(), KernelError> {
        self.calls += 1;
        self.changes.push(format!("{key}={text}"));
        self.fake.write(key, text, pieces)
    }

    fn names(&mut self, pattern: &SysctlName) -> Result<Vec<SysctlName>, KernelError> {
        self.fake.names(pattern)
    }

    fn inspect(&mut self, key: &Key) -> Evidence {
        self.calls += 1;
        self.fake.inspect(key)
    }

    fn limits(&mut self, process: Process, resource: Resource) -> Result<Limits, KernelError> {
        self.calls += 1;
        self.fake.limits(process, resource)
    }

    fn set_limits(&mut self, process: Process, resource: Resource, limits: Limits) -> Result<(), KernelError> {
        self.calls += 1;
        self.changes.push(format!("{resource}={}:{}", limits.soft, limits.hard));
        self.fake.set_limits(process, resource, limits)
    }
}
