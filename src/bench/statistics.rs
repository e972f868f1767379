//! One number a run: which of them count, their mean and their spread.

/// From so many runs on, the best and the worst are dropped.
const ENOUGH_TO_DROP: usize = 5;
/// A spread above this, in percent of the mean, is too wide to conclude from.
const WIDE: f64 = 5.0;

/// What a run's number is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measured {
    /// Requests a second, as the tester prints them.
    Rate,
    /// What `--metric` found, by its name, and whether less of it is better.
    Metric(String, bool),
    /// Seconds from the start of the command to its end.
    Seconds,
}

/// The numbers of several runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// How many count.
    pub counted: usize,
    /// Their mean; nothing where none counts.
    pub mean: Option<f64>,
    /// Their standard deviation in percent of the mean; nothing for fewer than two.
    pub spread_percent: Option<f64>,
}

/// Why a run that succeeded does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// It was the best of five or more.
    Best,
    /// It was the worst of five or more.
    Worst,
}

impl Measured {
    /// Whether a lower number is better.
    #[must_use]
    pub fn lower_is_better(&self) -> bool {
        match self {
            Self::Rate => false,
            Self::Metric(_, lower) => *lower,
            Self::Seconds => true,
        }
    }
}

/// Which of these are dropped: from five on the best and the worst, below that none.
#[must_use]
pub fn dropped(numbers: &[f64], lower_is_better: bool) -> Vec<Option<Dropped>> {
    let mut marks = vec![None; numbers.len()];
    if numbers.len() < ENOUGH_TO_DROP {
        return marks;
    }
    let places = || numbers.iter().enumerate();
    let lowest = places().min_by(|a, b| a.1.total_cmp(b.1)).map(|(at, _)| at);
    let highest = places().max_by(|a, b| a.1.total_cmp(b.1)).map(|(at, _)| at);
    let (best, worst) = if lower_is_better { (lowest, highest) } else { (highest, lowest) };
    // All equal: two of them are dropped nevertheless.
    let worst = if worst == best { Some(0).filter(|at| Some(*at) != best).or(Some(1)) } else { worst };
    for (place, mark) in [(best, Dropped::Best), (worst, Dropped::Worst)] {
        if let Some(slot) = place.and_then(|at| marks.get_mut(at)) {
            *slot = Some(mark);
        }
    }
    marks
}

/// The mean and the spread of the numbers that count.
#[must_use]
pub fn summary(numbers: &[f64]) -> Summary {
    #[allow(clippy::cast_precision_loss, reason = "nobody makes more runs than fit")]
    let count = numbers.len() as f64;
    let mean = (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / count);
    let spread_percent = mean.filter(|mean| numbers.len() > 1 && *mean != 0.0).map(|mean| {
        let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
        (squares / (count - 1.0)).sqrt() / mean.abs() * 100.0
    });
    Summary { counted: numbers.len(), mean, spread_percent }
}

impl Summary {
    /// Whether the spread is too wide to conclude from.
    #[must_use]
    pub fn is_too_wide(&self) -> bool {
        self.spread_percent.is_some_and(|spread| spread > WIDE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_five_on_the_best_and_the_worst_are_dropped() {
        let rates = [8139.0, 9022.0, 8990.0, 9105.0, 9300.0];
        let (best, worst) = (Some(Dropped::Best), Some(Dropped::Worst));
        assert_eq!(dropped(&rates, false), [worst, None, None, None, best]);
        assert_eq!(dropped(&rates, true), [best, None, None, None, worst]);
        assert_eq!(dropped(&rates[..4], false), [None; 4]);
        let equal = dropped(&[1.0; 6], false);
        assert_eq!(equal.iter().filter(|mark| mark.is_some()).count(), 2);
    }

    #[test]
    fn mean_and_spread() {
        let three = summary(&[9022.0, 8990.0, 9105.0]);
        assert_eq!((three.counted, three.mean.map(f64::round)), (3, Some(9039.0)));
        let spread = three.spread_percent.unwrap();
        assert!((0.6..0.7).contains(&spread), "{spread}");
        assert!(!three.is_too_wide());
        assert!(summary(&[90.0, 110.0]).is_too_wide());
        assert_eq!(summary(&[7.0]), Summary { counted: 1, mean: Some(7.0), spread_percent: None });
        assert_eq!(summary(&[]), Summary { counted: 0, mean: None, spread_percent: None });
        assert_eq!(summary(&[0.0, 0.0]).spread_percent, None);
    }
}
