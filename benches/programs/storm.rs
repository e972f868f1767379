//! The service of the reaping benchmark: `storm COUNT` says with a byte that it is there, and after a while leaves that
//! many orphans behind, one after the other, says so, and stays.
#![no_main]

unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(code: i32) -> !;
    fn atoi(text: *const u8) -> i32;
    fn write(fd: i32, bytes: *const u8, count: usize) -> isize;
    fn pause() -> i32;
    fn usleep(microseconds: u32) -> i32;
}

// SAFETY: this program has no other function of that name, and the C runtime calls it as declared in C.
#[unsafe(no_mangle)]
extern "C" fn main(_count: i32, values: *const *const u8) -> i32 {
    // SAFETY: all of these take and check numbers; the benchmark gives one argument.
    unsafe {
        write(1, b"r".as_ptr(), 1);
        usleep(400_000);
        for _ in 0..atoi(*values.add(1)) {
            let child = fork();
            if child == 0 {
                fork();
                _exit(0);
            }
            waitpid(child, std::ptr::null_mut(), 0);
        }
        write(1, b"d".as_ptr(), 1);
        pause();
    }
    0
}
