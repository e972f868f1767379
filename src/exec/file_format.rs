//! What a file holds, to explain why the kernel does not execute it.
#![forbid(unsafe_code)]

/// What a file holds, told from its first page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FileFormat {
    /// An empty file.
    Empty,
    /// A script for this interpreter.
    Script(String),
    /// A text without a `#!` line.
    TextWithoutInterpreter,
    /// An ELF file for this machine, with this dynamic loader.
    Elf {
        /// The architecture, or its number in elf(5).
        machine: String,
        /// The loader that it asks for; none when it is static.
        loader: Option<String>,
    },
    /// A program of macOS.
    MachO,
    /// None of these formats.
    Unknown,
}

/// Tells what a file holds from its first page.
#[must_use]
pub(super) fn identify(head: &[u8]) -> FileFormat {
    match head {
        [] => FileFormat::Empty,
        [b'#', b'!', line @ ..] => {
            let line = line.split(|&byte| byte == b'\n').next().unwrap_or(line);
            let text = String::from_utf8_lossy(line);
            // Not `split_whitespace`: a carriage return at the end is what such scripts most often die of.
            let interpreter = text.trim_matches([' ', '\t']).split([' ', '\t']).next().unwrap_or("");
            FileFormat::Script(interpreter.to_owned())
        }
        [0x7f, b'E', b'L', b'F', ..] => elf(head),
        [0xcf, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => FileFormat::MachO,
        _ if head.contains(&0) => FileFormat::Unknown,
        _ => FileFormat::TextWithoutInterpreter,
    }
}

/// Reads the machine and the loader from an ELF header, elf(5); only 64-bit little-endian files' loaders.
fn elf(head: &[u8]) -> FileFormat {
    let number = |at: usize, bytes: usize| -> Option<u64> {
        let slice = head.get(at..at.checked_add(bytes)?)?;
        Some(slice.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
    };
    let word = |at, bytes| number(at, bytes).and_then(|value| usize::try_from(value).ok());
    let machine = match number(18, 2) {
        Some(3) => "x86 (32 bits)".to_owned(),
        Some(40) => "arm (32 bits)".to_owned(),
        Some(62) => "x86_64".to_owned(),
        Some(183) => "aarch64".to_owned(),
        Some(243) => "riscv64".to_owned(),
        Some(21) => "ppc64".to_owned(),
        Some(22) => "s390x".to_owned(),
        Some(other) => format!("machine number {other}"),
        None => "an unknown machine, and is cut off".to_owned(),
    };
    let loader = || {
        let (table, size, count) = (word(32, 8)?, word(54, 2)?, word(56, 2)?);
        let entries = (0..count).filter_map(|index| table.checked_add(index.checked_mul(size)?));
        // PT_INTERP is 3; its text is at p_offset, p_filesz bytes with the NUL.
        let entry = entries.into_iter().find(|&at| number(at, 4) == Some(3))?;
        let (offset, length) = (word(entry.checked_add(8)?, 8)?, word(entry.checked_add(32)?, 8)?);
        let text = head.get(offset..offset.checked_add(length.checked_sub(1)?)?)?;
        Some(String::from_utf8_lossy(text).into_owned())
    };
    let wide_and_little = head.get(4..6) == Some(&[2, 1]);
    FileFormat::Elf { machine, loader: if wide_and_little { loader() } else { None } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_first_bytes() {
        let cases: [(&[u8], FileFormat); 7] = [
            (b"", FileFormat::Empty),
            (b"#!/bin/sh -e\necho", FileFormat::Script("/bin/sh".to_owned())),
            (b"#! /usr/bin/env python3", FileFormat::Script("/usr/bin/env".to_owned())),
            (b"#!/bin/sh\r\n", FileFormat::Script("/bin/sh\r".to_owned())),
            (b"echo hello\n", FileFormat::TextWithoutInterpreter),
            (b"\xcf\xfa\xed\xfe\x0c", FileFormat::MachO),
            (b"MZ\0\0", FileFormat::Unknown),
        ];
        for (head, program) in cases {
            assert_eq!(identify(head), program);
        }
    }

    #[test]
    fn an_elf_file_names_its_machine_and_its_loader() {
        let mut head = vec![0_u8; 200];
        head[..6].copy_from_slice(b"\x7fELF\x02\x01");
        head[18] = 183;
        head[32] = 64; // e_phoff
        head[54] = 56; // e_phentsize
        head[56] = 1; // e_phnum
        head[64] = 3; // PT_INTERP
        head[72] = 120; // p_offset
        head[96] = 6; // p_filesz
        head[120..126].copy_from_slice(b"/ld.x\0");
        let expected = FileFormat::Elf { machine: "aarch64".to_owned(), loader: Some("/ld.x".to_owned()) };
        assert_eq!(identify(&head), expected);
        // No header can lead outside the page.
        for end in 4..head.len() {
            assert!(matches!(identify(&head[..end]), FileFormat::Elf { .. }));
        }
        head[72..80].copy_from_slice(&[255; 8]);
        assert_eq!(identify(&head), FileFormat::Elf { machine: "aarch64".to_owned(), loader: None });
    }
}
