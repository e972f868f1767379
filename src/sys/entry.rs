//! The way in: what happens before anything else, and what we were handed.

use std::ffi::{CStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::{io, ptr};

use libc::{c_char, c_int};

use super::process;
use super::signal::{Disposition, disposition, set_disposition};
use super::system::{Mask, block_every_signal, restore_mask};

/// Defines the C `main` of a `#![no_main]` program, which runs `$run` with the arguments and what was inherited.
///
/// Rust's own start would come first otherwise: it sets `SIGPIPE` to ignored, opens `/dev/null` on closed standard
/// descriptors in a way that the service would inherit, and gives signals a millisecond in which PID 1 is deaf.
///
/// `$run` is a `fn(Vec<OsString>, Inherited) -> i32`; the first argument is the program's name.
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

/// The signal state and the descriptors that the process was started with, which the service is to get back.
#[derive(Clone, Copy, Debug)]
pub struct Inherited {
    mask: Mask,
    broken_pipe: Disposition,
    child: Disposition,
}

impl Inherited {
    /// The signals that were blocked when we were started.
    #[must_use]
    pub fn mask(&self) -> Mask {
        self.mask
    }

    /// The dispositions that we changed, as they were: `SIGPIPE`, `SIGCHLD`.
    #[must_use]
    pub fn dispositions(&self) -> [(c_int, Disposition); 2] {
        [(libc::SIGPIPE, self.broken_pipe), (libc::SIGCHLD, self.child)]
    }

    /// The same, with another mask: what a supervisor that was executed anew keeps of its first life.
    #[must_use]
    pub fn from_parts(mask: Mask, broken_pipe: Disposition, child: Disposition) -> Self {
        Self { mask, broken_pipe, child }
    }

    /// Gives the signal state back. What is pending and no longer blocked arrives before this returns.
    pub fn restore_signals(&self) {
        // Blocked as it is, our own SIGPIPE waits since we wrote to somebody who had gone away, and would end the
        // service. Asking again for it to be ignored throws it away (sigaction(2)).
        process::ignore_broken_pipes();
        for (signal, as_it_was) in self.dispositions() {
            set_disposition(signal, as_it_was);
        }
        restore_mask(self.mask);
    }

    /// Takes it up again, after an exec that failed: an error must reach a reader that is gone without killing us.
    pub fn shield_again(&self) {
        let _ = block_every_signal();
        process::ignore_broken_pipes();
    }
}

/// Runs the program: blocks every signal first of all, then notes and plugs what was handed to us.
///
/// Returns the process's exit code. Called by [`entry_point!`](crate::entry_point) only.
///
/// # Safety
/// `argv` holds `count` pointers to strings that live as long as the process, as the C runtime gives them to `main`.
pub unsafe fn start(count: c_int, argv: *const *const c_char, run: fn(Vec<OsString>, Inherited) -> i32) -> c_int {
    let mask = block_every_signal();
    plug_closed();
    let inherited = Inherited { mask, broken_pipe: disposition(libc::SIGPIPE), child: disposition(libc::SIGCHLD) };
    // Only what has to be changed: setting a disposition throws a waiting signal away (sigaction(2)), and one may wait
    // that came before an exec of our own.
    if inherited.broken_pipe == Disposition::Default {
        process::ignore_broken_pipes();
    }
    if inherited.child == Disposition::Ignored {
        // Else the kernel would reap our children itself, and waiting for one would never end.
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
    let code = run(arguments, inherited);
    // Rust's runtime would do this at its end. Nobody is left to be told of a failure.
    drop(io::stdout().flush());
    code
}

/// Opens something on each closed standard descriptor, so that no file of ours ever becomes number 2 and gets an
/// error message written into it. Closed again on exec: the service finds them closed, as we did.
fn plug_closed() {
    for fd in 0..3 {
        // SAFETY: F_GETFD takes no pointer, and any number may be asked about.
        let closed = unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1;
        if closed {
            // open(2) gives the lowest free number, which is this one. A container may have no /dev, but has a root.
            let null = open(c"/dev/null", libc::O_RDWR);
            if null == -1 {
                open(c"/", libc::O_RDONLY);
            }
        }
    }
}

fn open(path: &CStr, mode: c_int) -> c_int {
    debug_assert_ne!(path.as_ptr(), ptr::null());
    // SAFETY: `path` ends in NUL and outlives the call.
    unsafe { libc::open(path.as_ptr(), mode | libc::O_CLOEXEC) }
}
