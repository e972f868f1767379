//! `tunectl limits`: what `ulimit -a` prints, soft and hard, of any process.

use nix::errno::Errno;

use crate::kernel::{KernelError, Process};
use crate::linux::process::NamedProcess;
use crate::model::limit::Resource;
use crate::output::{self, Format};

use super::check::named;
use super::{CommandError, Execute, FALLS_SHORT, World, print};

/// Arguments of `tunectl limits`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tunectl limits\n  tunectl limits --pid 4242")]
pub struct LimitsArgs {
    /// Show the limits of process PID instead of the calling shell's.
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    pid: Option<i32>,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = Format::text_or_json())]
    format: Format,
}

impl Execute for LimitsArgs {
    fn execute(&self, world: &mut World<'_>) -> Result<i32, CommandError> {
        let process = self.pid.map_or(Process::Own, Process::Pid);
        let mut found = Vec::with_capacity(Resource::ALL.len());
        for resource in Resource::ALL {
            match world.kernel.limits(process, resource) {
                Ok(both) => found.push((resource, both)),
                // A limit that this system does not have.
                Err(KernelError { errno: Errno::EINVAL, .. }) => {}
                Err(refusal) => match refusal.shown() {
                    Some(both) => found.push((resource, both)),
                    None => return Err(unreadable(self.pid, refusal)),
                },
            }
        }
        let whose = match self.pid {
            Some(pid) => named(pid, world),
            None => NamedProcess { pid: world.os.pid(), name: "tunectl".to_owned() },
        };
        print(world.out, &output::limits(&whose, &found, self.format));
        Ok(0)
    }
}

fn unreadable(pid: Option<i32>, refusal: KernelError) -> CommandError {
    let whose = pid.map_or_else(|| "our own".to_owned(), |pid| format!("pid {pid}'s"));
    let failure = CommandError::new(FALLS_SHORT, format!("{whose} limits could not be read: {refusal}"));
    match refusal.errno {
        Errno::ESRCH => failure.help("there is no such process"),
        Errno::EPERM if pid.is_some() => failure.help("it belongs to another user: try again with sudo"),
        Errno::ENOSYS => failure.help("this system has no system call that reads another process's limits"),
        _ => failure,
    }
}
