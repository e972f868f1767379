//! Interleaved rounds: every contender runs once a round, so that what the machine does meanwhile hits all alike.

use super::Outcome;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often a contender runs unmeasured, its outcome checked, before the rounds begin.
const REHEARSALS: usize = 2;

/// One of the programs compared.
pub(crate) struct Contender<'a> {
    /// Its name in the table.
    pub(crate) name: String,
    /// The command of a turn. Turns count up over all contenders and rounds, so one that alternates between two
    /// sets of values by its turn always finds the other set in place.
    pub(crate) command: Box<dyn Fn(usize) -> Command + 'a>,
    /// Whether a turn had its effect: asked in the rehearsal only.
    pub(crate) check: Box<dyn Fn(usize) -> Outcome<()> + 'a>,
}

/// The wall-clock time of one contender over all rounds.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    sorted: Vec<Duration>,
}

impl Times {
    /// Takes them in any order.
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self { sorted: times }
    }

    /// The time that half of the runs stayed below.
    pub(crate) fn median(&self) -> Duration {
        self.at(50)
    }

    /// The time that `percent` of the runs stayed below.
    pub(crate) fn at(&self, percent: usize) -> Duration {
        let last = self.sorted.len().saturating_sub(1);
        self.sorted.get(last * percent / 100).copied().unwrap_or_default()
    }

    /// This median as a multiple of the other's.
    pub(crate) fn ratio_to(&self, other: &Self) -> f64 {
        self.median().as_secs_f64() / other.median().as_secs_f64()
    }
}

/// Runs all contenders `rounds` times in turns; the result has their order.
///
/// The first of each round moves on by one, so nobody always follows the same neighbour.
pub(crate) fn interleave(contenders: &[Contender], rounds: usize) -> Outcome<Vec<Times>> {
    let mut turn = 0;
    for _ in 0..REHEARSALS {
        for contender in contenders {
            rehearse(contender, turn)?;
            turn += 1;
        }
    }
    let mut times = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..rounds {
        for position in 0..contenders.len() {
            let index = (round + position) % contenders.len();
            times[index].push(run(&contenders[index], turn)?);
            turn += 1;
        }
    }
    Ok(times.into_iter().map(Times::new).collect())
}

/// One measured turn, from before the spawn to after the wait.
fn run(contender: &Contender, turn: usize) -> Outcome<Duration> {
    let mut command = (contender.command)(turn);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.spawn()?.wait()?;
    let elapsed = start.elapsed();
    if status.success() {
        return Ok(elapsed);
    }
    Err(format!("{}: {status} in turn {turn}", contender.name).into())
}

/// One unmeasured turn whose failure is shown and whose effect is checked.
fn rehearse(contender: &Contender, turn: usize) -> Outcome<()> {
    super::programs::succeed((contender.command)(turn))?;
    (contender.check)(turn).map_err(|error| format!("{}: {error}", contender.name).into())
}
