//! The environment as the kernel gave it, and handing it on.

use std::ffi::{CStr, CString};
use std::{io, ptr};

use libc::c_char;

unsafe extern "C" {
    /// The environment of the process, environ(7).
    static environ: *const *const c_char;
}

/// A list of strings in the form that execve(2) wants, made beforehand so that nothing is allocated at the end.
#[derive(Debug)]
pub struct CStringArray {
    strings: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl CStringArray {
    /// Takes the strings.
    #[must_use]
    pub fn new(strings: Vec<CString>) -> Self {
        // A CString's bytes are on the heap: moving the CString itself leaves the pointers valid.
        let pointers = strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect();
        Self { strings, pointers }
    }

    /// The strings that it points to.
    #[must_use]
    pub fn strings(&self) -> &[CString] {
        &self.strings
    }
}

/// A copy of the environment, entry by entry: also those without `=` and those given twice, which std drops.
#[must_use]
pub fn environment() -> Vec<CString> {
    let mut entries = Vec::new();
    // SAFETY: nothing in tunectl writes to `environ`.
    let mut next = unsafe { environ };
    while !next.is_null() {
        // SAFETY: `environ` is an array of pointers that ends in a null one, where the loop ends.
        let entry = unsafe { *next };
        if entry.is_null() {
            break;
        }
        // SAFETY: each entry is a string that ends in NUL.
        entries.push(unsafe { CStr::from_ptr(entry) }.to_owned());
        // SAFETY: this entry was not the null one, so there is a next.
        next = unsafe { next.add(1) };
    }
    entries
}

/// execve(2): becomes `path`. Without an `environment` the one we were given goes on, untouched. Returns why not.
#[must_use]
pub fn execve(path: &CStr, arguments: &CStringArray, environment: Option<&CStringArray>) -> io::Error {
    let untouched = || {
        // SAFETY: nothing in tunectl writes to `environ`.
        unsafe { environ }
    };
    let environment = environment.map_or_else(untouched, |array| array.pointers.as_ptr());
    // SAFETY: both arrays end in a null pointer, all strings in NUL, and all of them outlive the call.
    unsafe { libc::execve(path.as_ptr(), arguments.pointers.as_ptr(), environment) };
    io::Error::last_os_error()
}
