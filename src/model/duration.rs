//! Lengths of time as people write them.

use std::time::Duration;

/// Units and their milliseconds. `ms` comes before `s`, which is its suffix.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

/// Reads `10s`, `500ms`, `2m`, `1h`, or a bare number of seconds.
///
/// # Errors
/// Says what was expected.
pub fn parse(text: &str) -> Result<Duration, String> {
    let refusal = || format!("expected a duration such as `10s`, `500ms` or `2m` but found `{}`", text.escape_debug());
    let (digits, factor) =
        UNITS.into_iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor))).unwrap_or((text, 1000));
    let digits = digits.trim_end_matches(' ');
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refusal());
    }
    let count: u64 = digits.parse().map_err(|_| refusal())?;
    count.checked_mul(factor).map(Duration::from_millis).ok_or_else(refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_spellings_are_read() {
        for (text, milliseconds) in
            [("10s", 10_000), ("500ms", 500), ("2m", 120_000), ("1h", 3_600_000), ("7", 7000), ("0", 0), ("3 s", 3000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn all_else_is_refused() {
        for text in ["", "s", "-1s", "+1s", "1.5s", "1d", "ten", "99999999999999999999", "18446744073709551615h"] {
            assert_eq!(
                parse(text).unwrap_err(),
                format!("expected a duration such as `10s`, `500ms` or `2m` but found `{text}`")
            );
        }
    }
}
