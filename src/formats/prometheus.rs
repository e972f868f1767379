//! Prometheus's text format, version 0.0.4: for the textfile collector of `node_exporter`.
//!
//! What is numeric is a value; what is not is a label of an info series. Every name begins with `tunectl_`.

use std::fmt::Write as _;
use std::time::Duration;

use crate::model::expectation::Expectation;
use crate::model::limit::Limit;
use crate::model::value::Value;
use crate::plan::Requirement;
use crate::report::{Outcome, Report};
use crate::snippet::visible;

/// One setting as it was found.
#[derive(Clone, Debug)]
pub struct Sample<'a> {
    /// What is required of it.
    pub requirement: &'a Requirement,
    /// The value found, if it could be read.
    pub found: Option<&'a Value>,
    /// Whether that will do.
    pub holds: bool,
    /// What was counted while it was watched.
    pub history: Option<History>,
}

/// What became of a setting while it was watched.
#[derive(Clone, Copy, Debug)]
pub struct History {
    /// How often it was seen to go from a value that will do to one that won't.
    pub drifts: u64,
    /// How often it was put back.
    pub repairs: u64,
    /// Whether putting it back was given up.
    pub given_up: bool,
}

/// The state of a daemon that watches.
#[derive(Clone, Copy, Debug)]
pub struct Daemon {
    /// When all settings were looked at last, in seconds since 1970.
    pub swept: u64,
    /// Between two sweeps.
    pub interval: Duration,
    /// Whether the profile as it is now on disk could be read.
    pub profile_is_valid: bool,
}

/// A series that is a number beside its bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The name of the metric.
    pub name: &'static str,
    /// What the metric is.
    pub help: &'static str,
    /// Counter or gauge.
    pub kind: Kind,
    /// Labels with their values.
    pub labels: Vec<(&'static str, String)>,
    /// The value of the series.
    pub value: u64,
}

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// Series of figures: those of a metric stand together, after its head.
#[must_use]
pub fn figures(figures: &[Figure]) -> String {
    let mut text = String::new();
    for (at, figure) in figures.iter().enumerate() {
        if figures[..at].iter().any(|earlier| earlier.name == figure.name) {
            continue;
        }
        let kind = match figure.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        head(&mut text, figure.name, kind, figure.help);
        for one in figures[at..].iter().filter(|other| other.name == figure.name) {
            let labels: Vec<String> =
                one.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
            line(&mut text, &format!("{}{{{}}}", one.name, labels.join(",")), &one.value.to_string());
        }
    }
    text
}

/// The settings of a report.
#[must_use]
pub fn samples(report: &Report) -> Vec<Sample<'_>> {
    fn sample(outcome: &Outcome) -> Sample<'_> {
        let Outcome { requirement, found, .. } = outcome;
        Sample { requirement, found: found.as_ref(), holds: !outcome.falls_short(), history: None }
    }
    report.outcomes.iter().map(sample).collect()
}

/// All series, with a newline at the end.
#[must_use]
pub fn exposition(samples: &[Sample<'_>], profiles: &[String], daemon: Option<Daemon>) -> String {
    let mut text = String::new();
    let fails = samples.iter().any(|sample| sample.requirement.required && !sample.holds);
    head(&mut text, "tunectl_info", "gauge", "The version of tunectl and the profiles; always 1.");
    let profiles = escaped(&profiles.join(","));
    line(&mut text, &format!("tunectl_info{{version=\"{}\",profile=\"{profiles}\"}}", env!("CARGO_PKG_VERSION")), "1");
    head(&mut text, "tunectl_compliant", "gauge", "1 if every required setting matches the profile.");
    line(&mut text, "tunectl_compliant", bit(!fails));
    settings(&mut text, samples);
    histories(&mut text, samples);
    if let Some(daemon) = daemon {
        single(
            &mut text,
            "tunectl_last_sweep_timestamp_seconds",
            "Unix time of the last read of all settings.",
            &daemon.swept.to_string(),
        );
        single(
            &mut text,
            "tunectl_sweep_interval_seconds",
            "Seconds between two reads of all settings.",
            &seconds(daemon.interval),
        );
        single(
            &mut text,
            "tunectl_profile_last_reload_successful",
            "1 if the profile on disk could be read; if 0, the previous one is in force.",
            bit(daemon.profile_is_valid),
        );
    }
    text
}

fn settings(text: &mut String, samples: &[Sample<'_>]) {
    let name = "tunectl_setting_compliant";
    head(text, name, "gauge", "1 if the setting matches the profile.");
    for sample in samples {
        let labels = format!("{name}{{{},required=\"{}\"}}", of(sample), sample.requirement.required);
        line(text, &labels, bit(sample.holds));
    }
    let name = "tunectl_setting_wanted";
    head(text, name, "gauge", "The required value, if it is a number; `bound` is the profile's operator.");
    for sample in samples {
        for (bound, value, at) in bounds(&sample.requirement.wanted) {
            for (index, number) in numbers(value, at) {
                line(text, &format!("{name}{{{},bound=\"{bound}\"{index}}}", of(sample)), &number);
            }
        }
    }
    let name = "tunectl_setting_found";
    head(text, name, "gauge", "The value found, if it is a number; +Inf is `unlimited`.");
    for sample in samples {
        for (index, number) in sample.found.into_iter().flat_map(|value| numbers(value, None)) {
            line(text, &format!("{name}{{{}{index}}}", of(sample)), &number);
        }
    }
    let name = "tunectl_setting_wanted_info";
    head(text, name, "gauge", "The required value as text; always 1.");
    for sample in samples {
        let wanted = escaped(&sample.requirement.wanted.to_string());
        line(text, &format!("{name}{{{},wanted=\"{wanted}\"}}", of(sample)), "1");
    }
    let name = "tunectl_setting_found_info";
    head(text, name, "gauge", "The value found as text, if it is not a number; always 1.");
    for sample in samples {
        if let Some(value @ (Value::Text(_) | Value::Ranges(_))) = sample.found {
            line(text, &format!("{name}{{{},found=\"{}\"}}", of(sample), escaped(&value.to_string())), "1");
        }
    }
}

fn histories(text: &mut String, samples: &[Sample<'_>]) {
    type Figure = fn(History) -> String;
    let figures: [(&str, &str, &str, Figure); 3] = [
        (
            "tunectl_setting_drift_total",
            "counter",
            "How often the setting changed from a matching value to one that does not match.",
            |history| history.drifts.to_string(),
        ),
        ("tunectl_setting_repairs_total", "counter", "How often the setting was repaired.", |history| {
            history.repairs.to_string()
        }),
        ("tunectl_setting_given_up", "gauge", "1 if repairing was given up after repeated overwrites.", |history| {
            bit(history.given_up).to_owned()
        }),
    ];
    if samples.iter().all(|sample| sample.history.is_none()) {
        return;
    }
    for (name, kind, help, figure) in figures {
        head(text, name, kind, help);
        for sample in samples {
            if let Some(history) = sample.history {
                line(text, &format!("{name}{{{}}}", of(sample)), &figure(history));
            }
        }
    }
}

/// The values that an expectation names, each with its operator, and its place where there are several.
fn bounds(wanted: &Expectation<Value>) -> Vec<(&'static str, &Value, Option<usize>)> {
    match wanted {
        Expectation::Exactly(value) => vec![("exactly", value, None)],
        Expectation::Covers(value) => vec![("covers", value, None)],
        Expectation::Includes(value) => vec![("includes", value, None)],
        Expectation::OneOf(values) => {
            values.iter().enumerate().map(|(at, value)| ("one_of", value, Some(at))).collect()
        }
        Expectation::Bounds { at_least, at_most } => {
            let low = at_least.iter().map(|value| ("at_least", value, None));
            low.chain(at_most.iter().map(|value| ("at_most", value, None))).collect()
        }
    }
}

/// The numbers of a value, each with an `index` label where there are several, or `at` says that the value is one of
/// several.
fn numbers(value: &Value, at: Option<usize>) -> Vec<(String, String)> {
    let index = |at: usize| format!(",index=\"{at}\"");
    let own = at.map_or_else(String::new, index);
    match value {
        Value::Number(number) => vec![(own, number.to_string())],
        Value::Limit(Limit::Value(number)) => vec![(own, number.to_string())],
        Value::Limit(Limit::Unlimited) => vec![(own, "+Inf".to_owned())],
        // A list among several lists would need two indices; its words are in the info series.
        Value::Numbers(_) if at.is_some() => Vec::new(),
        Value::Numbers(numbers) => {
            numbers.iter().enumerate().map(|(at, number)| (index(at), number.to_string())).collect()
        }
        Value::Ranges(_) | Value::Text(_) | Value::HardLimit => Vec::new(),
    }
}

fn of(sample: &Sample<'_>) -> String {
    format!("setting=\"{}\"", escaped(&sample.requirement.setting.to_string()))
}

fn single(text: &mut String, name: &str, help: &str, figure: &str) {
    head(text, name, "gauge", help);
    line(text, name, figure);
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, series: &str, figure: &str) {
    let _ = writeln!(text, "{series} {figure}");
}

/// In as few digits as say it. Not as a fraction of the processor's, whose printing is 8 kB of program.
fn seconds(time: Duration) -> String {
    let text = format!("{}.{:09}", time.as_secs(), time.subsec_nanos());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn bit(set: bool) -> &'static str {
    if set { "1" } else { "0" }
}

/// A label's value: backslash, quote and newline have escapes; what controls a terminal or is hidden by it is shown by its
/// number, for people who read the file.
fn escaped(text: &str) -> String {
    let shown: String = text
        .split_inclusive('\n')
        .map(|line| line.strip_suffix('\n').map_or_else(|| visible(line), |line| visible(line) + "\n"))
        .collect();
    shown.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_as_few_digits_as_it_needs() {
        for (time, text) in [(500_000_000, "0.5"), (30_000_000_000, "30"), (1, "0.000000001"), (0, "0")] {
            assert_eq!(seconds(Duration::from_nanos(time)), text);
        }
    }
    use crate::model::limit::{Resource, Side};
    use crate::model::name::SysctlName;
    use crate::model::setting::{Key, Setting};
    use crate::model::value::Kind;
    use crate::profile::{Origin, Source};

    fn requirement(setting: Setting, wanted: Expectation<Value>, required: bool) -> Requirement {
        let source = std::rc::Rc::new(Source { label: String::new(), text: String::new(), hidden_from: None });
        let origin = Origin { source, span: 0..0 };
        Requirement { setting, kind: Kind::Number, wanted, required, origin, pattern: None, for_service: false }
    }

    fn sysctl(name: &str) -> Setting {
        Setting::Key(Key::Sysctl(SysctlName::parse(name).unwrap()))
    }

    #[test]
    fn every_shape_of_value_has_its_series() {
        let low = Expectation::Bounds { at_least: Some(Value::Number(4096)), at_most: None };
        let range = Expectation::Covers(Value::Numbers(vec![1024, 65535]));
        let word = Expectation::OneOf(vec![Value::text("bbr"), Value::text("a\"b\\c")]);
        let limit = Expectation::Exactly(Value::Limit(Limit::Unlimited));
        let (number, numbers, text) = (Value::Number(-1), Value::Numbers(vec![32768, 60999]), Value::text("cubic"));
        let history = Some(History { drifts: 3, repairs: 2, given_up: true });
        let requirements = [
            requirement(sysctl("net.core.somaxconn"), low, true),
            requirement(sysctl("net.ipv4.ip_local_port_range"), range, true),
            requirement(sysctl("net.ipv4.tcp_congestion_control"), word, true),
            requirement(Setting::Limit(Resource::Core, Side::Soft), limit, false),
        ];
        let found = [(Some(&number), false), (Some(&numbers), false), (Some(&text), false), (None, true)];
        let samples: Vec<Sample<'_>> = requirements
            .iter()
            .zip(found)
            .map(|(requirement, (found, holds))| Sample { requirement, found, holds, history })
            .collect();
        let daemon = Daemon { swept: 1_795_316_645, interval: Duration::from_millis(500), profile_is_valid: false };
        let text = exposition(&samples, &["a".to_owned(), "b".to_owned()], Some(daemon));
        for line in [
            "tunectl_compliant 0",
            "tunectl_setting_compliant{setting=\"net.core.somaxconn\",required=\"true\"} 0",
            "tunectl_setting_compliant{setting=\"core (soft)\",required=\"false\"} 1",
            "tunectl_setting_wanted{setting=\"net.core.somaxconn\",bound=\"at_least\"} 4096",
            "tunectl_setting_wanted{setting=\"net.ipv4.ip_local_port_range\",bound=\"covers\",index=\"1\"} 65535",
            "tunectl_setting_wanted{setting=\"core (soft)\",bound=\"exactly\"} +Inf",
            "tunectl_setting_found{setting=\"net.core.somaxconn\"} -1",
            "tunectl_setting_found{setting=\"net.ipv4.ip_local_port_range\",index=\"0\"} 32768",
            "tunectl_setting_wanted_info{setting=\"net.ipv4.tcp_congestion_control\",wanted=\"one of bbr, a\\\"b\\\\c\"} 1",
            "tunectl_setting_found_info{setting=\"net.ipv4.tcp_congestion_control\",found=\"cubic\"} 1",
            "tunectl_setting_drift_total{setting=\"net.core.somaxconn\"} 3",
            "tunectl_setting_given_up{setting=\"core (soft)\"} 1",
            "tunectl_last_sweep_timestamp_seconds 1795316645",
            "tunectl_sweep_interval_seconds 0.5",
            "tunectl_profile_last_reload_successful 0",
        ] {
            assert!(text.lines().any(|its| its == line), "no `{line}` in\n{text}");
        }
        let series: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let mut names: Vec<&str> = series.iter().filter_map(|line| Some(line.rsplit_once(' ')?.0)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), series.len(), "no series is there twice");
    }
}
