//! What is shown while the runs go on, and the file of the result.

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
    shown: bool,
}

impl Progress {
    pub(super) fn new(format: Format) -> Self {
        Self {
            is_terminal: io::stderr().is_terminal(),
            shows_output: format != Format::Json,
            run: (0, 0),
            taken: Vec::new(),
            begun: Instant::now(),
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
        if let Some(line) = messages::progress(event, self.run) {
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

    /// The time that is left, by what the runs before took.
    fn left(&self) -> String {
        let (number, all) = self.run;
        let runs = u32::try_from(self.taken.len()).unwrap_or(u32::MAX);
        if runs == 0 {
            return String::new();
        }
        let each = self.taken.iter().sum::<Duration>() / runs;
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

/// Saves the result: to the file that was named, and of results that are shown to a person also to one that was not, in
/// the current directory. Gives its path, where it could be written.
pub(super) fn save(args: &BenchArgs, document: &str) -> Option<PathBuf> {
    let unnamed = || {
        let now = format_timestamp(SystemTime::now()).replace(['-', ':'], "");
        PathBuf::from(format!("bench-{now}.json"))
    };
    let path = match (&args.file, args.format) {
        (Some(path), _) => path.clone(),
        (None, Format::Text | Format::Prometheus) => unnamed(),
        (None, Format::Json) => return None,
    };
    match sys::replace_file(&path, document.as_bytes(), FileMode::Default) {
        Ok(()) => Some(path),
        Err(error) => {
            log::warn!("{}: the result could not be saved: {}", path.display(), sys::strerror(&error));
            None
        }
    }
}
