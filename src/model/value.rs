//! Values by type. What is required is compared with what is read back as values, not as text: the kernel merges
//! lists, folds blanks and prints tabs.

use core::net::Ipv6Addr;
use std::fmt;

use super::amount::parse_number;
use super::limit::Limit;
use super::ranges::Ranges;

/// The highest port.
pub const MAX_PORT: u32 = 65535;

/// The shape of a setting's value: how it is written, read and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One whole number.
    Number,
    /// So many whole numbers, blank-separated.
    Numbers(u8),
    /// Two ports, the lowest and the highest of a range.
    PortRange,
    /// A list of ports, `8080,9000-9010`, possibly empty.
    Ports,
    /// A list of numbers, of processors for example, `0-3,8`, possibly empty.
    Cpus,
    /// One word, such as the name of a congestion control.
    Word,
    /// One word out of those that the kernel lists with the chosen one in brackets, `always [madvise] never`.
    Choice,
    /// A line of text; runs of blanks count as one.
    Text,
    /// An IPv6 address, as the kernel prints it: `%pI6`, with all its zeros.
    Address,
    /// One side of a resource limit.
    Limit,
}

/// A value of a setting. Two values that mean the same to the kernel are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// For [`Kind::Number`]: the number.
    Number(i128),
    /// For [`Kind::Numbers`] and [`Kind::PortRange`].
    Numbers(Vec<i128>),
    /// For [`Kind::Ports`] and [`Kind::Cpus`].
    Ranges(Ranges),
    /// For [`Kind::Word`], [`Kind::Choice`], [`Kind::Address`] and [`Kind::Text`]: the words, one blank between them.
    Text(String),
    /// For [`Kind::Limit`]: a number or no limit.
    Limit(Limit),
    /// For [`Kind::Limit`]: what the hard limit is, once that is set. Only what a profile asks for has it; in a plan it
    /// has become a limit.
    HardLimit,
}

impl Kind {
    /// What a value of this shape looks like, for messages: "expected …".
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Number => "a whole number".to_owned(),
            Self::Numbers(count) => format!("{count} whole numbers, as in `[{}]`", example(count)),
            Self::PortRange => "two ports, as in `[1024, 65535]`".to_owned(),
            Self::Ports => "a list of ports, as in `\"8080,9000-9010\"`".to_owned(),
            Self::Cpus => "a list of numbers, as in `\"0-3,8\"`".to_owned(),
            Self::Word | Self::Choice => "one word".to_owned(),
            Self::Text => "one line of text".to_owned(),
            Self::Address => "an IPv6 address".to_owned(),
            Self::Limit => "a whole number or `\"unlimited\"`".to_owned(),
        }
    }

    /// Parses what the kernel printed.
    ///
    /// # Errors
    /// The text is no value of this shape.
    pub fn parse(self, text: &str) -> Result<Value, UnexpectedValue> {
        let unexpected = || UnexpectedValue { expected: self, found: text.trim().to_owned() };
        let numbers = || -> Option<Vec<i128>> { text.split_whitespace().map(|word| parse_number(word).ok()).collect() };
        let read = match self {
            Self::Number => parse_number(text.trim_ascii()).ok().map(Value::Number),
            Self::Numbers(count) => numbers().filter(|n| n.len() == usize::from(count)).map(Value::Numbers),
            Self::PortRange => numbers().filter(|n| n.len() == 2).map(Value::Numbers),
            Self::Ports => Ranges::parse(text, MAX_PORT).ok().map(Value::Ranges),
            Self::Cpus => Ranges::parse(text, u32::MAX).ok().map(Value::Ranges),
            Self::Word => one_word(text).map(|word| Value::Text(word.to_owned())),
            Self::Choice => bracketed(text).or_else(|| one_word(text)).map(|word| Value::Text(word.to_owned())),
            Self::Text => Some(Value::Text(words(text))),
            Self::Address => address(text.trim()).map(Value::Text),
            Self::Limit => None,
        };
        read.ok_or_else(unexpected)
    }
}

/// A text that is no value of the shape that a setting has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnexpectedValue {
    /// The shape of the setting's values.
    pub expected: Kind,
    /// What the kernel printed instead.
    pub found: String,
}

impl fmt::Display for UnexpectedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found `{}`", self.expected.describe(), self.found.escape_debug())
    }
}

impl Value {
    /// A text with each run of blanks folded to one, so that texts which mean the same to the kernel are equal.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(words(text))
    }

    /// The text to write to the kernel's file. Never empty: writing no bytes succeeds and does nothing, only a newline
    /// clears a list.
    #[must_use]
    pub fn to_kernel(&self) -> String {
        let text = match self {
            // Without the formatter and its i128, which take three times as long.
            Self::Number(number) => i64::try_from(*number).map_or_else(|_| number.to_string(), |it| it.to_string()),
            _ => self.to_string(),
        };
        if matches!(self, Self::Ranges(ranges) if ranges.is_empty()) || text.is_empty() {
            "\n".to_owned()
        } else {
            text
        }
    }
}

impl fmt::Display for Value {
    /// As the kernel prints it, but with single blanks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Numbers(numbers) => {
                for (i, number) in numbers.iter().enumerate() {
                    write!(f, "{}{number}", if i == 0 { "" } else { " " })?;
                }
                Ok(())
            }
            Self::Ranges(ranges) => ranges.fmt(f),
            Self::Text(text) => f.pad(text),
            Self::Limit(limit) => limit.fmt(f),
            Self::HardLimit => f.pad("hard"),
        }
    }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn one_word(text: &str) -> Option<&str> {
    let mut words = text.split_whitespace();
    words.next().filter(|_| words.next().is_none())
}

fn address(text: &str) -> Option<String> {
    let groups = text.parse::<Ipv6Addr>().ok()?.segments();
    Some(groups.map(|group| format!("{group:04x}")).join(":"))
}

fn bracketed(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('[')?;
    rest.split_once(']').map(|(word, _)| word)
}

/// The words that the kernel lists with the chosen one in brackets, `always [madvise] never`; `None` where it lists none.
#[must_use]
pub fn choices(text: &str) -> Option<Vec<&str>> {
    bracketed(text)?;
    Some(text.split_whitespace().map(|word| word.trim_matches(['[', ']'])).collect())
}

fn example(count: u8) -> String {
    (1..=count).map(|n| n.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_by_type() {
        for (kind, a, b) in [
            (Kind::Numbers(3), "4096\t131072\t33554432\n", "4096 131072 33554432"),
            (Kind::Ports, "9000-9009,9010\n", "9000-9010"),
            (Kind::Ports, "\n", ""),
            (Kind::Choice, "always [madvise] never\n", "madvise"),
            (Kind::Choice, "always defer defer+madvise [madvise] never", "madvise"),
            (Kind::Text, "|/usr/share/apport  %p\n", "|/usr/share/apport %p"),
            (Kind::Number, " 60\n", "60"),
            (Kind::Address, "2001:0db8:0000:0000:0000:0000:0000:00aF\n", "2001:db8::af"),
        ] {
            assert_eq!(kind.parse(a).unwrap(), kind.parse(b).unwrap(), "{a:?}");
        }
    }

    #[test]
    fn a_value_of_another_shape_is_told() {
        assert_eq!(
            Kind::Number.parse("4096\t131072\n").unwrap_err().to_string(),
            "expected a whole number, found `4096\\t131072`"
        );
        assert_eq!(
            Kind::Numbers(3).parse("4096").unwrap_err().to_string(),
            "expected 3 whole numbers, as in `[1, 2, 3]`, found `4096`"
        );
        assert!(Kind::Word.parse("two words").is_err());
    }

    #[test]
    fn only_a_newline_clears_a_list() {
        assert_eq!(Value::Ranges(Ranges::default()).to_kernel(), "\n");
        assert_eq!(Value::Numbers(vec![1024, 65535]).to_kernel(), "1024 65535");
        assert_eq!(Value::text("").to_kernel(), "\n");
    }
}
