//! What an error of the system says, in the words of our messages.

use std::io;

use nix::errno::Errno;

/// The system's sentence in our style: lower case, without Rust's `(os error 2)`.
#[must_use]
pub fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => Errno::from_raw(code).desc().to_ascii_lowercase(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_of_ours() {
        assert_eq!(reason(&io::Error::from_raw_os_error(libc::ENOENT)), "no such file or directory");
        assert_eq!(reason(&io::Error::other("no room")), "no room");
    }
}
