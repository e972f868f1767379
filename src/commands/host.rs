//! The real [`World`]: this process on this machine.

use std::io::{self, IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli::ColorChoice;
use crate::environment::{Environment, machine};
use crate::exec::{self, Stage, StageError, TakeLimits};
use crate::init::{self, NotStarted, SupervisorConfig};
use crate::kernel::{AccessMode, Host, Kernel as _};
use crate::linux::listeners::{self, Listener};
use crate::linux::namespaces::{self, EnterError, EnteredNamespaces};
use crate::model::amount::Machine;
use crate::model::name::SysctlName;
use crate::model::run::CompatFlags;
use crate::model::setting::{Key, System};
use crate::output::Colour;
use crate::preflight::{self, Conditions};
use crate::profile_store::ProfileStore;
use crate::sys::{self, Inherited};

use super::sticky_writer::StickyWriter;
use super::world::{OperatingSystem, World};
use super::{Cli, CommandError, NOT_STARTED, dispatch};

/// Where processes are found.
const PROC: &str = "/proc";

/// Carries out `cli` on this machine and returns the exit code. `inherited` is the signal state that the service gets
/// back.
#[must_use]
pub fn run_on_host(cli: &Cli, compat: CompatFlags, inherited: &Inherited) -> i32 {
    sys::end_on_signals(inherited.mask());
    let (out, mut err) = (io::stdout().lock(), io::stderr());
    let colour = choose_colour(cli.log.color, out.is_terminal());
    let colour_err = choose_colour(cli.log.color, err.is_terminal());
    let mut world = World {
        kernel: &mut Host::here(cli.command.access()),
        os: &ThisProcess { inherited },
        profiles: ProfileStore::host(),
        processes: PathBuf::from(PROC),
        compat,
        out: &mut StickyWriter::new(out),
        err: &mut err,
        colour,
        colour_err,
    };
    dispatch(cli, &mut world)
}

fn choose_colour(choice: ColorChoice, is_terminal: bool) -> Colour {
    let asked = match choice {
        ColorChoice::Auto => None,
        ColorChoice::Always => Some(true),
        ColorChoice::Never => Some(false),
    };
    Colour::choose(asked, is_terminal, &variable)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The operating system as this process sees it.
struct ThisProcess<'a> {
    inherited: &'a Inherited,
}

impl OperatingSystem for ThisProcess<'_> {
    fn pid(&self) -> i32 {
        sys::own_pid()
    }

    fn parent_pid(&self) -> i32 {
        sys::parent()
    }

    fn is_subreaper(&self) -> bool {
        sys::is_subreaper()
    }

    fn network_cookie(&self) -> io::Result<Option<u64>> {
        sys::network_cookie()
    }

    fn variable(&self, name: &str) -> Option<String> {
        variable(name)
    }

    fn environment(&self) -> Environment {
        Environment::here(&mut Host::here(AccessMode::Read), sys::effective_ids().effective_uid, &variable)
    }

    fn machine(&self, pid: Option<i32>) -> Machine {
        match pid {
            Some(pid) => machine::of_process(Path::new("/"), pid),
            None => machine::here(&mut Host::here(AccessMode::Read)),
        }
    }

    fn enter_namespaces(&self, pid: i32) -> Result<EnteredNamespaces, EnterError> {
        namespaces::enter(Path::new(PROC), pid)
    }

    fn listeners(&self, length: u64) -> io::Result<Vec<Listener>> {
        listeners::shorter_than(length, Path::new(PROC))
    }

    fn hold_signals(&self) {
        sys::hold_signals();
    }

    fn release_signals(&self) {
        sys::release_signals();
    }

    fn conditions(&self, places: preflight::Places) -> Conditions {
        let mut kernel = Host::here(AccessMode::Read);
        match kernel.system() {
            System::Linux => Conditions::Linux(preflight::Machine::new(places)),
            System::MacOs => {
                let pmset = Command::new("pmset").args(["-g", "batt"]).output().ok();
                let loadavg =
                    SysctlName::parse("vm.loadavg").ok().and_then(|name| kernel.read(&Key::Sysctl(name)).ok());
                Conditions::Mac(preflight::Mac {
                    pmset: pmset.and_then(|output| String::from_utf8(output.stdout).ok()),
                    loadavg,
                    cpus: machine::here(&mut kernel).cpus,
                })
            }
        }
    }

    fn inherited(&self) -> Inherited {
        self.inherited.clone()
    }

    fn rehearse(&self, stage: &mut Stage, supervised: bool) -> Result<(), CommandError> {
        if supervised {
            stage.reserve_failure_pipe().map_err(|error| {
                CommandError::new(
                    NOT_STARTED,
                    format!("cannot create a pipe to the service's process: {}", sys::strerror(&error)),
                )
                .help("nothing was changed; raise the limit of open files (`ulimit -n`) for tunectl")
            })?;
        }
        let print = |error: &StageError| {
            let failure = CommandError::new(error.exit_code(), error);
            drop(io::stderr().write_all(failure.to_string().as_bytes()));
        };
        exec::rehearse(stage, &print).map_err(CommandError::reported)
    }

    fn start_service(
        &self,
        stage: Stage,
        supervisor: Option<SupervisorConfig>,
        take_limits: TakeLimits<'_>,
    ) -> Result<i32, CommandError> {
        if let Some(config) = supervisor {
            // The child has printed why it could not become the service.
            return init::run(config, stage, self.inherited, take_limits)
                .map_err(|NotStarted { code }| CommandError::reported(code));
        }
        let Err(error) = stage.exec(self.inherited, take_limits);
        Err(CommandError::new(error.exit_code(), error))
    }
}
