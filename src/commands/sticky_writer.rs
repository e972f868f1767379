//! Where results go: a failure to write them is kept until somebody asks.
#![forbid(unsafe_code)]

use std::io::{self, Write};

/// A writer that remembers its first failure and tells it when it is flushed, so that who writes need not look at
/// each write, and a full disk still doesn't pass for a success.
#[derive(Debug)]
pub struct Results<W> {
    inner: W,
    lost: Option<io::Error>,
}

impl<W: Write> Results<W> {
    /// Results that go to `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, lost: None }
    }
}

impl<W: Write> Write for Results<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.lost.is_none() {
            match self.inner.write(bytes) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => self.lost = Some(error),
                outcome => return outcome,
            }
        }
        // Nobody gets the rest.
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.lost.take() {
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
        let mut results = Results::new(Full(Vec::new()));
        results.write_all(b"abc").unwrap();
        results.write_all(b"def").unwrap();
        assert_eq!(results.inner.0, b"ab");
        assert_eq!(results.flush().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn what_arrives_is_no_failure() {
        let mut results = Results::new(Full(Vec::new()));
        results.write_all(b"ab").unwrap();
        results.flush().unwrap();
        assert_eq!(results.inner.0, b"ab");
    }
}
