//! The errors of system calls that a load tester reports: in its own words, in the C library's or Go's, by the name of
//! the errno, or as its exit code.

use super::Output;
use crate::verdict::ClientError::{
    self, NoLocalAddress, NoMemory, Refused, Reset, TimedOut, TooManyFiles, TooManyFilesInSystem, WouldBlock,
};

/// Texts in lower case, and the error that each stands for.
const TEXTS: [(&str, ClientError); 20] = [
    ("too many open files", TooManyFiles),
    ("emfile", TooManyFiles),
    ("too many open files in system", TooManyFilesInSystem),
    ("enfile", TooManyFilesInSystem),
    ("cannot assign requested address", NoLocalAddress),
    ("can't assign requested address", NoLocalAddress),
    ("eaddrnotavail", NoLocalAddress),
    ("connection refused", Refused),
    ("econnrefused", Refused),
    ("connection reset by peer", Reset),
    ("broken pipe", Reset),
    ("econnreset", Reset),
    ("epipe", Reset),
    ("connection timed out", TimedOut),
    ("the timeout specified has expired", TimedOut),
    ("etimedout", TimedOut),
    ("resource temporarily unavailable", WouldBlock),
    ("eagain", WouldBlock),
    ("no buffer space available", NoMemory),
    ("enobufs", NoMemory),
];

/// The exit codes of ab: the low byte of the error. That of a timeout of its own is 70007 and ends as 119.
const AB: [(i32, ClientError); 6] =
    [(24, TooManyFiles), (99, NoLocalAddress), (104, Reset), (110, TimedOut), (111, Refused), (119, TimedOut)];

/// The errors that the output names, and of ab its exit code; each once, in the order of their kind.
#[must_use]
pub fn errors(output: Output<'_>, tester: Option<&str>, exit_code: Option<i32>) -> Vec<ClientError> {
    let mut found = Vec::new();
    for text in [output.out, output.err] {
        let text = text.to_ascii_lowercase();
        found.extend(TEXTS.into_iter().filter(|(words, _)| says(&text, words)).map(|(_, error)| error));
    }
    if tester == Some("ab") {
        found.extend(AB.into_iter().filter(|(code, _)| Some(*code) == exit_code).map(|(_, error)| error));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether a text has these words, and not as the start or the end of others.
fn says(text: &str, words: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(words).any(|(at, _)| {
        let behind = &text[at + words.len()..];
        let longer = behind.starts_with(" in system") && words == "too many open files";
        !longer && !text[..at].ends_with(is_word) && !behind.starts_with(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_several_programs() {
        for (text, error) in [
            ("socket: Too many open files (24)", TooManyFiles),
            ("dial tcp 127.0.0.1:80: socket: too many open files", TooManyFiles),
            ("socket: Too many open files in system", TooManyFilesInSystem),
            ("apr_socket_connect(): Cannot assign requested address (99)", NoLocalAddress),
            ("OSError: [Errno 99] Cannot assign requested address", NoLocalAddress),
            ("connect EADDRNOTAVAIL 127.0.0.1:80", NoLocalAddress),
            ("apr_socket_recv: Connection refused (111)", Refused),
            ("apr_pollset_poll: The timeout specified has expired (70007)", TimedOut),
            ("BlockingIOError: [Errno 11] Resource temporarily unavailable", WouldBlock),
        ] {
            assert_eq!(errors(Output { out: "", err: text }, None, None), [error], "{text}");
        }
        assert_eq!(errors(Output { out: "xemfile emfiles", err: "" }, None, None), []);
    }

    /// 24 of another program means something else.
    #[test]
    fn exit_codes_of_ab_alone() {
        let none = Output { out: "", err: "" };
        assert_eq!(errors(none, Some("ab"), Some(99)), [NoLocalAddress]);
        assert_eq!(errors(none, Some("ab"), Some(22)), [], "usage");
        assert_eq!(errors(none, Some("wrk"), Some(24)), []);
    }
}
