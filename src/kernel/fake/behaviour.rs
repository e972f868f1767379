//! What a write does to a key, as measured on real kernels.

use nix::errno::Errno;

use crate::kernel::WriteMode;
use crate::model::amount::parse_number;
use crate::model::ranges::Ranges;
use crate::model::setting::System;
use crate::model::value::MAX_PORT;

/// What a key does with what is written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// A fixed count of integers, as many as the key holds; fewer change only the first ones.
    Numbers {
        /// The lowest that is accepted.
        min: i128,
        /// The highest that is accepted.
        max: i128,
        /// What a number beyond those does.
        out_of_range: OutOfRange,
        /// What another number is stored as.
        stored_as: StoredAs,
    },
    /// `net.ipv4.ip_local_port_range`: a pair, which must not start below `ip_unprivileged_port_start`.
    PortRange,
    /// `net.ipv4.ip_unprivileged_port_start`: must not be above the first of `ip_local_port_range`.
    FirstPort,
    /// A list of ports, merged and sorted when it is read. One write takes 4095 bytes.
    Ports,
    /// One of these words; another one is `ENOENT`, as for a congestion control that is not registered.
    Word(&'static [&'static str]),
    /// One of these words, read back in brackets among the others; another one is `EINVAL`.
    Choice(&'static [&'static str]),
    /// A line, cut silently after so many bytes.
    Text(usize),
}

/// What a number does that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfRange {
    /// The write fails.
    Refused(Errno),
    /// The nearest number in the range is stored, silently.
    Clamped,
}

/// What a number within the range is stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredAs {
    /// The value that was written.
    Same,
    /// The next power of two, silently (`fs.pipe-max-size`).
    PowerOfTwo,
    /// The next multiple, silently (`*_ms` keys, which are kept in ticks).
    Multiple(i128),
    /// Not at all: the write succeeds and does nothing.
    Nothing,
}

impl Behaviour {
    /// Numbers from `min` to `max`, with `EINVAL` outside.
    #[must_use]
    pub const fn numbers(min: i128, max: i128) -> Self {
        Self::Numbers { min, max, out_of_range: OutOfRange::Refused(Errno::EINVAL), stored_as: StoredAs::Same }
    }

    /// Numbers that are moved into the range from `min` to `max`, silently.
    #[must_use]
    pub const fn clamped(min: i128, max: i128) -> Self {
        Self::Numbers { min, max, out_of_range: OutOfRange::Clamped, stored_as: StoredAs::Same }
    }

    /// Numbers from `min` to `max`, of which something else is stored.
    #[must_use]
    pub const fn rounded(min: i128, max: i128, stored_as: StoredAs) -> Self {
        Self::Numbers { min, max, out_of_range: OutOfRange::Refused(Errno::EINVAL), stored_as }
    }
}

/// What a write did.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WriteEffect {
    /// The text of the key after it.
    pub(super) text: String,
    /// How many bytes the kernel took.
    pub(super) taken: usize,
}

/// Writes `text`, which is not empty, to a key that holds `old`.
pub(super) fn write(
    behaviour: Behaviour,
    system: System,
    old: &str,
    text: &str,
    mode: WriteMode,
    port_keys: &PortKeys,
) -> Result<WriteEffect, Errno> {
    let all = |new: String| Ok(WriteEffect { text: new, taken: text.len() });
    let word = text.trim();
    match behaviour {
        Behaviour::Numbers { min, max, out_of_range, stored_as } => {
            write_numbers(system, old, text, |number| store(number, (min, max), out_of_range, stored_as))
        }
        Behaviour::PortRange => {
            let written = write_numbers(system, old, text, |port| within(port, 1, i128::from(MAX_PORT)))?;
            let range = numbers_of(&written.text);
            let upside_down = range.first() > range.last();
            if upside_down || range.first() < port_keys.unprivileged_start.as_ref() {
                Err(Errno::EINVAL)
            } else {
                Ok(written)
            }
        }
        Behaviour::FirstPort => write_numbers(system, old, text, |port| {
            within(port, 0, port_keys.range_start.unwrap_or(i128::from(MAX_PORT)))
        }),
        Behaviour::Ports => write_ports(text, mode),
        Behaviour::Word(words) if words.contains(&word) => all(line(word)),
        Behaviour::Word(_) => Err(Errno::ENOENT),
        Behaviour::Choice(words) if words.contains(&word) => all(choice(words, word)),
        Behaviour::Choice(_) => Err(Errno::EINVAL),
        Behaviour::Text(most) => all(line(&word.chars().take(most).collect::<String>())),
    }
}

/// The keys that the two behaviours of ports depend on.
#[derive(Debug, Default)]
pub(super) struct PortKeys {
    /// The value of `net.ipv4.ip_unprivileged_port_start`.
    pub(super) unprivileged_start: Option<i128>,
    /// The first of `net.ipv4.ip_local_port_range`.
    pub(super) range_start: Option<i128>,
}

/// The numbers in a text that the kernel printed.
pub(super) fn numbers_of(text: &str) -> Vec<i128> {
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

fn store(
    number: i128,
    (min, max): (i128, i128),
    out_of_range: OutOfRange,
    stored_as: StoredAs,
) -> Result<Option<i128>, Errno> {
    let number = match out_of_range {
        OutOfRange::Refused(errno) if number < min || number > max => return Err(errno),
        OutOfRange::Refused(_) => number,
        OutOfRange::Clamped => number.clamp(min, max),
    };
    Ok(match stored_as {
        StoredAs::Same => Some(number),
        StoredAs::PowerOfTwo => u64::try_from(number).ok().and_then(u64::checked_next_power_of_two).map(i128::from),
        StoredAs::Multiple(step) => {
            Some(number.div_euclid(step) * step + if number.rem_euclid(step) == 0 { 0 } else { step })
        }
        StoredAs::Nothing => None,
    })
}

fn within(number: i128, min: i128, max: i128) -> Result<Option<i128>, Errno> {
    store(number, (min, max), OutOfRange::Refused(Errno::EINVAL), StoredAs::Same)
}

/// Numbers as `proc_dointvec` (kernel/sysctl.c) takes them: octal and hexadecimal too, as many as the key has,
/// and what comes behind them is not taken. sysctl(3) of macOS is handed a number instead.
fn write_numbers(
    system: System,
    old: &str,
    text: &str,
    store: impl Fn(i128) -> Result<Option<i128>, Errno>,
) -> Result<WriteEffect, Errno> {
    let mut numbers = numbers_of(old);
    let mut taken = 0;
    let mut seen = 0;
    for number in &mut numbers {
        let rest = &text[taken..];
        let blanks = rest.len() - rest.trim_start().len();
        let word: &str = rest.trim_start().split(char::is_whitespace).next().unwrap_or("");
        if word.is_empty() {
            break;
        }
        let parsed = match system {
            System::Linux => kernel_number(word),
            System::MacOs => parse_number(word).ok(),
        };
        if let Some(new) = store(parsed.ok_or(Errno::EINVAL)?)? {
            *number = new;
        }
        taken += blanks + word.len();
        seen += 1;
    }
    let rest = &text[taken..];
    taken += rest.len() - rest.trim_start().len();
    if seen == 0 || (system == System::MacOs && taken < text.len()) {
        return Err(Errno::EINVAL);
    }
    let words: Vec<String> = numbers.iter().map(i128::to_string).collect();
    Ok(WriteEffect { text: line(&words.join("\t")), taken })
}

/// `strtoul_lenient` with base 0: a leading zero means octal.
fn kernel_number(token: &str) -> Option<i128> {
    let (sign, digits) = token.strip_prefix('-').map_or((1, token), |rest| (-1, rest));
    let (radix, digits) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => (16, hex),
        None if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        None => (10, digits),
    };
    let plain = digits.chars().all(|digit| digit.is_digit(radix));
    u64::from_str_radix(digits, radix).ok().filter(|_| plain).map(|magnitude| sign * i128::from(magnitude))
}

/// A list that starts anew. A single write ends behind the last number that fits.
fn write_ports(text: &str, mode: WriteMode) -> Result<WriteEffect, Errno> {
    const MOST: usize = 4095;
    let list = text.trim_matches('\n');
    if list.contains(char::is_whitespace) {
        return Err(Errno::EINVAL);
    }
    let whole = mode == WriteMode::Lists || text.len() <= MOST;
    let taken = if whole { text.len() } else { text[..MOST].rfind(',').map_or(MOST, |comma| comma + 1) };
    let list = text[..taken].trim_matches(['\n', ',']);
    let ports = Ranges::parse(list, MAX_PORT).map_err(|_| Errno::EINVAL)?;
    Ok(WriteEffect { text: line(&ports.to_string()), taken })
}

fn choice(words: &[&str], chosen: &str) -> String {
    let words: Vec<String> =
        words.iter().map(|word| if *word == chosen { format!("[{word}]") } else { (*word).to_owned() }).collect();
    line(&words.join(" "))
}

fn line(text: &str) -> String {
    format!("{text}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linux(behaviour: Behaviour, old: &str, text: &str) -> Result<(String, usize), Errno> {
        let port_keys = PortKeys { unprivileged_start: Some(1024), range_start: Some(32768) };
        write(behaviour, System::Linux, old, text, WriteMode::One, &port_keys)
            .map(|written| (written.text, written.taken))
    }

    #[test]
    fn numbers_are_parsed_as_the_kernel_parses_them() {
        let any = Behaviour::numbers(i128::from(i32::MIN), i128::from(i32::MAX));
        for (old, text, left) in [
            ("4096\n", "010", Ok(("8\n".to_owned(), 3))),
            ("4096\n", "0x1000", Ok(("4096\n".to_owned(), 6))),
            ("4096\n", " 7\n", Ok(("7\n".to_owned(), 3))),
            ("4096\n", "77 abc", Ok(("77\n".to_owned(), 3))),
            ("4096\n", "783 1", Ok(("783\n".to_owned(), 4))),
            ("4096\n", "-1", Ok(("-1\n".to_owned(), 2))),
            ("1\t2\t3\n", "9", Ok(("9\t2\t3\n".to_owned(), 1))),
            ("4096\n", "+7", Err(Errno::EINVAL)),
            ("4096\n", "4k", Err(Errno::EINVAL)),
            ("4096\n", "08", Err(Errno::EINVAL)),
            ("4096\n", "\n", Err(Errno::EINVAL)),
            ("4096\n", "2147483648", Err(Errno::EINVAL)),
        ] {
            assert_eq!(linux(any, old, text), left, "{text:?}");
        }
    }

    #[test]
    fn a_number_may_be_stored_as_another() {
        let size = Behaviour::rounded(0, 1 << 31, StoredAs::PowerOfTwo);
        assert_eq!(linux(size, "1048576\n", "1048577").unwrap().0, "2097152\n");
        assert_eq!(linux(Behaviour::rounded(0, 99, StoredAs::Multiple(4)), "4\n", "9").unwrap().0, "12\n");
        assert_eq!(linux(Behaviour::rounded(0, 99, StoredAs::Nothing), "4\n", "9").unwrap().0, "4\n");
        assert_eq!(linux(Behaviour::clamped(1024, 65535), "4\n", "9").unwrap().0, "1024\n");
    }

    #[test]
    fn port_ranges_and_the_first_free_port_depend_on_each_other() {
        let old = "32768\t60999\n";
        assert_eq!(linux(Behaviour::PortRange, old, "1024 65535").unwrap().0, "1024\t65535\n");
        assert_eq!(linux(Behaviour::PortRange, old, "1024").unwrap().0, "1024\t60999\n");
        assert_eq!(linux(Behaviour::PortRange, old, "80 65535"), Err(Errno::EINVAL));
        assert_eq!(linux(Behaviour::PortRange, old, "5000 4000"), Err(Errno::EINVAL));
        assert_eq!(linux(Behaviour::FirstPort, "1024\n", "32768").unwrap().0, "32768\n");
        assert_eq!(linux(Behaviour::FirstPort, "1024\n", "32769"), Err(Errno::EINVAL));
    }

    #[test]
    fn lists_words_and_choices() {
        assert_eq!(linux(Behaviour::Ports, "\n", "9010,9000-9009").unwrap().0, "9000-9010\n");
        assert_eq!(linux(Behaviour::Ports, "80\n", "\n").unwrap().0, "\n");
        assert_eq!(linux(Behaviour::Ports, "80\n", "80, 81"), Err(Errno::EINVAL));
        let long: Vec<String> = (0..1000).map(|n| (10_000 + 2 * n).to_string()).collect();
        assert_eq!(linux(Behaviour::Ports, "\n", &long.join(",")).unwrap().1, 4092);
        assert_eq!(linux(Behaviour::Word(&["reno", "cubic"]), "cubic\n", "bbr"), Err(Errno::ENOENT));
        let words = Behaviour::Choice(&["always", "madvise", "never"]);
        assert_eq!(linux(words, "", "never").unwrap().0, "always madvise [never]\n");
        assert_eq!(linux(words, "", "perhaps"), Err(Errno::EINVAL));
    }
}
