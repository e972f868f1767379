//! What an error of the system says, in the words of our messages.
//!
//! A table of our own: that of `nix` holds every error that there is, five times over, in 16 kB, and the C libraries
//! differ in their words. Errors that nothing we call gives are told by their number and in the C library's words.

use std::io;

use libc::c_int;

/// Name and sentence of an error, of Linux and macOS alike: as errno(3) has them, with the kernel's meanings.
const KNOWN: [(c_int, &str); 49] = [
    (libc::EPERM, "EPERM operation not permitted"),
    (libc::ENOENT, "ENOENT no such file or directory"),
    (libc::ESRCH, "ESRCH no such process"),
    (libc::EINTR, "EINTR interrupted system call"),
    (libc::EIO, "EIO i/o error"),
    (libc::ENXIO, "ENXIO no such device or address"),
    (libc::E2BIG, "E2BIG argument list too long"),
    (libc::ENOEXEC, "ENOEXEC exec format error"),
    (libc::EBADF, "EBADF bad file number"),
    (libc::ECHILD, "ECHILD no child processes"),
    (libc::EAGAIN, "EAGAIN try again"),
    (libc::ENOMEM, "ENOMEM out of memory"),
    (libc::EACCES, "EACCES permission denied"),
    (libc::EFAULT, "EFAULT bad address"),
    (libc::EBUSY, "EBUSY device or resource busy"),
    (libc::EEXIST, "EEXIST file exists"),
    (libc::EXDEV, "EXDEV cross-device link"),
    (libc::ENODEV, "ENODEV no such device"),
    (libc::ENOTDIR, "ENOTDIR not a directory"),
    (libc::EISDIR, "EISDIR is a directory"),
    (libc::EINVAL, "EINVAL invalid argument"),
    (libc::ENFILE, "ENFILE file table overflow"),
    (libc::EMFILE, "EMFILE too many open files"),
    (libc::ENOTTY, "ENOTTY not a typewriter"),
    (libc::ETXTBSY, "ETXTBSY text file busy"),
    (libc::EFBIG, "EFBIG file too large"),
    (libc::ENOSPC, "ENOSPC no space left on device"),
    (libc::ESPIPE, "ESPIPE illegal seek"),
    (libc::EROFS, "EROFS read-only file system"),
    (libc::EMLINK, "EMLINK too many links"),
    (libc::EPIPE, "EPIPE broken pipe"),
    (libc::EDOM, "EDOM math argument out of domain of func"),
    (libc::ERANGE, "ERANGE math result not representable"),
    (libc::EDEADLK, "EDEADLK resource deadlock would occur"),
    (libc::ENAMETOOLONG, "ENAMETOOLONG file name too long"),
    (libc::ENOLCK, "ENOLCK no record locks available"),
    (libc::ENOSYS, "ENOSYS function not implemented"),
    (libc::ENOTEMPTY, "ENOTEMPTY directory not empty"),
    (libc::ELOOP, "ELOOP too many symbolic links encountered"),
    (libc::EOVERFLOW, "EOVERFLOW value too large for defined data type"),
    (libc::EUSERS, "EUSERS too many users"),
    (libc::EPROTONOSUPPORT, "EPROTONOSUPPORT protocol not supported"),
    (libc::EOPNOTSUPP, "EOPNOTSUPP operation not supported on transport endpoint"),
    (libc::ENOBUFS, "ENOBUFS no buffer space available"),
    (libc::ETIMEDOUT, "ETIMEDOUT connection timed out"),
    (libc::ECONNREFUSED, "ECONNREFUSED connection refused"),
    (libc::ESTALE, "ESTALE stale file handle"),
    (libc::EDQUOT, "EDQUOT quota exceeded"),
    (libc::ECANCELED, "ECANCELED operation canceled"),
];

/// The system's sentence in our style: lower case, without Rust's `(os error 2)`.
#[must_use]
pub fn strerror(error: &io::Error) -> String {
    match error.raw_os_error().and_then(known) {
        Some((_, sentence)) => sentence.to_owned(),
        None => error.to_string(),
    }
}

/// The error's name with its sentence: `EACCES (permission denied)`.
#[must_use]
pub fn describe_errno(errno: i32) -> String {
    let (name, sentence) = match known(errno) {
        Some((name, sentence)) => (name.to_owned(), sentence.to_owned()),
        None => (format!("error {errno}"), io::Error::from_raw_os_error(errno).to_string()),
    };
    format!("{name} ({sentence})")
}

fn known(errno: i32) -> Option<(&'static str, &'static str)> {
    KNOWN.iter().find(|(number, _)| *number == errno)?.1.split_once(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_of_ours() {
        assert_eq!(strerror(&io::Error::from_raw_os_error(libc::ENOENT)), "no such file or directory");
        assert_eq!(strerror(&io::Error::other("no room")), "no room");
    }

    #[test]
    fn errors_have_the_names_of_the_manual_page() {
        assert_eq!(describe_errno(libc::EACCES), "EACCES (permission denied)");
        assert!(describe_errno(libc::EPROTO).starts_with(&format!("error {} (", libc::EPROTO)));
        for (errno, text) in KNOWN {
            assert_eq!(text.split(' ').next(), Some(format!("{:?}", nix::errno::Errno::from_raw(errno)).as_str()));
        }
    }
}
