//! Messages with a snippet of the text that they are about: the line, and carets under the span.
#![forbid(unsafe_code)]

use std::fmt::Write as _;
use std::ops::Range;

/// A span of a text that a message is about.
#[derive(Clone, Debug)]
pub struct Location<'a> {
    /// The name of the text: a path, or words such as `command line`.
    pub file: &'a str,
    /// The whole text.
    pub text: &'a str,
    /// The span in bytes. Ends outside the text or inside a character are moved to the nearest boundary before.
    pub span: Range<usize>,
    /// Text behind the carets; may be empty.
    pub note: &'a str,
}

impl Location<'_> {
    /// File, line and column, `a.toml:3:1`.
    #[must_use]
    pub fn label(&self) -> String {
        let position = Position::find(self);
        format!("{}:{}:{}", visible(self.file), position.line, position.column)
    }
}

/// The most of a line that is shown, in columns: a longer one would wrap on a terminal, and the carets be misplaced.
const WIDEST: usize = 100;
/// Columns of a cut line that are shown before the span.
const BEFORE: usize = 30;

/// Renders `heading`, a snippet for each location (the first with carets, the others with hyphens) and the help, without
/// a newline at the end.
///
/// ```text
/// error: unknown limit `nofiles`, did you mean `nofile`?
///  --> a.toml:3:1
///   |
/// 3 | nofiles = 5
///   | ^^^^^^^
///   |
///   = help: …
/// ```
#[must_use]
pub fn render(heading: &str, places: &[Location<'_>], help: &[String]) -> String {
    let positions: Vec<Position<'_>> = places.iter().map(Position::find).collect();
    // Help is in the same column with and without a location.
    let gutter = positions.iter().map(|position| position.line.to_string().len()).max().unwrap_or(1);
    let mut out = visible(heading);
    for (i, (place, position)) in places.iter().zip(&positions).enumerate() {
        let (arrow, mark) = if i == 0 { ("-->", '^') } else { (":::", '-') };
        let (shown, before, under) = window(position);
        let carets: String = std::iter::repeat_n(mark, under).collect();
        let _ = write!(out, "\n{:gutter$}{arrow} {}:{}:{}", "", visible(place.file), position.line, position.column);
        let _ = write!(out, "\n{:gutter$} |\n{:>gutter$} | {shown}", "", position.line);
        let _ = write!(out, "\n{:gutter$} | {:before$}{carets}", "", "");
        if !place.note.is_empty() {
            let _ = write!(out, " {}", visible(place.note));
        }
    }
    for (i, help) in help.iter().enumerate() {
        if i == 0 && !places.is_empty() {
            let _ = write!(out, "\n{:gutter$} |", "");
        }
        let _ = write!(out, "\n{:gutter$} = help: {}", "", visible(help));
    }
    out
}

/// A location by line and column, both counted from one, columns in characters.
struct Position<'a> {
    line: usize,
    column: usize,
    /// The line up to the span, the span (as far as it is on this line), and the rest of the line.
    parts: [&'a str; 3],
}

impl<'a> Position<'a> {
    fn find(place: &Location<'a>) -> Self {
        let text = place.text;
        let start = boundary(text, place.span.start);
        let end = boundary(text, place.span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line_end = line_start + text[line_start..line_end].trim_end_matches('\r').len();
        let (start, end) = (start.min(line_end), end.min(line_end));
        Self {
            line: text[..line_start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            parts: [&text[line_start..start], &text[start..end], &text[end..line_end]],
        }
    }
}

/// The end of the last character that begins at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The line to show, cut where it is too long; the columns before the carets, and their number.
fn window(position: &Position<'_>) -> (String, usize, usize) {
    let [before, meant, behind] = position.parts.map(visible);
    let (mut before_width, mut under) = (width(&before), width(&meant).max(1));
    let mut line = format!("{before}{meant}{behind}");
    if before_width + under + width(&behind) > WIDEST {
        if before_width > BEFORE {
            let kept = take_last(&before, BEFORE - 1);
            line = format!("…{kept}{meant}{behind}");
            before_width = width(kept) + 1;
        }
        if width(&line) > WIDEST {
            line = format!("{}…", take_first(&line, WIDEST - 1));
        }
        under = under.min(width(&line).saturating_sub(before_width)).max(1);
    }
    (line.trim_end().to_owned(), before_width, under)
}

/// Whether a character has no width, or changes the writing direction.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The text with tabs as four spaces, and with characters escaped that control a terminal or are hidden by it.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push_str("    "),
            c if c.is_control() || is_hidden(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

fn take_first(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += char_width(*c);
        used > columns
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

fn take_last(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let cut = text.char_indices().rev().find(|(_, c)| {
        used += char_width(*c);
        used > columns
    });
    &text[cut.map_or(0, |(at, c)| at + c.len_utf8())..]
}

fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// The columns of a character on a terminal: the blocks of East Asian Width `W` and `F` (UAX #11)
/// and of combining marks, coarsely: a caret that is one column off is not worth a table of Unicode.
fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036f | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe4f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f900..=0x1f9ff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str, span: Range<usize>) -> String {
        render("error: no", &[Location { file: "a.toml", text, span, note: "" }], &[])
    }

    #[test]
    fn carets_are_under_the_span() {
        assert_eq!(one("a = 1\nbc = 2\n", 6..8), "error: no\n --> a.toml:2:1\n  |\n2 | bc = 2\n  | ^^");
        assert_eq!(one("\tx = 1", 1..2), "error: no\n --> a.toml:1:2\n  |\n1 |     x = 1\n  |     ^");
        assert_eq!(one("é漢 = 1", 2..5), "error: no\n --> a.toml:1:2\n  |\n1 | é漢 = 1\n  |  ^^");
        assert_eq!(one("a = 1\r\n", 4..7), "error: no\n --> a.toml:1:5\n  |\n1 | a = 1\n  |     ^");
    }

    #[test]
    fn every_span_can_be_rendered() {
        assert_eq!(one("", 0..0), "error: no\n --> a.toml:1:1\n  |\n1 | \n  | ^");
        assert_eq!(one("a\n", 2..2), "error: no\n --> a.toml:2:1\n  |\n2 | \n  | ^");
        assert_eq!(one("a = '''x\ny'''", 4..13), "error: no\n --> a.toml:1:5\n  |\n1 | a = '''x\n  |     ^^^^");
        assert_eq!(one("é", 1..900), "error: no\n --> a.toml:1:1\n  |\n1 | é\n  | ^");
        #[allow(clippy::reversed_empty_ranges, reason = "a wrong span must not panic")]
        let upside_down = one("abc", 2..1);
        assert_eq!(upside_down, "error: no\n --> a.toml:1:3\n  |\n1 | abc\n  |   ^");
    }

    #[test]
    fn long_lines_are_cut_around_the_span() {
        let text = format!("a = [{}x{}]", "1, ".repeat(200), ", 2".repeat(200));
        let shown = one(&text, 605..606);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[1], " --> a.toml:1:606");
        assert!(lines[3].starts_with("1 | …, 1, 1, 1, ") && lines[3].ends_with('…'), "{}", lines[3]);
        assert_eq!(width(lines[3]), 4 + WIDEST);
        assert_eq!(lines[4].find('^'), Some(4 + BEFORE));
        assert_eq!(lines[3].chars().nth(4 + BEFORE), Some('x'));
    }

    #[test]
    fn control_characters_are_escaped() {
        let shown = one("a = \"\u{1b}[2J\u{202e}\"", 4..12);
        assert!(shown.contains("\\u{1b}[2J\\u{202e}"), "{shown}");
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'));
        let place = Location { file: "a\nb", text: "", span: 0..0, note: "\r" };
        let shown = render("error: `a\nb`", &[place], &["\u{7}".to_owned()]);
        assert_eq!(shown, "error: `a\\u{a}b`\n --> a\\u{a}b:1:1\n  |\n1 | \n  | ^ \\u{d}\n  |\n  = help: \\u{7}",);
    }

    #[test]
    fn several_locations_and_help() {
        let text = "a = 1\n\n\n\n\n\n\n\n\na = 2";
        let places = [
            Location { file: "x", text, span: 14..15, note: "again" },
            Location { file: "x", text, span: 0..1, note: "first here" },
        ];
        let shown = render("error: twice", &places, &["say it once".to_owned()]);
        let expected = "\
error: twice
  --> x:10:1
   |
10 | a = 2
   | ^ again
  ::: x:1:1
   |
 1 | a = 1
   | - first here
   |
   = help: say it once";
        assert_eq!(shown, expected);
        assert_eq!(render("error: gone", &[], &["look".to_owned()]), "error: gone\n  = help: look");
    }
}
