//! No backtraces in the static release binary: they would be a quarter of it, and name nothing in a stripped file.
//!
//! A release build ends on a panic (`panic = "abort"`), so nothing ever unwinds, and the only caller of the unwinder
//! is std's panic hook under `RUST_BACKTRACE`. With a walk of the stack that finds no frame, the linker's whole-program
//! view sees that what would print one is never reached (symbol tables, DWARF, demangling) and leaves it out. The
//! panic's message and its place are printed as ever.

use std::ffi::{c_int, c_void};

/// `_URC_END_OF_STACK` of the Itanium C++ ABI, level 1.
const END_OF_STACK: c_int = 5;

/// Walks no frame.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_visit: *const c_void, _argument: *mut c_void) -> c_int {
    END_OF_STACK
}

/// What else std names of the unwinder, which has to come from one place. None of it is called without an exception or
/// a frame, and there are none.
macro_rules! never_called {
    ($($name:ident)*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $name() -> ! {
                std::process::abort()
            }
        )*
    };
}

never_called! {
    _Unwind_GetCFA _Unwind_GetDataRelBase _Unwind_GetIP _Unwind_GetIPInfo _Unwind_GetLanguageSpecificData
    _Unwind_GetRegionStart _Unwind_GetTextRelBase _Unwind_Resume _Unwind_SetGR _Unwind_SetIP
}
