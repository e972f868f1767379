//! What of our own program stays in memory.

use libc::c_void;

/// The fields of `Elf64_Phdr` that say what is loaded where, elf(5).
type Header = libc::Elf64_Phdr;

/// Lets go of the pages of our own program that were only read: those that are needed again are read again.
///
/// The kernel maps sixteen pages around each that is touched (`fault_around_bytes`), so that after its start a
/// program counts half of its file as its own, of which a supervisor needs little.
pub fn forget_program() {
    // SAFETY: getauxval(3) takes a number; what it doesn't know is 0.
    let table = unsafe { libc::getauxval(libc::AT_PHDR) } as *const Header;
    // SAFETY: as above.
    let count = usize::try_from(unsafe { libc::getauxval(libc::AT_PHNUM) }).unwrap_or(0);
    if table.is_null() {
        return;
    }
    // SAFETY: the kernel says that this many headers of the running program stand at `table` (getauxval(3)).
    let headers = unsafe { std::slice::from_raw_parts(table, count) };
    let address = |header: &Header| usize::try_from(header.p_vaddr).unwrap_or(0);
    // Where the program is loaded differs from where it says, if it is position independent. Without the header that
    // tells of the table itself, a position-dependent one is meant.
    let itself = headers.iter().find(|header| header.p_type == libc::PT_PHDR);
    let shift = itself.map_or(0, |header| table.addr().wrapping_sub(address(header)));
    for header in headers {
        let only_read = header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0;
        if let (true, Ok(size)) = (only_read, usize::try_from(header.p_memsz)) {
            let start = address(header).wrapping_add(shift);
            let page = start & !(PAGE - 1);
            let length = size.wrapping_add(start - page);
            let place = std::ptr::without_provenance_mut::<c_void>(page);
            // SAFETY: these pages hold what the file holds and were never written to, so that reading them again
            // gives the same.
            unsafe { libc::madvise(place, length, libc::MADV_DONTNEED) };
        }
    }
}

/// The smallest page of any machine that we are built for: a start is always a multiple of the real one.
const PAGE: usize = 4096;
