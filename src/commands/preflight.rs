//! What `check` and `bench` look at before a load test: the conditions of `[preflight]`, and what the test needs.

use crate::kernel::Process;
use crate::model::limit::{Limit, Resource};
use crate::model::ranges::Ranges;
use crate::output::Budget;
use crate::preflight::budget;
use crate::preflight::load::Load;
use crate::preflight::{Conditions, Places};

use super::{CommandError, USAGE, World};

/// The load test whose needs are computed.
#[derive(Debug, clap::Args)]
pub(super) struct LoadArgs {
    /// Compute what this load test needs of both sides, and say which of it is lacking.
    #[arg(long = "for", value_name = "COMMAND")]
    command: Option<String>,
    /// Connections at once, instead of what COMMAND says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    connections: Option<u64>,
    /// Requests per second, instead of what COMMAND says.
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<f64>,
    /// A connection serves many requests.
    #[arg(long)]
    keepalive: bool,
    /// Print a profile that has what the load test needs, and nothing else.
    #[arg(long)]
    pub(super) emit_profile: bool,
}

/// Finite and above 0.
fn rate(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "expected a number of requests per second above 0".to_owned())
}

impl LoadArgs {
    /// The load test with its command, which is empty where only numbers were typed; nothing where none is asked about.
    ///
    /// # Errors
    /// Exit code 2: the command has no load tester that is known, and no number says how many connections.
    pub(super) fn load(&self) -> Result<Option<(String, Load)>, CommandError> {
        let typed = self.command.is_some() || self.connections.is_some() || self.rate.is_some();
        if !typed && !self.keepalive && !self.emit_profile {
            return Ok(None);
        }
        if !cfg!(feature = "bench") {
            return Err(CommandError::new(USAGE, "built without the feature `bench`"));
        }
        if !typed {
            let message = "`--keepalive` and `--emit-profile` belong to a load test";
            return Err(CommandError::new(USAGE, message).help("add `--for 'COMMAND'` or `--connections N`"));
        }
        let mut load = match &self.command {
            Some(line) => {
                let load = Load::parse(&["sh".to_owned(), "-c".to_owned(), line.clone()]);
                if load.tester.is_none() && self.connections.is_none() {
                    let message = format!("`--for`: no load tester that tunectl knows in `{}`", line.escape_debug());
                    return Err(CommandError::new(USAGE, message).help(KNOWN));
                }
                load
            }
            // Of a client that is not known, the worse is assumed: that it closes its connections itself.
            None => Load { closes_first: true, ..Load::default() },
        };
        load.connections = self.connections.or(load.connections).or(Some(1));
        load.rate = self.rate.or(load.rate);
        load.keepalive |= self.keepalive;
        Ok(Some((self.command.clone().unwrap_or_default(), load)))
    }
}

const KNOWN: &str = "known are ab, wrk, wrk2, hey, oha, h2load, k6, vegeta, redis-benchmark and siege; for any other name \
    `--connections N`, with `--rate N` and `--keepalive`";

/// Where the conditions for a load test are read: of process `pid` and of the ports that the service listens on.
pub(super) fn conditions(pid: Option<i32>, load: Option<&Load>, ports: &Ranges, world: &World<'_>) -> Conditions {
    let target = load.and_then(Load::port);
    let ports =
        ports.as_slice().iter().flat_map(|(low, high)| *low..=*high).filter_map(|port| u16::try_from(port).ok());
    world.os.conditions(Places { root: "/".into(), pid, target, ports: ports.collect() })
}

/// What a load test needs, beside what there is.
pub(super) fn budget(
    command: &str,
    load: &Load,
    pid: Option<i32>,
    conditions: &Conditions,
    world: &mut World<'_>,
) -> Budget {
    let own = world.kernel.limits(Process::Own, Resource::Nofile).ok().map(|limits| match limits.soft {
        Limit::Value(number) => number,
        Limit::Unlimited => u64::MAX,
    });
    let items = budget::budget(load, &conditions.stock(load, own));
    Budget { command: command.to_owned(), items, pid }
}
