//! A writer for results that keeps its first failure until it is flushed.
#![forbid(unsafe_code)]

use std::io::{self, Write};

/// A writer that keeps its first failure and returns it from `flush`, so that callers need not check each write, and a
/// full disk still does not pass for a success.
#[derive(Debug)]
pub(super) struct StickyWriter<W> {
    inner: W,
    /// The first failure; nothing is written after it.
    failure: Option<io::Error>,
}

impl<W: Write> StickyWriter<W> {
    /// Writes to `inner`.
    pub(super) fn new(inner: W) -> Self {
        Self { inner, failure: None }
    }
}

impl<W: Write> Write for StickyWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failure.is_none() {
            match self.inner.write(bytes) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => self.failure = Some(error),
                outcome => return outcome,
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.failure.take() {
            Some(error) => Err(error),
            None => self.inner.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes two bytes, and then no more.
    struct Full(Vec<u8>);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let room = bytes.len().min(2 - self.0.len());
            if room == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.extend(&bytes[..room]);
            Ok(room)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_first_failure_is_told_at_the_end() {
        let mut results = StickyWriter::new(Full(Vec::new()));
        results.write_all(b"abc").unwrap();
        results.write_all(b"def").unwrap();
        assert_eq!(results.inner.0, b"ab");
        assert_eq!(results.flush().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn what_arrives_is_no_failure() {
        let mut results = StickyWriter::new(Full(Vec::new()));
        results.write_all(b"ab").unwrap();
        results.flush().unwrap();
        assert_eq!(results.inner.0, b"ab");
    }
}
