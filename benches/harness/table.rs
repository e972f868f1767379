//! The table: a line a figure, a target beside it where there is one, and whether it holds.

use super::Outcome;
use super::rounds::Times;
use std::io::{self, Write};

/// Collects the lines as they are printed, to say at the end whether all targets hold.
#[derive(Debug, Default)]
pub(crate) struct Table {
    group: String,
    targets: usize,
    missed: Vec<String>,
}

impl Table {
    /// Opens a group of lines; `columns` names what stands in the figure and ratio columns.
    pub(crate) fn heading(&mut self, title: &str, columns: [&str; 2]) -> Outcome<()> {
        title.clone_into(&mut self.group);
        writeln!(io::stdout(), "\n{title:<44}{:>12}{:>12}", columns[0], columns[1])?;
        Ok(())
    }

    /// A contender's median, as a multiple of `baseline`'s, which should be at most `target`.
    pub(crate) fn time(&mut self, name: &str, times: &Times, baseline: &Times, target: Option<f64>) -> Outcome<()> {
        let figure = format!("{:.3} ms", times.median().as_secs_f64() * 1e3);
        self.line(name, &figure, times.ratio_to(baseline), target)
    }

    /// A size in `unit`, which should be at most `target`.
    pub(crate) fn size(&mut self, name: &str, figure: f64, unit: &str, target: Option<f64>) -> Outcome<()> {
        let target = target.map(|target| (target, format!("{target:.2} {unit}")));
        self.judged(name, &format!("{figure:.2} {unit}"), "", figure, target)
    }

    /// A figure with the ratio that is judged.
    pub(crate) fn line(&mut self, name: &str, figure: &str, ratio: f64, target: Option<f64>) -> Outcome<()> {
        let target = target.map(|target| (target, format!("{target:.2}")));
        self.judged(name, figure, &format!("{ratio:.2}"), ratio, target)
    }

    fn judged(
        &mut self,
        name: &str,
        figure: &str,
        ratio: &str,
        measured: f64,
        target: Option<(f64, String)>,
    ) -> Outcome<()> {
        let mut verdict = String::new();
        if let Some((target, words)) = target {
            self.targets += 1;
            let holds = measured <= target;
            verdict = format!("  at most {words}: {}", if holds { "holds" } else { "MISSED" });
            if !holds {
                self.missed.push(format!("{} ({})", name, self.group));
            }
        }
        writeln!(io::stdout(), "  {name:<42}{figure:>12}{ratio:>12}{verdict}")?;
        Ok(())
    }

    /// Says how many targets hold; an error when one is missed and `enforce` asks for it.
    pub(crate) fn conclude(self, enforce: bool) -> Outcome<()> {
        let held = self.targets - self.missed.len();
        writeln!(io::stdout(), "\n{held} of {} targets hold", self.targets)?;
        if enforce && !self.missed.is_empty() {
            return Err(format!("missed: {}", self.missed.join(", ")).into());
        }
        Ok(())
    }
}
