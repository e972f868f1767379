//! Lines of the profile, where it is the profile that has to ask for something else.

use super::quote::double;
use super::{Remedy, Where, spotted};
use crate::model::expectation::Expectation;
use crate::model::limit::{Limit, Resource};
use crate::model::setting::{Key, System};
use crate::model::value::Value;

/// Ask for another key as well, or for another value of this one: `"net.core.somaxconn" = { at_least = 4096 }`.
pub(in crate::diagnose) fn ask_for(key: &Key, system: System, wanted: &Expectation<Value>) -> Remedy {
    line(key, system, &expectation(wanted, true))
}

/// The same under a name that has no key of its own yet.
pub(in crate::diagnose) fn ask_for_another(name: &str, system: System, wanted: &Expectation<Value>) -> Remedy {
    under(system, "sysctl", format!("{} = {}", double(name), expectation(wanted, true)))
}

/// Go on without it where it can't be had.
pub(in crate::diagnose) fn not_required(key: &Key, system: System, wanted: &Expectation<Value>) -> Remedy {
    line(key, system, &expectation(wanted, false))
}

/// Ask for this limit, both sides of it.
pub(in crate::diagnose) fn limit_of(resource: Resource, limit: Limit) -> Remedy {
    let limit = toml(&Value::Limit(limit));
    spotted(Where::Profile, "[rlimit]".to_owned(), format!("{resource} = {{ soft = {limit}, hard = {limit} }}"))
}

fn line(key: &Key, system: System, value: &str) -> Remedy {
    let (table, name) = match key {
        Key::Sysctl(name) => ("sysctl", name.to_string()),
        Key::Sysfs(name) => ("sysfs", name.to_string()),
    };
    under(system, table, format!("{} = {value}", double(&name)))
}

fn under(system: System, table: &str, text: String) -> Remedy {
    spotted(Where::Profile, format!("[{}.{table}]", system.table()), text)
}

fn expectation(wanted: &Expectation<Value>, required: bool) -> String {
    let mut fields: Vec<String> = match wanted {
        Expectation::Exactly(value) if required => return toml(value),
        Expectation::Exactly(value) => vec![format!("exactly = {}", toml(value))],
        Expectation::Bounds { at_least, at_most } => {
            let low = at_least.iter().map(|value| format!("at_least = {}", toml(value)));
            low.chain(at_most.iter().map(|value| format!("at_most = {}", toml(value)))).collect()
        }
        Expectation::Covers(value) => vec![format!("covers = {}", toml(value))],
        Expectation::Includes(value) => vec![format!("includes = {}", toml(value))],
        Expectation::OneOf(values) => {
            vec![format!("one_of = [{}]", values.iter().map(toml).collect::<Vec<_>>().join(", "))]
        }
    };
    if !required {
        fields.push("required = false".to_owned());
    }
    format!("{{ {} }}", fields.join(", "))
}

fn toml(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Numbers(numbers) => format!("{numbers:?}"),
        Value::Limit(limit @ Limit::Value(_)) => limit.to_string(),
        Value::Limit(Limit::Unlimited) | Value::Ranges(_) | Value::Text(_) => double(&value.to_string()),
    }
}
