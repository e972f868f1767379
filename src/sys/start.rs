//! The start of the program: what happens before anything else, and the state that it inherits.

use std::ffi::{CStr, OsString};
use std::io::{self, Write};
use std::os::fd::IntoRawFd;
use std::os::unix::ffi::OsStringExt;

use libc::{c_char, c_int};
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use super::process;
use super::signal::{Disposition, disposition, set_disposition};
use super::system::{SignalMask, block_every_signal, restore_mask};

/// Defines the C `main` of a `#![no_main]` program, which runs `$run` with the arguments and what was inherited.
///
/// Rust's own start would come first otherwise: it sets `SIGPIPE` to ignored, opens `/dev/null` on closed standard
/// descriptors in a way that the service would inherit, and gives signals a millisecond in which PID 1 is deaf.
///
/// `$run` is a `fn(Vec<OsString>, &Inherited) -> i32`; the first argument is the program's name.
#[macro_export]
macro_rules! entry_point {
    ($run:path) => {
        #[allow(unsafe_code, reason = "the C runtime looks for this one symbol")]
        #[unsafe(no_mangle)]
        extern "C" fn main(argc: ::std::ffi::c_int, argv: *const *const ::std::ffi::c_char) -> ::std::ffi::c_int {
            // SAFETY: the C runtime calls `main` once, with `argc` strings at `argv`, which live to the end.
            unsafe { $crate::sys::start(argc, argv, $run) }
        }
    };
}

/// The signal state that the process was started with, which the service is to get back.
#[derive(Clone, Debug)]
pub struct Inherited {
    mask: SignalMask,
    broken_pipe: Disposition,
    child: Disposition,
}

impl Inherited {
    /// The signals that were blocked when we were started.
    #[must_use]
    pub fn mask(&self) -> SignalMask {
        self.mask
    }

    /// The dispositions that we changed, as they were: `SIGPIPE`, `SIGCHLD`.
    #[must_use]
    pub fn dispositions(&self) -> [(c_int, Disposition); 2] {
        [(libc::SIGPIPE, self.broken_pipe), (libc::SIGCHLD, self.child)]
    }

    /// Of these, for a program that starts another way.
    #[must_use]
    pub fn from_parts(mask: SignalMask, broken_pipe: Disposition, child: Disposition) -> Self {
        Self { mask, broken_pipe, child }
    }

    /// Restores that state. What is pending and no longer blocked is delivered before this returns.
    pub fn restore_signals(&self) {
        // A SIGPIPE of our own, pending since we wrote to a pipe that nobody reads, would end the service. To set it
        // to ignored once more discards it (sigaction(2)).
        process::ignore_broken_pipes();
        for (signal, as_it_was) in self.dispositions() {
            set_disposition(signal, as_it_was);
        }
        restore_mask(self.mask);
    }

    /// Blocks all signals again, after an exec that failed: to report the error to a reader that is gone must not end us.
    pub fn reblock_signals(&self) {
        let _ = block_every_signal();
        process::ignore_broken_pipes();
    }
}

/// Runs the program: blocks every signal first of all, then notes the inherited state and opens closed standard
/// descriptors.
///
/// Returns the process's exit code. Called by [`entry_point!`](crate::entry_point) only.
///
/// # Safety
/// `argv` holds `count` pointers to strings that live as long as the process, as the C runtime gives them to `main`.
pub unsafe fn start(count: c_int, argv: *const *const c_char, run: fn(Vec<OsString>, &Inherited) -> i32) -> c_int {
    let mask = block_every_signal();
    let inherited = Inherited { mask, broken_pipe: disposition(libc::SIGPIPE), child: disposition(libc::SIGCHLD) };
    open_closed_standard_descriptors();
    // Only what has to be changed: setting a disposition discards a pending signal (sigaction(2)), and one may be
    // pending since before an exec of our own.
    if inherited.broken_pipe == Disposition::Default {
        process::ignore_broken_pipes();
    }
    if inherited.child == Disposition::Ignored {
        // Ignored, the kernel would reap our children itself, and waiting for one would never end.
        set_disposition(libc::SIGCHLD, Disposition::Default);
    }

    let count = usize::try_from(count).unwrap_or(0);
    let mut arguments = Vec::with_capacity(count);
    for index in 0..count {
        // SAFETY: `index` is below `count`, and the caller vouches for that many pointers.
        let place = unsafe { argv.add(index) };
        // SAFETY: as above, so it points to a pointer.
        let argument = unsafe { *place };
        // SAFETY: the caller vouches that each is a string that ends in NUL.
        let text = unsafe { CStr::from_ptr(argument) };
        arguments.push(OsString::from_vec(text.to_bytes().to_vec()));
    }
    let code = run(arguments, &inherited);
    // Rust's runtime would do this at its end. A failure can't be reported any more.
    drop(io::stdout().flush());
    code
}

/// Opens something on each closed standard descriptor, so that no file of ours ever becomes number 2 and gets an
/// error message written into it. Closed again on exec: the service finds them closed, as we did.
fn open_closed_standard_descriptors() {
    for fd in 0..3 {
        // SAFETY: F_GETFD takes no pointer, and any number may be asked about.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1 {
            // open(2) gives the lowest free number, which is this one. A container may have no /dev, but has a root.
            let opened = open(c"/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())
                .or_else(|_| open(c"/", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()));
            // It stays open to the end.
            let _ = opened.map(IntoRawFd::into_raw_fd);
        }
    }
}
