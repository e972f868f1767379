//! Amounts as people write them, and the machine that some of them are relative to.

use std::fmt;

/// The size of the machine for this process: the limit of its cgroup where that is lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Memory, in bytes.
    pub memory: u64,
    /// Processors, at least one.
    pub cpus: u32,
}

/// A whole number, perhaps relative to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// A plain number, in the unit of its setting.
    Count(i128),
    /// A number of bytes that was written with a unit, `64KiB`.
    Bytes(i128),
    /// A part of the machine's memory, in bytes, `25% of memory`. From 1 to 100.
    PercentOfMemory(u8),
    /// So many for each processor, `4096 per cpu`.
    PerCpu(i128),
}

/// IEC units of bytes, powers of 1024. `KB` and `kB` are refused, since they mean 1000 to some and 1024 to others.
const UNITS: [(&str, u32); 5] = [("B", 0), ("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];

impl Amount {
    /// Reads `4096`, `64KiB`, `25% of memory` or `4096 per cpu`.
    ///
    /// # Errors
    /// Says what was expected; a number with a leading zero gets its own sentence, since the kernel would
    /// take it as octal (`010` is 8).
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(percent) = strip_words(text, &["%", "of", "memory"]) {
            return match percent.parse::<u8>() {
                Ok(percent @ 1..=100) => Ok(Self::PercentOfMemory(percent)),
                _ => Err(format!("`{text}`: expected 1 to 100 percent, a whole number")),
            };
        }
        if let Some(each) = strip_words(text, &["per", "cpu"]) {
            return parse_number(each).map(Self::PerCpu);
        }
        for (unit, shift) in UNITS.iter().rev() {
            let Some(number) = text.strip_suffix(unit).map(str::trim_end) else { continue };
            let number = parse_number(number)?;
            let bytes = number.checked_mul(1 << shift).filter(|bytes| bytes.unsigned_abs() <= u128::from(u64::MAX));
            return bytes.map(Self::Bytes).ok_or_else(|| format!("`{text}` does not fit 64 bits"));
        }
        parse_number(text).map(Self::Count)
    }

    /// Whether it depends on the machine.
    #[must_use]
    pub fn is_relative(self) -> bool {
        matches!(self, Self::PercentOfMemory(_) | Self::PerCpu(_))
    }

    /// The number that it is on the machine. `machine` is called only where the amount depends on it.
    #[must_use]
    pub fn resolve(self, machine: &dyn Fn() -> Machine) -> i128 {
        match self {
            Self::Count(number) | Self::Bytes(number) => number,
            Self::PercentOfMemory(percent) => i128::from(machine().memory) * i128::from(percent) / 100,
            Self::PerCpu(each) => each.saturating_mul(i128::from(machine().cpus)),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(number) | Self::Bytes(number) => number.fmt(f),
            Self::PercentOfMemory(percent) => write!(f, "{percent}% of memory"),
            Self::PerCpu(each) => write!(f, "{each} per cpu"),
        }
    }
}

/// A number of nothing but digits, as nearly all are: at most eighteen of them, which 64 bits hold whatever they are,
/// and no leading zero.
#[must_use]
pub fn decimal(text: &str) -> Option<u64> {
    let digits = text.as_bytes();
    if digits.is_empty() || digits.len() > 18 || (digits[0] == b'0' && digits.len() > 1) {
        return None;
    }
    let mut number = 0;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    Some(number)
}

/// Why a number with a leading zero is refused.
pub(super) fn octal(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let plain = digits.trim_start_matches('0');
    let plain = if plain.is_empty() { "0" } else { plain };
    format!(
        "`{text}` has a leading zero, which the kernel reads as octal; write `{sign}{plain}` for the decimal number"
    )
}

/// A decimal or `0x` number within what 64 bits can hold, signed or unsigned.
///
/// # Errors
/// Says what is wrong with it.
pub fn parse_number(text: &str) -> Result<i128, String> {
    if let Some(number) = decimal(text) {
        return Ok(i128::from(number));
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(octal(text));
    }
    let magnitude = match digits.strip_prefix("0x") {
        Some(hex) if !hex.starts_with(['+', '-']) => u64::from_str_radix(hex, 16).ok(),
        _ if digits.bytes().all(|b| b.is_ascii_digit()) && !digits.is_empty() => {
            let parsed = digits.parse::<u64>();
            if parsed.is_err() {
                return Err(format!("`{text}` does not fit 64 bits"));
            }
            parsed.ok()
        }
        _ => None,
    };
    match magnitude {
        Some(magnitude) if negative => Ok(-i128::from(magnitude)),
        Some(magnitude) => Ok(i128::from(magnitude)),
        None => Err(format!(
            "`{}` is not an amount: expected a whole number, or one such as `64KiB`, `25% of memory`, `4096 per cpu`",
            text.escape_debug()
        )),
    }
}

/// The text before the given words, if it ends in them; blanks between them are optional.
fn strip_words<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    words.iter().rev().try_fold(text, |rest, word| rest.strip_suffix(word).map(str::trim_end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: Machine = Machine { memory: 8 << 30, cpus: 4 };

    #[test]
    fn amounts_are_read_and_resolved() {
        for (text, number) in [
            ("0", 0),
            ("-1", -1),
            ("32768", 32768),
            ("0x1000", 4096),
            ("18446744073692774399", 18_446_744_073_692_774_399),
            ("64KiB", 65536),
            ("1 GiB", 1 << 30),
            ("512B", 512),
            ("25% of memory", 2 << 30),
            ("25 % of memory", 2 << 30),
            ("4096 per cpu", 16384),
        ] {
            assert_eq!(Amount::parse(text).map(|a| a.resolve(&|| MACHINE)), Ok(number), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for bad in [
            "",
            "-",
            "abc",
            "1e3",
            "1_000",
            "4k",
            "64KB",
            "1.5",
            "+7",
            "77 78",
            "0x",
            "0x-1",
            "0% of memory",
            "101% of memory",
            "of memory",
            "per cpu",
            "18446744073709551616",
            "99999999TiB",
            "'5'",
        ] {
            assert!(Amount::parse(bad).is_err(), "{bad:?} was taken");
        }
        assert_eq!(
            Amount::parse("010").unwrap_err(),
            "`010` has a leading zero, which the kernel reads as octal; write `10` for the decimal number"
        );
    }
}
