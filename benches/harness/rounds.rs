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

/// Whose turn it is: everybody's once a round, in another order each time.
///
/// Whoever goes before leaves something behind, a warm cache or a busy processor: with the same neighbour always, of two
/// that do the same one was measured a sixth slower. The orders are the same in each run of the benchmark.
#[derive(Debug)]
pub(crate) struct Order {
    places: Vec<usize>,
    state: u64,
}

impl Order {
    /// For so many contenders.
    pub(crate) fn new(count: usize) -> Self {
        Self { places: (0..count).collect(), state: 1 }
    }

    /// The next round.
    pub(crate) fn next(&mut self) -> &[usize] {
        for last in (1..self.places.len()).rev() {
            let other = self.below(last + 1);
            self.places.swap(last, other);
        }
        &self.places
    }

    /// Some number below `limit`: Knuth's generator, of which the upper bits are the good ones.
    fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).unwrap_or(0) % limit
    }
}

/// Runs all contenders `rounds` times in turns; the result has their order.
pub(crate) fn interleave(contenders: &[Contender], rounds: usize) -> Outcome<Vec<Times>> {
    let mut turn = 0;
    for _ in 0..REHEARSALS {
        for contender in contenders {
            rehearse(contender, turn)?;
            turn += 1;
        }
    }
    let mut times = vec![Vec::with_capacity(rounds); contenders.len()];
    let mut order = Order::new(contenders.len());
    for _ in 0..rounds {
        for &index in order.next() {
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
