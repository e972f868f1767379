//! The service of the latency benchmark: a byte on standard output for each SIGUSR1.
#![no_main]

unsafe extern "C" {
    fn sigemptyset(set: *mut [u64; 16]) -> i32;
    fn sigaddset(set: *mut [u64; 16], signal: i32) -> i32;
    fn sigprocmask(how: i32, set: *const [u64; 16], old: *mut [u64; 16]) -> i32;
    fn sigwait(set: *const [u64; 16], signal: *mut i32) -> i32;
    fn write(fd: i32, bytes: *const u8, count: usize) -> isize;
}

const SIGUSR1: i32 = 10;

// SAFETY: this program has no other function of that name, and the C runtime calls it as declared in C.
#[unsafe(no_mangle)]
extern "C" fn main(_count: i32, _values: *const *const u8) -> i32 {
    let mut set = [0_u64; 16];
    let mut signal = 0;
    // SAFETY: musl's `sigset_t` is these 128 bytes; everything handed over is ours and outlives the calls.
    unsafe {
        sigemptyset(&raw mut set);
        sigaddset(&raw mut set, SIGUSR1);
        sigprocmask(0, &raw const set, std::ptr::null_mut());
        write(1, b"r".as_ptr(), 1);
        loop {
            sigwait(&raw const set, &raw mut signal);
            if write(1, b"s".as_ptr(), 1) != 1 {
                return 0;
            }
        }
    }
}
