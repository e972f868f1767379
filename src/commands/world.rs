//! What a subcommand can reach outside itself: kernel settings, the operating system, profiles, its output streams.
//! `host.rs` makes the real one, a test makes its own.

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::environment::Environment;
use crate::exec::{Stage, TakeLimits};
use crate::init::SupervisorConfig;
use crate::kernel::Kernel;
use crate::linux::listeners::Listener;
use crate::linux::namespaces::{EnterError, EnteredNamespaces};
use crate::model::amount::Machine;
use crate::model::run::CompatFlags;
use crate::output::{Colour, Colours};
use crate::preflight::{self, Conditions};
use crate::profile_store::ProfileStore;
use crate::sys::Inherited;

use super::CommandError;

/// All that a subcommand can reach outside itself.
pub struct World<'a> {
    /// Settings of the kernel and limits of processes.
    pub kernel: &'a mut dyn Kernel,
    /// Everything else that is asked of the operating system.
    pub os: &'a dyn OperatingSystem,
    /// Where profiles are found by name.
    pub profiles: ProfileStore,
    /// Where processes are found: `/proc`.
    pub processes: PathBuf,
    /// What the name under which tunectl was called implies, such as `tini`; the default under its own name.
    pub compat: CompatFlags,
    /// Standard output, for results. Its `flush` returns an earlier write error too.
    pub out: &'a mut dyn Write,
    /// Standard error, for errors and warnings.
    pub err: &'a mut dyn Write,
    /// Whether results are coloured.
    pub colour: Colour,
    /// Whether text on standard error is coloured.
    pub colour_err: Colour,
}

impl World<'_> {
    /// Whether each of the two streams is coloured.
    pub(super) fn colours(&self) -> Colours {
        Colours { out: self.colour, err: self.colour_err }
    }
}

impl fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("profiles", &self.profiles).finish_non_exhaustive()
    }
}

/// What subcommands ask of the operating system beside settings and limits. Each question is asked only by the
/// subcommands that need its answer, since some of them read many files.
pub trait OperatingSystem {
    /// Our own process ID, getpid(2).
    fn pid(&self) -> i32;

    /// Our parent's process ID, getppid(2); 0 when it is outside our PID namespace.
    fn parent_pid(&self) -> i32;

    /// Whether orphaned descendants are given to us (`PR_GET_CHILD_SUBREAPER`(2const)).
    fn is_subreaper(&self) -> bool;

    /// The cookie of our network namespace (`SO_NETNS_COOKIE`); `None` before Linux 5.14.
    ///
    /// # Errors
    /// No socket can be had.
    fn network_cookie(&self) -> io::Result<Option<u64>>;

    /// A variable of the process environment; `None` where it is not set or not UTF-8.
    fn variable(&self, name: &str) -> Option<String>;

    /// Where we run: system, kernel version, namespaces, container runtime.
    fn environment(&self) -> Environment;

    /// Memory and processors of the machine, or what the control group of process `pid` (`None`: our own) allows of
    /// them.
    fn machine(&self, pid: Option<i32>) -> Machine;

    /// Enters the network, IPC and UTS namespaces of process `pid`, setns(2). There is no way back.
    ///
    /// # Errors
    /// There is no such process, or it may not be entered.
    fn enter_namespaces(&self, pid: i32) -> Result<EnteredNamespaces, EnterError>;

    /// The listening sockets of our network namespace whose queue is shorter than `length` connections.
    ///
    /// # Errors
    /// What `sock_diag(7)` or `/proc/net` answers.
    fn listeners(&self, length: u64) -> io::Result<Vec<Listener>>;

    /// From here on a signal that asks us to end does so between two changes ([`Kernel::ending_signal`]), not at once.
    fn hold_signals(&self) {}

    /// Lets such a signal end us at once again, as it does from the start.
    fn release_signals(&self) {}

    /// Where the conditions of the machine for a load test are read.
    fn conditions(&self, places: preflight::Places) -> Conditions;

    /// The signal state that we were started with, which commands get back.
    fn inherited(&self) -> Inherited;

    /// Checks, before anything is changed, what can be checked of the start: whether the service's user may enter its
    /// working directory and execute its program, and with `supervised` that there is a pipe to its process.
    ///
    /// # Errors
    /// The service could not be started; nothing was changed.
    fn rehearse(&self, stage: &mut Stage, supervised: bool) -> Result<(), CommandError>;

    /// Becomes the service, or with `supervisor` starts it as a child and returns its exit code. `take_limits` is
    /// called in the process that becomes the service, while it still has all privileges.
    ///
    /// # Errors
    /// The service was not started.
    fn start_service(
        &self,
        stage: Stage,
        supervisor: Option<SupervisorConfig>,
        take_limits: TakeLimits<'_>,
    ) -> Result<i32, CommandError>;
}
