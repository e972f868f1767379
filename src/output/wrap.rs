//! Text in lines that fit a screen.

/// The columns of the screen that tables are fitted into, as far as the names of the settings allow.
pub(super) const SCREEN: usize = 80;

/// A heading and what is to be said at length.
#[must_use]
pub fn paragraph(heading: &str, text: &str) -> String {
    let lines = wrapped(text, 92).into_iter().map(|line| format!("  {line}\n"));
    format!("{heading}\n\n{}", lines.collect::<String>())
}

/// Lines of at most `width` characters, broken at blanks.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
