//! The program's memory: one arena, cut into sizes that are handed out again.
//!
//! musl's allocator is built to withstand heap attacks and asks the kernel for pages in small groups: for three keys
//! it took 40 % of all instructions and 50 system calls. A short-lived program of one thread needs neither. What does
//! not fit goes to the system's allocator, so nothing here is ever exhausted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of the arena. A page of it costs nothing before it is touched: `run` with 300 keys touches half of them.
const ARENA: usize = 512 << 10;
/// Every block begins at a multiple of this.
const ALIGN: usize = 16;
/// Up to here there is a size for each multiple of [`ALIGN`], further on for each power of two.
const FINE: usize = 512;
/// The largest block that is cut from the arena.
const LARGEST: usize = 64 << 10;
/// How many sizes there are: 32 fine ones, and 1 KiB to 64 KiB.
const SIZES: usize = FINE / ALIGN + 7;

/// The allocator; one a program.
#[derive(Debug)]
pub struct Heap {
    taken: AtomicBool,
    state: UnsafeCell<State>,
    arena: UnsafeCell<Arena>,
}

/// Bytes at a multiple of [`ALIGN`], only ever reached by pointers.
#[derive(Debug)]
#[repr(align(16))]
struct Arena {
    _bytes: MaybeUninit<[u8; ARENA]>,
}

#[derive(Debug)]
struct State {
    /// Where the part of the arena begins that was never handed out.
    fresh: usize,
    /// Of each size the block that was given back last; each holds the address of the one before it.
    free: [*mut Freed; SIZES],
}

#[derive(Debug)]
struct Freed {
    next: *mut Self,
}

// SAFETY: state and arena are only reached through `with`, by one thread at a time.
unsafe impl Sync for Heap {}

impl Heap {
    /// An empty heap.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "Default can't be called for a static")]
    pub const fn new() -> Self {
        Self {
            taken: AtomicBool::new(false),
            state: UnsafeCell::new(State { fresh: 0, free: [ptr::null_mut(); SIZES] }),
            arena: UnsafeCell::new(Arena { _bytes: MaybeUninit::uninit() }),
        }
    }

    /// Does something with the state, alone. tunectl has one thread, so nobody ever waits here.
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        while self.taken.swap(true, Ordering::Acquire) {
            std::hint::spin_loop();
        }
        // SAFETY: `taken` was false and is true now, so this is the only reference until it is false again.
        let outcome = act(unsafe { &mut *self.state.get() });
        self.taken.store(false, Ordering::Release);
        outcome
    }

    /// How far into the arena an address lies, if it does.
    fn place(&self, block: *mut u8) -> Option<usize> {
        block.addr().checked_sub(self.arena.get().addr()).filter(|place| *place < ARENA)
    }

    fn at(&self, place: usize) -> *mut u8 {
        self.arena.get().cast::<u8>().wrapping_add(place)
    }
}

impl State {
    /// Takes the last block of the arena to end at `end` instead, if the arena reaches that far.
    fn cut(&mut self, end: usize) -> bool {
        let fits = end <= ARENA;
        if fits {
            self.fresh = end;
        }
        fits
    }
}

/// The number of the size that holds so many bytes, and that size.
fn size_of(bytes: usize) -> (usize, usize) {
    if bytes <= FINE {
        let number = bytes.saturating_sub(1) / ALIGN;
        return (number, (number + 1) * ALIGN);
    }
    let size = bytes.next_power_of_two();
    (FINE / ALIGN + (size / FINE).trailing_zeros() as usize - 1, size)
}

fn is_ours(layout: Layout) -> bool {
    layout.size() <= LARGEST && layout.align() <= ALIGN
}

// SAFETY: a block is handed out to one owner: it is cut from what was never handed out, or was given back, and then
// leaves the list of its size. Every block of a size is as long as that size, and aligned.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (number, size) = size_of(layout.size());
        let cut_or_reuse = |state: &mut State| {
            let freed = state.free[number];
            if freed.is_null() {
                let place = state.fresh;
                return state.cut(place + size).then(|| self.at(place));
            }
            // SAFETY: a block on a list was given back, is at least as large as a `Freed`, and holds one.
            state.free[number] = unsafe { (*freed).next };
            Some(freed.cast())
        };
        let block = if is_ours(layout) { self.with(cut_or_reuse) } else { None };
        block.unwrap_or_else(|| {
            // SAFETY: the caller vouches for the layout.
            unsafe { System.alloc(layout) }
        })
    }

    #[expect(clippy::cast_ptr_alignment, reason = "every block of the arena begins at a multiple of 16")]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some(place) = self.place(block) else {
            // SAFETY: the caller vouches for both, and the block is none of ours.
            return unsafe { System.dealloc(block, layout) };
        };
        let (number, size) = size_of(layout.size());
        self.with(|state| {
            if place + size == state.fresh {
                state.fresh = place;
                return;
            }
            let freed = block.cast::<Freed>();
            // SAFETY: the block is the caller's to give back, and large enough and aligned for a `Freed`.
            unsafe { freed.write(Freed { next: state.free[number] }) };
            state.free[number] = freed;
        });
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        if let Some(place) = self.place(block) {
            let (number, size) = size_of(layout.size());
            let (wanted, longer) = size_of(bytes);
            // The last block grows and shrinks where it stands: vectors and strings that are being filled.
            let is_resized = |state: &mut State| place + size == state.fresh && state.cut(place + longer);
            if number == wanted || bytes <= LARGEST && self.with(is_resized) {
                return block;
            }
        } else if bytes > LARGEST || !is_ours(layout) {
            // SAFETY: the caller vouches for all three, and the block is none of ours.
            return unsafe { System.realloc(block, layout, bytes) };
        }
        // SAFETY: the caller vouches that the layout is one with this size too.
        let moved_layout = unsafe { Layout::from_size_align_unchecked(bytes, layout.align()) };
        // SAFETY: as the caller vouches, `bytes` is not zero.
        let moved = unsafe { self.alloc(moved_layout) };
        if !moved.is_null() {
            // SAFETY: both blocks are at least as long as the shorter of the two, and a new one overlaps no other.
            unsafe { ptr::copy_nonoverlapping(block, moved, layout.size().min(bytes)) };
            // SAFETY: the caller gives the old block away.
            unsafe { self.dealloc(block, layout) };
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static HEAP: Heap = Heap::new();

    /// A block that knows what it was filled with.
    struct Held {
        block: *mut u8,
        layout: Layout,
        mark: u8,
    }

    impl Held {
        fn take(size: usize, mark: u8) -> Self {
            let layout = Layout::from_size_align(size, 8).unwrap();
            // SAFETY: the size is not zero.
            let block = unsafe { HEAP.alloc(layout) };
            let mut held = Self { block, layout, mark };
            held.fill();
            held
        }

        fn fill(&mut self) {
            assert_eq!(self.block.addr() % ALIGN, 0);
            // SAFETY: the block is ours, and as long as its layout says.
            unsafe { self.block.write_bytes(self.mark, self.layout.size()) };
        }

        fn check(&self, size: usize) {
            // SAFETY: as above; `size` is no more than was filled.
            let bytes = unsafe { std::slice::from_raw_parts(self.block, size) };
            assert!(bytes.iter().all(|byte| *byte == self.mark), "someone else wrote to a block of {size}");
        }

        fn resize(&mut self, size: usize) {
            // SAFETY: the block came from this heap with this layout.
            self.block = unsafe { HEAP.realloc(self.block, self.layout, size) };
            self.check(self.layout.size().min(size));
            self.layout = Layout::from_size_align(size, 8).unwrap();
            self.fill();
        }

        fn give_back(self) {
            self.check(self.layout.size());
            // SAFETY: as above.
            unsafe { HEAP.dealloc(self.block, self.layout) };
        }
    }

    #[test]
    fn every_block_is_somebodys_alone() {
        let mut held: Vec<Held> = Vec::new();
        let mut random = 1_u64;
        for step in 0..20_000_u32 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = usize::try_from(random >> 40).unwrap();
            // Mostly small ones, some that the system has to hold, and more than the arena holds at times.
            let size = 1 + if step % 64 == 0 { number % (2 * LARGEST) } else { number % 1500 };
            match number % 3 {
                0 if !held.is_empty() => held.swap_remove(number % held.len()).give_back(),
                1 if !held.is_empty() => {
                    let at = number % held.len();
                    held[at].resize(size);
                }
                _ => held.push(Held::take(size, u8::try_from(step % 251).unwrap())),
            }
        }
        held.into_iter().for_each(Held::give_back);
    }

    #[test]
    fn sizes_hold_what_they_are_for() {
        for bytes in 1..=LARGEST {
            let (number, size) = size_of(bytes);
            assert!(number < SIZES && size >= bytes && size % ALIGN == 0, "{bytes}: {number}, {size}");
            assert_eq!(size_of(size), (number, size));
        }
    }

    #[test]
    fn what_was_given_back_is_handed_out_again() {
        static LONE: Heap = Heap::new();
        let layout = Layout::from_size_align(100, 8).unwrap();
        // SAFETY: the size is not zero.
        let take = || unsafe { LONE.alloc(layout) };
        let (first, second) = (take(), take());
        // SAFETY: it came from this heap with this layout.
        unsafe { LONE.dealloc(first, layout) };
        assert_eq!(take(), first);
        assert_eq!(take().addr(), second.addr() + 112);
    }
}
