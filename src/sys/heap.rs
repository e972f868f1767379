//! The program's memory: dlmalloc, without the C library's lock around it.
//!
//! musl's own allocator maps and unmaps a page at a time: half of the time that a profile of three keys took. A tenth
//! of what was left went into the lock, which is made for threads that wait: tunectl has one.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::{Cell, UnsafeCell};
use std::fmt;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use dlmalloc::{Allocator, Dlmalloc};

/// The allocator of a whole program.
pub struct Heap {
    taken: AtomicBool,
    inner: UnsafeCell<Dlmalloc<Pages>>,
}

/// Where the heap's memory comes from, mmap(2). Whoever needs more than the first piece goes on to use what he gets, so
/// that is brought at once: a page fault for each of the 80 pages of a long profile was a thirtieth of its time.
struct Pages {
    grown: Cell<bool>,
}

// SAFETY: what is given out is memory of nobody else, of the size that is said, filled with zeroes and writable, until it
// is given back.
unsafe impl Allocator for Pages {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let now = if self.grown.replace(true) { libc::MAP_POPULATE } else { 0 };
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | now);
        // SAFETY: a new mapping touches no other.
        let found = unsafe { libc::mmap(ptr::null_mut(), size, access, kind, -1, 0) };
        if found == libc::MAP_FAILED { (ptr::null_mut(), 0, 0) } else { (found.cast(), size, 0) }
    }

    fn remap(&self, block: *mut u8, size: usize, wanted: usize, can_move: bool) -> *mut u8 {
        let flags = if can_move { libc::MREMAP_MAYMOVE } else { 0 };
        // SAFETY: the block is one of `alloc`, and who asks uses no other address of it afterwards.
        let found = unsafe { libc::mremap(block.cast(), size, wanted, flags) };
        if found == libc::MAP_FAILED { ptr::null_mut() } else { found.cast() }
    }

    fn free_part(&self, block: *mut u8, size: usize, left: usize) -> bool {
        // SAFETY: the block is one of `alloc`, and its end is not used any more.
        unsafe { libc::mremap(block.cast(), size, left, 0) != libc::MAP_FAILED }
    }

    fn free(&self, block: *mut u8, size: usize) -> bool {
        // SAFETY: the block is one of `alloc`, and not used any more.
        unsafe { libc::munmap(block.cast(), size) == 0 }
    }

    fn can_release_part(&self, _flags: u32) -> bool {
        true
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        4096
    }
}

// SAFETY: what is inside is only reached through `with`, by one thread at a time.
unsafe impl Sync for Heap {}

impl fmt::Debug for Heap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heap").finish_non_exhaustive()
    }
}

impl Heap {
    /// An empty heap.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "Default can't be called for a static")]
    pub const fn new() -> Self {
        Self {
            taken: AtomicBool::new(false),
            inner: UnsafeCell::new(Dlmalloc::new_with_allocator(Pages { grown: Cell::new(false) })),
        }
    }

    /// Does something with the heap, alone. With one thread, nobody ever waits here.
    fn with<T>(&self, act: impl FnOnce(&mut Dlmalloc<Pages>) -> T) -> T {
        while self.taken.swap(true, Ordering::Acquire) {
            std::hint::spin_loop();
        }
        // SAFETY: `taken` was false and is true now, so this is the only reference until it is false again.
        let outcome = act(unsafe { &mut *self.inner.get() });
        self.taken.store(false, Ordering::Release);
        outcome
    }
}

// SAFETY: dlmalloc keeps the contract, and is asked by one thread at a time.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller vouches for the layout.
        self.with(|heap| unsafe { heap.malloc(layout.size(), layout.align()) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller vouches for the layout.
        self.with(|heap| unsafe { heap.calloc(layout.size(), layout.align()) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller vouches for both.
        self.with(|heap| unsafe { heap.free(block, layout.size(), layout.align()) });
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller vouches for all three.
        self.with(|heap| unsafe { heap.realloc(block, layout.size(), layout.align(), size) })
    }
}
