//! `--metric NAME=REGEX`: a number out of the output of a program that no reader knows.

use regex_lite::Regex;

use super::Output;

/// A number that is to be found in the output.
#[derive(Clone, Debug)]
pub struct Metric {
    /// What it is called in the result.
    pub name: String,
    pattern: Regex,
}

/// Why a metric is no metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetricError {
    /// There is no `=`, or nothing in front of it.
    NoName,
    /// What is behind it is no regular expression: what its parser says.
    Pattern(String),
}

impl Metric {
    /// Reads `NAME=REGEX`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, MetricError> {
        let (name, pattern) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or(MetricError::NoName)?;
        let pattern = Regex::new(pattern).map_err(|error| MetricError::Pattern(error.to_string()))?;
        Ok(Self { name: name.to_owned(), pattern })
    }

    /// The number that the pattern finds: its first group where it has one, else the whole match. Of several matches the
    /// last, since results are at the end; standard output first. Nothing where none is a number.
    #[must_use]
    pub fn find(&self, output: Output<'_>) -> Option<f64> {
        [output.out, output.err].into_iter().find_map(|text| {
            let matches = self.pattern.captures_iter(text);
            let numbers = matches.filter_map(|found| number(found.get(1).or_else(|| found.get(0))?.as_str()));
            numbers.last()
        })
    }
}

/// Commas may part thousands.
fn number(text: &str) -> Option<f64> {
    text.trim().replace(',', "").parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(metric: &str, out: &str) -> Option<f64> {
        Metric::parse(metric).unwrap().find(Output { out, err: "elapsed: 9 s" })
    }

    #[test]
    fn a_number_by_its_pattern() {
        assert_eq!(find(r"tps=tps = ([0-9.]+)", "tps = 85.0\nlatency 3\ntps = 1712.5 (without)\n"), Some(1712.5));
        assert_eq!(find(r"ops=[0-9,]+ ops|([0-9,]+) operations", "did 1,234,567 operations"), Some(1_234_567.0));
        assert_eq!(find(r"time=elapsed: (\d+)", "nothing"), Some(9.0), "on standard error");
        assert_eq!(find(r"x=([a-z]+)", "words only"), None);
        assert_eq!(find(r"x=absent (\d+)", "a"), None);
        assert_eq!(find("a=b=(\\d)", "b=7"), Some(7.0), "the name ends at the first =");
    }

    #[test]
    fn what_is_no_metric() {
        for text in ["", "name", "=x"] {
            assert_eq!(Metric::parse(text).unwrap_err(), MetricError::NoName, "{text}");
        }
        assert!(matches!(Metric::parse("x=("), Err(MetricError::Pattern(_))));
    }
}
