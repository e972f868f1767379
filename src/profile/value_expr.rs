//! TOML value → [`ValueExpr`], by the shape of the setting. What can be known to be wrong is an error here, since the
//! kernel would often accept it and store another value: 8 for `010`, 783 for `783 1`.

use toml::Spanned;
use toml::de::{DeInteger, DeValue};

use super::ValueExpr;
use super::document::{Node, describe};
use super::problem::ProfileError;
use crate::model::amount::{Amount, decimal, parse_number};
use crate::model::ranges::Ranges;
use crate::model::setting::{Key, ValueSpec};
use crate::model::value::{Kind, MAX_PORT};

/// The highest number that a limit can be; one more is the kernel's `RLIM_INFINITY` (getrlimit(2)).
const HIGHEST_LIMIT: i128 = u64::MAX as i128 - 1;

/// Parses a value of the shape of `spec`.
pub(super) fn parse_value(spec: ValueSpec, node: &Node<'_>) -> Result<ValueExpr, ProfileError> {
    let asked = match spec.kind {
        Kind::Number => switch(spec, node).unwrap_or_else(|| amount(node, spec.kind)).map(ValueExpr::Amount),
        Kind::Numbers(count) => several(node, usize::from(count), spec.kind).map(ValueExpr::Amounts),
        Kind::PortRange => port_range(node).map(ValueExpr::Amounts),
        Kind::Ports => ranges(node, spec.kind, MAX_PORT).map(ValueExpr::Ranges),
        Kind::Cpus => ranges(node, spec.kind, u32::MAX).map(ValueExpr::Ranges),
        Kind::Word | Kind::Choice => word(node, spec.kind).map(ValueExpr::Text),
        Kind::Address => match Kind::Address.parse(string(node, spec.kind)?) {
            Ok(address) => Ok(ValueExpr::Text(address.to_string())),
            Err(_) => Err(unexpected(spec.kind, node)),
        },
        Kind::Text => Ok(ValueExpr::Text(string(node, spec.kind)?.to_owned())),
        Kind::Limit => limit(node),
    }?;
    in_range(spec, &asked).map_err(|message| ProfileError::new(node.span(), message))?;
    Ok(asked)
}

/// The shape that a value of an unknown key seems to have.
pub(super) fn guess(key: &Key, node: &Node<'_>) -> Kind {
    if matches!(key, Key::Sysctl(name) if name.path().ends_with("/stable_secret")) {
        return Kind::Address;
    }
    match node.get_ref() {
        DeValue::Array(items) => Kind::Numbers(u8::try_from(items.len()).unwrap_or(u8::MAX)),
        DeValue::String(text) if Amount::parse(text).is_ok() => Kind::Number,
        DeValue::String(text) => {
            let words: Vec<&str> = text.split_whitespace().collect();
            let numbers = !words.is_empty() && words.iter().all(|word| numeric(word));
            match (numbers, words.len(), key) {
                (true, 1, _) => Kind::Number,
                (true, count, _) => Kind::Numbers(u8::try_from(count).unwrap_or(u8::MAX)),
                // The kernel prints a list in its own form: `1,2` as `1-2` (`proc_do_large_bitmap`).
                (false, ..) if Ranges::parse(text, u32::MAX).is_ok_and(|list| !list.is_empty()) => Kind::Cpus,
                // Many attributes of sysfs list all words and mark the chosen one: `always [madvise] never`.
                (false, 1, Key::Sysfs(_)) => Kind::Choice,
                _ => Kind::Text,
            }
        }
        _ => Kind::Number,
    }
}

/// The number that an amount is on every machine, if it is one.
pub(super) fn plain(amount: Amount) -> Option<i128> {
    match amount {
        Amount::Count(number) | Amount::Bytes(number) => Some(number),
        Amount::PercentOfMemory(_) | Amount::PerCpu(_) => None,
    }
}

/// Ports as a profile may list them: `8080`, `"9000-9010,80"`, or an array of both.
pub(super) fn ranges(node: &Node<'_>, kind: Kind, max: u32) -> Result<Ranges, ProfileError> {
    match node.get_ref() {
        DeValue::Integer(number) => {
            let listed = number.as_str().strip_prefix('+').unwrap_or(number.as_str());
            let listed = if number.radix() == 10 { listed.to_owned() } else { integer(number, node)?.to_string() };
            Ranges::parse(&listed, max).map_err(|message| ProfileError::new(node.span(), message))
        }
        DeValue::String(_) => {
            Ranges::parse(string(node, kind)?, max).map_err(|message| ProfileError::new(node.span(), message))
        }
        DeValue::Array(items) => items
            .iter()
            .map(|item| if item.get_ref().is_array() { Err(unexpected(kind, item)) } else { ranges(item, kind, max) })
            .collect(),
        _ => Err(unexpected(kind, node)),
    }
}

/// A string without what no value can hold.
pub(super) fn string<'n>(node: &'n Node<'_>, kind: Kind) -> Result<&'n str, ProfileError> {
    let DeValue::String(text) = node.get_ref() else { return Err(unexpected(kind, node)) };
    if text.contains(['"', '\'']) {
        return Err(ProfileError::new(node.span(), format!("`{}` contains a quote", text.escape_debug()))
            .help("the kernel would store the quotes as part of the value: leave them out"));
    }
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err(ProfileError::new(node.span(), format!("`{}` contains a control character", text.escape_debug()))
            .help("a value is one line"));
    }
    Ok(text)
}

fn unexpected(kind: Kind, node: &Node<'_>) -> ProfileError {
    ProfileError::new(node.span(), format!("expected {}, found {}", kind.describe(), describe(node)))
}

fn integer(number: &DeInteger<'_>, node: &Node<'_>) -> Result<i128, ProfileError> {
    let plain = decimal(number.as_str()).filter(|_| number.radix() == 10).map(i128::from);
    plain
        .or_else(|| i128::from_str_radix(number.as_str(), number.radix()).ok())
        .filter(|value| value.unsigned_abs() <= u128::from(u64::MAX))
        .ok_or_else(|| ProfileError::new(node.span(), format!("`{number}` does not fit 64 bits")))
}

fn amount(node: &Node<'_>, kind: Kind) -> Result<Amount, ProfileError> {
    match node.get_ref() {
        DeValue::Integer(number) => integer(number, node).map(Amount::Count),
        DeValue::String(_) => {
            let text = string(node, kind)?;
            Amount::parse(text).map_err(|message| ProfileError::new(node.span(), message))
        }
        _ => Err(unexpected(kind, node)),
    }
}

/// `true` or `false`, for a setting that is 0 or 1 and nothing else; `None` for what is neither.
fn switch(spec: ValueSpec, node: &Node<'_>) -> Option<Result<Amount, ProfileError>> {
    let number = i128::from(node.get_ref().as_bool()?);
    Some(if (spec.min, spec.max) == (Some(0), Some(1)) {
        Ok(Amount::Count(number))
    } else {
        Err(unexpected(spec.kind, node).help(format!("only a setting that is 0 or 1 takes it: write `{number}`")))
    })
}

/// So many numbers: an array, or words in a string as the kernel prints them.
fn several(node: &Node<'_>, count: usize, kind: Kind) -> Result<Vec<Amount>, ProfileError> {
    let amounts: Vec<Amount> = match node.get_ref() {
        DeValue::Array(items) => items.iter().map(|item| amount(item, Kind::Number)).collect::<Result<_, _>>()?,
        DeValue::String(_) => string(node, kind)?
            .split_whitespace()
            .map(|word| Amount::parse(word).map_err(|message| ProfileError::new(node.span(), message)))
            .collect::<Result<_, _>>()?,
        _ => return Err(unexpected(kind, node)),
    };
    if count == 0 {
        return Err(ProfileError::new(node.span(), "expected a list of whole numbers, found an empty array"));
    }
    if amounts.len() == count {
        return Ok(amounts);
    }
    let found = if amounts.len() == 1 { "one".to_owned() } else { amounts.len().to_string() };
    Err(ProfileError::new(node.span(), format!("expected {}, found {found}", kind.describe()))
        .help("the kernel accepts fewer numbers silently and leaves the rest unchanged"))
}

/// The range of local ports: two ports, the lower first.
fn port_range(node: &Node<'_>) -> Result<Vec<Amount>, ProfileError> {
    if let DeValue::String(text) = node.get_ref() {
        let ends =
            text.split_once(['-', ',', ':']).map(|(low, high)| (parse_number(low.trim()), parse_number(high.trim())));
        if let Some((Ok(low), Ok(high))) = ends {
            return Err(unexpected(Kind::PortRange, node).write_list(vec![low, high]));
        }
    }
    let ends = several(node, 2, Kind::PortRange)?;
    let ports: Vec<i128> = ends.iter().filter_map(|end| plain(*end)).collect();
    if ports.len() < ends.len() {
        return Err(unexpected(Kind::PortRange, node));
    }
    if let Some(wrong) = ports.iter().find(|port| !(1..=i128::from(MAX_PORT)).contains(*port)) {
        return Err(ProfileError::new(node.span(), format!("expected ports from 1 to {MAX_PORT}, found `{wrong}`")));
    }
    ascending(&ends, node)?;
    Ok(ends)
}

/// Whether the first number of a range is not above its last.
pub(super) fn ascending(ends: &[Amount], node: &Node<'_>) -> Result<(), ProfileError> {
    match ends.iter().map(|end| plain(*end)).collect::<Vec<_>>().as_slice() {
        [Some(low), Some(high)] if low > high => Err(ProfileError::new(
            node.span(),
            format!("range `{low} {high}` is reversed: its first number is above its last"),
        )
        .write_list(vec![*high, *low])),
        _ => Ok(()),
    }
}

fn word(node: &Node<'_>, kind: Kind) -> Result<String, ProfileError> {
    let text = string(node, kind)?.trim();
    if text.is_empty() || text.contains(char::is_whitespace) {
        Err(unexpected(kind, node))
    } else {
        Ok(text.to_owned())
    }
}

/// One side of a limit.
fn limit(node: &Node<'_>) -> Result<ValueExpr, ProfileError> {
    let unlimited = "write `\"unlimited\"` for no limit";
    match node.get_ref() {
        DeValue::String(text) if text == "unlimited" => return Ok(ValueExpr::Unlimited),
        DeValue::String(text) if text == "hard" => return Ok(ValueExpr::Hard),
        DeValue::String(text) if matches!(text.as_ref(), "infinity" | "inf" | "none" | "-1") => {
            return Err(unexpected(Kind::Limit, node).help(unlimited));
        }
        DeValue::Boolean(_) => return Err(unexpected(Kind::Limit, node)),
        _ => {}
    }
    let amount = amount(node, Kind::Limit)?;
    match plain(amount) {
        Some(-1) => Err(ProfileError::new(node.span(), "a limit can't be negative").help(unlimited)),
        Some(number) if number < 0 => Err(ProfileError::new(node.span(), "a limit can't be negative")),
        Some(number) if number > HIGHEST_LIMIT => {
            Err(ProfileError::new(node.span(), format!("`{number}` is above {HIGHEST_LIMIT}, the highest limit"))
                .help(unlimited))
        }
        _ => Ok(ValueExpr::Amount(amount)),
    }
}

/// Whether every number, as far as it is known without the machine, is one that the setting takes.
fn in_range(spec: ValueSpec, asked: &ValueExpr) -> Result<(), String> {
    let amounts = match asked {
        ValueExpr::Amount(amount) => std::slice::from_ref(amount),
        ValueExpr::Amounts(amounts) => amounts,
        _ => return Ok(()),
    };
    for number in amounts.iter().filter_map(|amount| plain(*amount)) {
        if spec.min.is_some_and(|min| number < min) || spec.max.is_some_and(|max| number > max) {
            return Err(format!("expected {}, found `{number}`", spec.range()));
        }
    }
    Ok(())
}

fn numeric(word: &str) -> bool {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    let hex =
        digits.strip_prefix("0x").is_some_and(|hex| !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit()));
    hex || (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// A string as a node, for values that were typed on the command line.
pub(super) fn node_of(text: &str, span: std::ops::Range<usize>) -> Node<'_> {
    Spanned::new(span, DeValue::String(text.into()))
}
