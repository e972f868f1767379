//! What a run printed: all of it where that is little, else its start and its end.

use std::fmt::Write as _;

/// So many bytes are kept of the start, and of the end: testers name themselves first, and print their results last.
const HEAD: usize = 64 << 10;
const TAIL: usize = 256 << 10;

/// The bytes of a stream, bounded.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    head: Vec<u8>,
    tail: Vec<u8>,
    /// How many bytes are missing between the two.
    left_out: u64,
}

impl Capture {
    /// Takes in what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        let room = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.head.extend_from_slice(first);
        self.tail.extend_from_slice(rest);
        // Only now and then, as moving the bytes takes time.
        if self.tail.len() > 2 * TAIL {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let more = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..more);
        self.left_out += u64::try_from(more).unwrap_or(0);
    }

    /// The text, with a line where some was left out. What is no UTF-8 is replaced.
    #[must_use]
    pub fn text(mut self) -> String {
        self.cut();
        let mut text = String::from_utf8_lossy(&self.head).into_owned();
        if self.left_out > 0 {
            let _ = write!(text, "\n[{} bytes left out]\n", self.left_out);
        }
        text.push_str(&String::from_utf8_lossy(&self.tail));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_kept_whole() {
        let mut capture = Capture::default();
        capture.push(b"a");
        capture.push("é".as_bytes());
        assert_eq!(capture.text(), "aé");
        assert_eq!(Capture::default().text(), "");
    }

    #[test]
    fn of_much_the_start_and_the_end_are_kept() {
        let mut capture = Capture::default();
        for number in 0..400_000_u32 {
            capture.push(format!("line {number}\n").as_bytes());
            assert!(capture.tail.len() <= 2 * TAIL + 20);
        }
        let text = capture.text();
        assert!(text.len() < HEAD + TAIL + 100, "{}", text.len());
        assert!(text.starts_with("line 0\n") && text.ends_with("line 399999\n"));
        assert!(text.contains(" bytes left out]\n"));
    }
}
