//! No backtraces in the static release binary: they would take 288 kB of it, and name nothing in a stripped file.
//!
//! A release build ends on a panic (`panic = "abort"`), so nothing ever unwinds, and the only caller of the unwinder
//! is std's panic hook under `RUST_BACKTRACE`. With a stack walk that finds no frame, link-time optimisation sees that
//! the code which would print one is never reached (symbol tables, DWARF, demangling) and drops it. The panic's message
//! and its location are printed as ever.

use std::ffi::{c_int, c_void};

/// `_URC_END_OF_STACK` of the Itanium C++ ABI, level 1.
const END_OF_STACK: c_int = 5;

/// Reports the end of the stack without visiting a frame.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_visit: *const c_void, _argument: *mut c_void) -> c_int {
    END_OF_STACK
}

/// The other symbols of the unwinder that std refers to: all have to be defined in one place. None of them is called
/// without an exception or a frame, and there is neither.
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
