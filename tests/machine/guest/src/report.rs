//! What a service finds when it starts: every line is `NAME VALUE`.

use std::io::{self, Write};
use std::process::ExitCode;
use std::{env, fs};

/// The lines of /proc/self/status that tunectl could spoil for the service: signals and privileges.
const STATUS: [&str; 11] =
    ["Pid", "PPid", "Uid", "Gid", "Groups", "SigBlk", "CapInh", "CapPrm", "CapEff", "CapBnd", "NoNewPrivs"];

pub fn print() -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    for line in fs::read_to_string("/proc/self/status")?.lines() {
        if let Some((name, value)) = line.split_once(':').filter(|(name, _)| STATUS.contains(name)) {
            writeln!(out, "{name} {}", words(value))?;
        }
    }
    for line in fs::read_to_string("/proc/self/limits")?.lines().skip(1) {
        writeln!(out, "{}", words(line))?;
    }
    writeln!(out, "cwd {}", env::current_dir()?.display())?;
    writeln!(out, "fds {}", descriptors()?.join(" "))?;
    for (name, value) in env::vars() {
        writeln!(out, "env {name}={value}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Open descriptors without the one that this listing itself needs.
fn descriptors() -> io::Result<Vec<String>> {
    let mut open = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        if !fs::read_link(entry.path())?.ends_with("fd") {
            open.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    open.sort();
    Ok(open)
}

/// The words of `text`, one blank apart.
pub fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
