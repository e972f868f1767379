//! What is shown while the runs go on, and the file of the result.

use std::fs;
use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use crate::bench::messages;
use crate::bench::runs::Event;
use crate::output::Format;
use crate::sys::{self, FileMode};
use crate::watch::timestamp::format_timestamp;

use super::BenchArgs;

/// One line on a terminal that is written over itself; elsewhere nothing is shown.
pub(super) struct Progress {
    is_terminal: bool,
    shows_output: bool,
    run: (u32, u32),
    /// How long the runs took that are over, for the time that is left.
    taken: Vec<Duration>,
    begun: Instant,
    /// How long a run takes, where the load tester was told.
    told: Option<Duration>,
    shown: bool,
}

impl Progress {
    pub(super) fn new(format: Format, told: Option<Duration>) -> Self {
        Self {
            is_terminal: io::stderr().is_terminal(),
            shows_output: format != Format::Json,
            run: (0, 0),
            taken: Vec::new(),
            begun: Instant::now(),
            told,
            shown: false,
        }
    }

    /// Shows what happens. In text form the output of each run comes on standard error once it is over.
    pub(super) fn show(&mut self, event: &Event<'_>, err: &mut dyn Write) {
        if let Event::Started(number, all) = event {
            (self.run, self.begun) = ((*number, *all), Instant::now());
        }
        if let Event::Finished(run) = event {
            self.taken.push(self.begun.elapsed());
            self.clear(err);
            if self.shows_output {
                drop(err.write_all(run.out.as_bytes()));
                drop(err.write_all(run.err.as_bytes()));
            }
        }
        if !self.is_terminal {
            return;
        }
        if let Some(line) = messages::progress(event, self.run, self.each()) {
            self.clear(err);
            drop(write!(err, "{line}{}", self.left()));
            drop(err.flush());
            self.shown = true;
        }
    }

    /// Shows what is waited for, and for how long at most.
    pub(super) fn waiting(&mut self, what: &str, left: Duration, err: &mut dyn Write) {
        if self.is_terminal {
            self.clear(err);
            let (minutes, seconds) = (left.as_secs() / 60, left.as_secs() % 60);
            drop(write!(err, "preflight  {what}   waiting, {minutes}:{seconds:02} at most"));
            drop(err.flush());
            self.shown = true;
        }
    }

    /// How long a run takes: by those that are over, else by what the load tester was told.
    fn each(&self) -> Option<Duration> {
        let runs = u32::try_from(self.taken.len()).unwrap_or(u32::MAX);
        if runs == 0 { self.told } else { Some(self.taken.iter().sum::<Duration>() / runs) }
    }

    /// The time that is left.
    fn left(&self) -> String {
        let (number, all) = self.run;
        let Some(each) = self.each() else { return String::new() };
        let left = (each * (all + 1 - number.min(all))).saturating_sub(self.begun.elapsed());
        format!("   about {}:{:02} left", left.as_secs() / 60, left.as_secs() % 60)
    }

    /// Takes the line away.
    pub(super) fn clear(&mut self, err: &mut dyn Write) {
        if std::mem::take(&mut self.shown) {
            drop(err.write_all(b"\r\x1b[K"));
        }
    }
}

/// The file of the result. It is written after each run, so that whatever ends tunectl, the runs that were finished are
/// there.
pub(super) struct ResultFile {
    path: PathBuf,
    /// Whether it stays: not where the result goes to standard output and no file was named.
    stays: bool,
    saved_at: Option<Instant>,
    /// How long saving took the last time.
    cost: Duration,
}

impl ResultFile {
    /// The file that was named, else one in the current directory.
    pub(super) fn new(args: &BenchArgs) -> Self {
        let unnamed = || {
            let now = format_timestamp(SystemTime::now()).replace(['-', ':'], "");
            PathBuf::from(format!("bench-{now}.json"))
        };
        let stays = args.file.is_some() || args.format != Format::Json;
        let path = args.file.clone().unwrap_or_else(unnamed);
        Self { path, stays, saved_at: None, cost: Duration::ZERO }
    }

    /// Saves the runs so far, unless that takes more than a small part of the time: all of them are written each time.
    pub(super) fn save_so_far(&mut self, document: impl FnOnce() -> String) {
        const SHARE: u32 = 20;
        if self.saved_at.is_some_and(|at| at.elapsed() < self.cost * SHARE) {
            return;
        }
        let begun = Instant::now();
        let written = sys::replace_file(&self.path, document().as_bytes(), FileMode::Default);
        if let Err(error) = written {
            log::info!("{}: the runs so far could not be saved: {}", self.path.display(), sys::strerror(&error));
        }
        (self.saved_at, self.cost) = (Some(Instant::now()), begun.elapsed());
    }

    /// Saves the whole result. Gives its path, where it is there.
    pub(super) fn save(self, document: &str) -> Option<PathBuf> {
        if !self.stays {
            // It is on standard output.
            if self.saved_at.is_some() {
                drop(fs::remove_file(&self.path));
            }
            return None;
        }
        match sys::replace_file(&self.path, document.as_bytes(), FileMode::Default) {
            Ok(()) => Some(self.path),
            Err(error) => {
                log::warn!("{}: the result could not be saved: {}", self.path.display(), sys::strerror(&error));
                None
            }
        }
    }
}
