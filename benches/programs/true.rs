//! The service of the benchmarks: it does nothing, so that what is measured is what comes before it.
//!
//! It has no `main` of Rust's, whose runtime makes a dozen system calls before it: a `true` in C has none of them.
#![no_main]

// SAFETY: this program has no other function of that name, and the C runtime calls it as declared in C.
#[unsafe(no_mangle)]
extern "C" fn main(_count: i32, _values: *const *const u8) -> i32 {
    0
}
