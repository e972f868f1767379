//! Sets of numbers written as ranges: port lists and CPU lists, `9000-9009,9010`.

use std::fmt;

use super::amount::octal;

/// A set of numbers, kept as sorted ranges that neither touch nor overlap, so that equal sets are equal.
///
/// `9000-9009,9010` and `9000-9010` are the same set: the kernel merges and sorts such lists when they
/// are read back (`proc_do_large_bitmap`, kernel/sysctl.c).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    /// The set of all numbers from `low` to `high`, both included.
    #[must_use]
    pub fn between(low: u32, high: u32) -> Self {
        [(low, high)].into_iter().filter(|(low, high)| low <= high).collect()
    }

    /// Reads a list such as `8080,9000-9010`; blanks around the commas are taken, an empty list is the empty set.
    ///
    /// # Errors
    /// Says in one sentence what is wrong, with the largest number allowed where one is above `max`.
    pub fn parse(text: &str, max: u32) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        text.split(',').map(|item| parse_item(item.trim(), max)).collect()
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many numbers are in the set.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(low, high)| u64::from(high - low) + 1).sum()
    }

    /// The ranges, ascending, both ends included.
    #[must_use]
    pub fn as_slice(&self) -> &[(u32, u32)] {
        &self.0
    }

    /// All that is in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).copied().collect()
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for &(low, high) in &self.0 {
            let mut next = u64::from(low);
            for &(cut_low, cut_high) in &other.0 {
                if u64::from(cut_high) < next || cut_low > high {
                    continue;
                }
                if u64::from(cut_low) > next {
                    left.push((to_u32(next), cut_low - 1));
                }
                next = u64::from(cut_high) + 1;
            }
            if next <= u64::from(high) {
                left.push((to_u32(next), high));
            }
        }
        left.into_iter().collect()
    }
}

/// Only for numbers that came from a `u32` and are known to be one still.
fn to_u32(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl FromIterator<(u32, u32)> for Ranges {
    /// Sorts and merges; a range whose low end is above its high end holds nothing and is dropped.
    fn from_iter<I: IntoIterator<Item = (u32, u32)>>(ranges: I) -> Self {
        let mut sorted: Vec<(u32, u32)> = ranges.into_iter().filter(|(low, high)| low <= high).collect();
        sorted.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(sorted.len());
        for (low, high) in sorted {
            match merged.last_mut() {
                Some(last) if u64::from(low) <= u64::from(last.1) + 1 => last.1 = last.1.max(high),
                _ => merged.push((low, high)),
            }
        }
        Self(merged)
    }
}

impl FromIterator<Ranges> for Ranges {
    fn from_iter<I: IntoIterator<Item = Self>>(sets: I) -> Self {
        sets.into_iter().flat_map(|set| set.0).collect()
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (low, high)) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            if low == high {
                write!(f, "{comma}{low}")?;
            } else {
                write!(f, "{comma}{low}-{high}")?;
            }
        }
        Ok(())
    }
}

fn parse_item(item: &str, max: u32) -> Result<Ranges, String> {
    let number = |text: &str| -> Result<u32, String> {
        let digits = text.trim();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(format!("`{}` is neither a number nor a range such as `9000-9010`", item.escape_debug()));
        }
        if digits.len() > 1 && digits.starts_with('0') {
            return Err(octal(digits));
        }
        match digits.parse::<u32>() {
            Ok(n) if n <= max => Ok(n),
            _ => Err(format!("`{digits}` is above {max}, the largest allowed here")),
        }
    };
    let (low, high) = match item.split_once('-') {
        Some((low, high)) => (number(low)?, number(high)?),
        None => (number(item)?, number(item)?),
    };
    if low > high {
        return Err(format!("range `{item}` is reversed: its first number is above its last"));
    }
    Ok(Ranges::between(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Ranges {
        Ranges::parse(text, 65535).unwrap()
    }

    #[test]
    fn equal_sets_are_equal_however_they_are_written() {
        assert_eq!(set("9000-9009,9010"), set("9000-9010"));
        assert_eq!(set(" 9010 , 9000-9009").to_string(), "9000-9010");
        assert_eq!(set("1-3,2-8,10").to_string(), "1-8,10");
        assert_eq!(set("").to_string(), "");
    }

    #[test]
    fn set_arithmetic() {
        assert_eq!(set("1-10").without(&set("3-4,8")).to_string(), "1-2,5-7,9-10");
        assert_eq!(set("1-10").without(&set("0-20")).to_string(), "");
        assert_eq!(set("8080").union(&set("8081,80")).to_string(), "80,8080-8081");
        assert_eq!(set("0-65535").count(), 65536);
        let top = Ranges::between(0, u32::MAX);
        assert!(top.without(&top).is_empty());
    }

    #[test]
    fn bad_lists_are_refused() {
        for bad in ["a", "-1", "1-", "9-8", "65536", "1,,2", "1;2", "1 2", "99999999999"] {
            assert!(Ranges::parse(bad, 65535).is_err(), "{bad} was taken");
        }
    }
}
