//! The steps that a test asks for, one a line, fields apart by tabs: `NAME VERB ARGUMENT…`, with vertical tabs for the
//! ends of lines within them.
//!
//! Each answers with lines `RESULT NAME VALUE` on the second serial line, which the kernel's own messages can't
//! reach. A step that can't be done answers with `NAME.failed` instead of ending the script: the test sees which.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::reboot::{RebootMode, reboot};

use crate::tree::Tree;

/// How long something that is waited for may take on a busy emulated machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the script at `path` and ends the machine.
pub fn play(path: &str, results: &str) -> io::Result<ExitCode> {
    let results = OpenOptions::new().write(true).open(results)?;
    let mut shell = Shell { results, remembered: Tree::default(), said: String::new() };
    for line in fs::read_to_string(path)?.lines() {
        let line = line.replace('\u{b}', "\n");
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, step @ ..] = fields.as_slice() else {
            continue;
        };
        if let Err(error) = shell.step(name, step) {
            shell.answer(&format!("{name}.failed"), error.to_string().as_bytes())?;
        }
    }
    shell.answer("end", b"reached")?;
    // The emulator was told not to reboot, so this ends it.
    reboot(RebootMode::RB_AUTOBOOT)?;
    Ok(ExitCode::SUCCESS)
}

struct Shell {
    results: File,
    remembered: Tree,
    /// What the last command said, on both streams.
    said: String,
}

impl Shell {
    fn step(&mut self, name: &str, step: &[&str]) -> io::Result<()> {
        match step {
            ["read", path] => self.answer(name, fs::read_to_string(path)?.trim_end().as_bytes()),
            ["write", path, value] => OpenOptions::new().write(true).open(path)?.write_all(value.as_bytes()),
            ["until", text, command, args @ ..] => self.until(name, text, Command::new(command).args(args)),
            ["exec", command, args @ ..] => self.exec(name, Command::new(command).args(args)),
            ["exec-as", uid, command, args @ ..] => {
                let uid = uid.parse::<u32>().map_err(io::Error::other)?;
                self.exec(name, Command::new(command).args(args).uid(uid).gid(uid))
            }
            ["profile-as-said", path] => fs::write(path, mended(&self.said)?),
            ["remember"] => {
                self.remembered = Tree::read()?;
                Ok(())
            }
            ["differences"] => {
                let found = Tree::read()?.differences(&self.remembered);
                self.answer(name, found.join("\n").as_bytes())
            }
            other => Err(io::Error::other(format!("no such step: {other:?}"))),
        }
    }

    fn exec(&mut self, name: &str, command: &mut Command) -> io::Result<()> {
        let output = command.stdin(Stdio::null()).output()?;
        let code = output.status.code().map_or_else(|| output.status.to_string(), |code| code.to_string());
        self.answer(&format!("{name}.code"), code.as_bytes())?;
        self.answer(&format!("{name}.out"), &output.stdout)?;
        self.said = String::from_utf8_lossy(&[output.stdout, output.stderr.clone()].concat()).into_owned();
        self.answer(&format!("{name}.err"), &output.stderr)
    }

    /// Answers with what the command says once that holds `text`.
    fn until(&mut self, name: &str, text: &str, command: &mut Command) -> io::Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            let said = command.stdin(Stdio::null()).output()?.stdout;
            if String::from_utf8_lossy(&said).contains(text) {
                return self.answer(name, &said);
            }
            if Instant::now() > end {
                let said = String::from_utf8_lossy(&said);
                return Err(io::Error::other(format!("`{text}` is not in: {said}")));
            }
            sleep(Duration::from_millis(50));
        }
    }

    /// One line for one value, whatever it holds.
    fn answer(&mut self, name: &str, value: &[u8]) -> io::Result<()> {
        let value = String::from_utf8_lossy(value);
        let value = value.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t");
        self.results.write_all(format!("RESULT {name} {value}\n").as_bytes())
    }
}

/// The profile that was said to be needed: `in the profile, under [TABLE]: LINE`, or the line below.
fn mended(said: &str) -> io::Result<String> {
    let (_, remedy) = said.split_once("in the profile, under ").ok_or_else(no_remedy)?;
    let (table, rest) = remedy.split_once(':').ok_or_else(no_remedy)?;
    let line = rest.trim_start().lines().next().ok_or_else(no_remedy)?;
    Ok(format!("{table}\n{line}\n"))
}

fn no_remedy() -> io::Error {
    io::Error::other("no remedy for a profile")
}
