//! memcpy(3) and memmove(3) of the static program on x86-64.
//!
//! musl copies by `rep movsq`, which takes some thirty cycles to begin. Nearly all copies are short, a few thousand of
//! them in a long profile: they took a thirtieth of its time. Here up to 128 bytes are read from both ends before the
//! first is written, so that the objects may overlap; the compiler, told to make the program small, would loop.

use std::arch::global_asm;

global_asm!(
    ".pushsection .text.tunectl_copy,\"ax\",@progbits",
    ".p2align 5",
    ".globl tunectl_copy",
    ".type tunectl_copy,@function",
    "tunectl_copy:",
    "mov rax, rdi",
    "cmp rdx, 16",
    "jb 2f",
    "cmp rdx, 32",
    "ja 3f",
    // 16 to 32 bytes.
    "movups xmm0, [rsi]",
    "movups xmm1, [rsi + rdx - 16]",
    "movups [rdi], xmm0",
    "movups [rdi + rdx - 16], xmm1",
    "ret",
    "2:",
    "cmp edx, 8",
    "jb 2f",
    "mov rcx, [rsi]",
    "mov r8, [rsi + rdx - 8]",
    "mov [rdi], rcx",
    "mov [rdi + rdx - 8], r8",
    "ret",
    "2:",
    "cmp edx, 4",
    "jb 2f",
    "mov ecx, [rsi]",
    "mov r8d, [rsi + rdx - 4]",
    "mov [rdi], ecx",
    "mov [rdi + rdx - 4], r8d",
    "ret",
    "2:",
    "cmp edx, 1",
    "jb 4f",
    "movzx ecx, byte ptr [rsi]",
    "je 2f",
    "movzx r8d, word ptr [rsi + rdx - 2]",
    "mov [rdi + rdx - 2], r8w",
    "2:",
    "mov [rdi], cl",
    "4:",
    "ret",
    "3:",
    "cmp rdx, 128",
    "ja 5f",
    // 33 to 128 bytes: 32 at each end, and 32 more towards the middle where that is not all.
    "movups xmm0, [rsi]",
    "movups xmm1, [rsi + 16]",
    "movups xmm2, [rsi + rdx - 32]",
    "movups xmm3, [rsi + rdx - 16]",
    "cmp edx, 64",
    "jbe 3f",
    "movups xmm4, [rsi + 32]",
    "movups xmm5, [rsi + 48]",
    "movups xmm6, [rsi + rdx - 64]",
    "movups xmm7, [rsi + rdx - 48]",
    "movups [rdi + 32], xmm4",
    "movups [rdi + 48], xmm5",
    "movups [rdi + rdx - 64], xmm6",
    "movups [rdi + rdx - 48], xmm7",
    "3:",
    "movups [rdi], xmm0",
    "movups [rdi + 16], xmm1",
    "movups [rdi + rdx - 32], xmm2",
    "movups [rdi + rdx - 16], xmm3",
    "ret",
    // Forwards is right but where the beginning of the one lies in the other.
    "5:",
    "mov r8, rdi",
    "sub r8, rsi",
    "mov rcx, rdx",
    "cmp r8, rdx",
    "jb 5f",
    "rep movsb",
    "ret",
    "5:",
    "lea rdi, [rdi + rdx - 1]",
    "lea rsi, [rsi + rdx - 1]",
    "std",
    "rep movsb",
    "cld",
    "ret",
    ".size tunectl_copy, . - tunectl_copy",
    ".popsection",
);

#[cfg(target_env = "musl")]
global_asm!(
    ".globl memcpy",
    ".type memcpy,@function",
    ".set memcpy, tunectl_copy",
    ".globl memmove",
    ".type memmove,@function",
    ".set memmove, tunectl_copy",
);

#[cfg(test)]
mod tests {
    unsafe extern "C" {
        fn tunectl_copy(to: *mut u8, from: *const u8, count: usize) -> *mut u8;
    }

    #[test]
    fn bytes_come_as_they_were_however_long_and_wherever() {
        for count in (0..300).chain([511, 4096, 5000]) {
            for (from, to) in [(0, 6000), (3, 6001), (64, 64), (64, 65), (65, 64), (0, 200), (200, 0), (9, 2), (2, 9)] {
                let mut bytes: Vec<u8> = (0..12_000_u32).map(|byte| u8::try_from(byte * 7 % 251).unwrap()).collect();
                let mut expected = bytes.clone();
                expected.copy_within(from..from + count, to);
                let start = bytes.as_mut_ptr();
                // SAFETY: it lies in the list.
                let source = unsafe { start.add(from) };
                // SAFETY: as above.
                let target = unsafe { start.add(to) };
                // SAFETY: from both on there are as many bytes in the list.
                let answer = unsafe { tunectl_copy(target, source, count) };
                assert_eq!((answer, bytes == expected), (target, true), "{count} from {from} to {to}");
            }
        }
    }
}
