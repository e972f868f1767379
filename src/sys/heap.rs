//! The program's memory: dlmalloc, without the C library's lock around it.
//!
//! musl's own allocator maps and unmaps a page at a time: half of the time that a profile of three keys took. A tenth
//! of what was left went into the lock, which is made for threads that wait: tunectl has one.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use dlmalloc::Dlmalloc;

/// The allocator of a whole program.
pub struct Heap {
    taken: AtomicBool,
    inner: UnsafeCell<Dlmalloc>,
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
        Self { taken: AtomicBool::new(false), inner: UnsafeCell::new(Dlmalloc::new()) }
    }

    /// Does something with the heap, alone. With one thread, nobody ever waits here.
    fn with<T>(&self, act: impl FnOnce(&mut Dlmalloc) -> T) -> T {
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
