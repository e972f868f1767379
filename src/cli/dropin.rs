//! The command lines of tini, dumb-init and catatonit, each as a table: called under one of their names, tunectl
//! takes theirs, and their variables, as if its own flags had been typed.
//!
//! Unlike tini and catatonit, whose C library looks for options to the very end, parsing stops at the command.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::model::run::CompatFlags;
use crate::model::signal::Signal;

/// What one of their options comes to.
#[derive(Clone, Copy)]
enum Effect {
    /// These words of ours.
    Words(&'static [&'static str]),
    /// This flag of ours, with what the option's value is in our words, if that program takes it.
    Value(&'static str, fn(&str) -> Option<String>),
    /// The service stays in our process group, and has no session of its own.
    SingleChild,
    /// No service is run, and a command counts for nothing.
    Pause,
    /// Prints the help, and that is all.
    Help,
    /// Prints the version, and that is all.
    Version,
    /// Prints the licence, and that is all.
    Licence,
}

/// An option by its letter and its name, if it has either; one without a letter must be all that is typed.
struct Flag(&'static str, &'static str, Effect);

/// What a variable comes to.
enum Variable {
    /// Set at all, even to nothing.
    Present(&'static str, &'static [&'static str]),
    /// Set to just this.
    Is(&'static str, &'static str, Effect),
}

/// One of the programs that we stand in for.
struct Program {
    names: &'static [&'static str],
    usage: &'static str,
    version: &'static str,
    /// Our own words, before all that was typed.
    base: &'static [&'static str],
    /// Where we are not PID 1: they leave orphans to others, and never touch what is left.
    base_below: &'static [&'static str],
    /// It warns where nobody adopts orphans.
    warns_of_orphans: bool,
    exec_failure: Option<u8>,
    flags: &'static [Flag],
    variables: &'static [Variable],
}

const GROUP: &[&str] = &["--signal-to=group"];
const LEAVE: &[&str] = &["--subreaper=false", "--orphan-timeout=off"];

const PROGRAMS: [Program; 3] = [
    Program {
        names: &["tini", "tini-static", "docker-init"],
        usage: "tini [OPTIONS] PROGRAM -- [ARGS] | --version",
        // `docker info` reads this: `tini version …`, ` - `, `git.` and a commit.
        version: concat!("tini version 0.19.0 (tunectl ", env!("CARGO_PKG_VERSION"), ") - git.tunectl"),
        base: &["--init"],
        base_below: LEAVE,
        warns_of_orphans: true,
        exec_failure: None,
        flags: &[
            Flag("s", "", Effect::Words(&["--subreaper"])),
            Flag("p", "", Effect::Value("--parent-death-signal", signal)),
            Flag("v", "", Effect::Words(&["-v"])),
            Flag("w", "", Effect::Words(&["-v"])),
            Flag("g", "", Effect::Words(GROUP)),
            Flag("e", "", Effect::Value("--expect-exit", exit_code)),
            Flag("l", "", Effect::Licence),
            Flag("h", "", Effect::Help),
            Flag("", "version", Effect::Version),
        ],
        variables: &[
            Variable::Present("TINI_SUBREAPER", &["--subreaper"]),
            Variable::Present("TINI_KILL_PROCESS_GROUP", GROUP),
            Variable::Is("TINI_VERBOSITY", "0", Effect::Words(&["-q"])),
            Variable::Is("TINI_VERBOSITY", "2", Effect::Words(&["-v"])),
            Variable::Is("TINI_VERBOSITY", "3", Effect::Words(&["-vv"])),
            Variable::Is("TINI_VERBOSITY", "4", Effect::Words(&["-vvv"])),
        ],
    },
    Program {
        names: &["dumb-init"],
        usage: "dumb-init [-c] [-r S:R]... [-v] [-V] PROGRAM [ARGS]",
        version: concat!("dumb-init v1.2.5 (tunectl ", env!("CARGO_PKG_VERSION"), ")"),
        base: &["--init", "--session", "--signal-to=group"],
        base_below: LEAVE,
        warns_of_orphans: false,
        exec_failure: Some(2),
        flags: &[
            Flag("c", "single-child", Effect::SingleChild),
            Flag("r", "rewrite", Effect::Value("--rewrite", pair)),
            Flag("v", "verbose", Effect::Words(&["-vv"])),
            Flag("h", "help", Effect::Help),
            Flag("V", "version", Effect::Version),
        ],
        variables: &[
            Variable::Is("DUMB_INIT_DEBUG", "1", Effect::Words(&["-vv"])),
            Variable::Is("DUMB_INIT_SETSID", "0", Effect::SingleChild),
        ],
    },
    Program {
        names: &["catatonit", "podman-init"],
        usage: "catatonit [-g] [-P] [-h] [-V] [-L] PROGRAM [ARGS]",
        version: concat!("tini version 0.2.1_catatonit (tunectl ", env!("CARGO_PKG_VERSION"), ")"),
        base: &["--init"],
        base_below: &["--subreaper", "--orphan-timeout=off"],
        warns_of_orphans: false,
        exec_failure: Some(1),
        flags: &[
            Flag("g", "", Effect::Words(GROUP)),
            Flag("P", "", Effect::Pause),
            Flag("L", "license", Effect::Licence),
            Flag("h", "help", Effect::Help),
            Flag("V", "version", Effect::Version),
        ],
        variables: &[Variable::Present("CATATONIT_DEBUG", &["-vv"])],
    },
];

/// What is to be done under one of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropIn {
    /// Go on as if this had been typed, in this manner.
    Run(Vec<OsString>, CompatFlags),
    /// Stay without a service.
    Pause,
    /// Print this on standard output and exit with 0.
    Print(String),
    /// Print this on standard error and exit with 1, as all of them do.
    Wrong(String),
}

/// The command line of ours that `arguments` come to; `None` if the program was called by its own name.
#[must_use]
pub fn translate(arguments: &[OsString], pid: i32, variable: &dyn Fn(&str) -> Option<OsString>) -> Option<DropIn> {
    let name = arguments.first()?.as_bytes().rsplit(|&byte| byte == b'/').next()?;
    let program = PROGRAMS.iter().find(|program| program.names.iter().any(|known| known.as_bytes() == name))?;
    let mut line = Line { program, words: vec![], manner: CompatFlags::default(), pauses: false };
    line.manner.exec_failure = program.exec_failure;
    line.add(program.base);
    if pid != 1 {
        line.add(program.base_below);
        line.manner.warns_of_orphans = program.warns_of_orphans;
    }
    for variable_of_theirs in program.variables {
        match variable_of_theirs {
            Variable::Present(name, ours) if variable(name).is_some() => line.add(ours),
            Variable::Is(name, value, effect) if variable(name).is_some_and(|found| found == *value) => {
                let _ = line.take(*effect, None, OsStr::new(name));
            }
            _ => {}
        }
    }
    Some(line.read(arguments.get(1..).unwrap_or_default()).unwrap_or_else(|done| done))
}

struct Line<'a> {
    program: &'a Program,
    words: Vec<OsString>,
    manner: CompatFlags,
    pauses: bool,
}

impl Line<'_> {
    fn add(&mut self, words: &[&str]) {
        self.words.extend(words.iter().map(OsString::from));
    }

    /// Reads their options up to the command, as getopt(3) does: letters may share a dash, a value may follow its
    /// letter at once or in the next argument.
    fn read(mut self, arguments: &[OsString]) -> Result<DropIn, DropIn> {
        let mut rest = arguments.iter();
        let mut command: Vec<OsString> = vec![];
        while let Some(argument) = rest.next() {
            let text = argument.as_bytes();
            match text {
                b"--" => break,
                [b'-', b'-', long @ ..] => {
                    let (name, value) = match long.iter().position(|&byte| byte == b'=') {
                        Some(at) => (&long[..at], Some(long[at + 1..].to_vec())),
                        None => (long, None),
                    };
                    let effect = self.long(name, arguments, argument)?;
                    if value.is_some() && !matches!(effect, Effect::Value(..)) {
                        return Err(self.unknown(argument));
                    }
                    let value = value.map(OsString::from_vec).or_else(|| value_from(effect, &mut rest));
                    self.take(effect, value.as_deref(), argument)?;
                }
                [b'-', letters @ ..] if !letters.is_empty() => {
                    let mut letters = letters;
                    while let [letter, behind @ ..] = letters {
                        let found = self.program.flags.iter().find(|flag| flag.0.as_bytes() == [*letter]);
                        let effect = found.ok_or_else(|| self.unknown(argument))?.2;
                        letters = behind;
                        if matches!(effect, Effect::Value(..)) {
                            let joined = (!behind.is_empty()).then(|| OsStr::from_bytes(behind).to_owned());
                            let value = joined.or_else(|| value_from(effect, &mut rest));
                            self.take(effect, value.as_deref(), argument)?;
                            break;
                        }
                        self.take(effect, None, argument)?;
                    }
                }
                _ => {
                    command.push(argument.clone());
                    break;
                }
            }
        }
        if self.pauses {
            return Ok(DropIn::Pause);
        }
        command.extend(rest.cloned());
        if command.is_empty() {
            return Err(self.wrong("no program was named"));
        }
        if self.words.iter().any(|word| word.as_bytes().starts_with(b"-v")) {
            // What was typed last wins with them; with us the two don't go together.
            self.words.retain(|word| word != "-q");
        }
        let head = ["tunectl", "run"].map(OsString::from);
        let line = head.into_iter().chain(self.words).chain([OsString::from("--")]).chain(command);
        Ok(DropIn::Run(line.collect(), self.manner))
    }

    /// A long option by its name, or as `getopt_long(3)` has it by as much of it as no other starts with.
    fn long(&self, name: &[u8], arguments: &[OsString], argument: &OsStr) -> Result<Effect, DropIn> {
        let flags = || self.program.flags.iter().filter(|flag| !name.is_empty() && flag.1.as_bytes().starts_with(name));
        let whole = flags().find(|flag| flag.1.len() == name.len() && (!flag.0.is_empty() || arguments.len() == 1));
        let mut begun = flags().filter(|flag| !flag.0.is_empty());
        let found = whole.or_else(|| begun.next().filter(|_| begun.next().is_none()));
        found.map(|flag| flag.2).ok_or_else(|| self.unknown(argument))
    }

    fn unknown(&self, argument: &OsStr) -> DropIn {
        self.wrong(&format!("unknown option `{}`", argument.to_string_lossy().escape_debug()))
    }

    fn take(&mut self, effect: Effect, value: Option<&OsStr>, typed: &OsStr) -> Result<(), DropIn> {
        match effect {
            Effect::Words(words) => self.add(words),
            Effect::Value(flag, ours) => {
                let Some(value) = value else { return Err(self.wrong("an option lacks its value")) };
                let Some(ours) = value.to_str().and_then(ours) else {
                    let [typed, value] = [typed, value].map(OsStr::to_string_lossy);
                    return Err(self.wrong(&format!("`{}` can't be `{}`", typed.escape_debug(), value.escape_debug())));
                };
                self.words.push(format!("{flag}={ours}").into());
            }
            Effect::SingleChild => {
                self.manner.shares_group = true;
                self.words.retain(|word| word != "--session" && word != "--signal-to=group");
            }
            Effect::Pause => self.pauses = true,
            Effect::Help => return Err(DropIn::Print(format!("usage: {}\n", self.program.usage))),
            Effect::Version => return Err(DropIn::Print(format!("{}\n", self.program.version))),
            Effect::Licence => return Err(DropIn::Print(include_str!("../../LICENSE").to_owned())),
        }
        Ok(())
    }

    fn wrong(&self, why: &str) -> DropIn {
        DropIn::Wrong(format!("error: {why}\nusage: {}\n", self.program.usage))
    }
}

fn value_from(effect: Effect, rest: &mut std::slice::Iter<'_, OsString>) -> Option<OsString> {
    if matches!(effect, Effect::Value(..)) { rest.next().cloned() } else { None }
}

/// The number at the start of a text, as strtol(3) and scanf(3) read one, and what is behind it.
fn number(text: &str) -> Option<(u8, &str)> {
    let text = text.trim_ascii_start();
    let text = text.strip_prefix('+').unwrap_or(text);
    let (digits, behind) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    Some((digits.parse().ok()?, behind))
}

/// tini's `-e`: 0 to 255, and nothing for 0.
fn exit_code(text: &str) -> Option<String> {
    let (code, behind) = if text.is_empty() { (0, "") } else { number(text)? };
    behind.is_empty().then(|| format!("{code}=0"))
}

/// tini's `-p`: a whole name in capitals, of a signal that is no realtime one.
fn signal(text: &str) -> Option<String> {
    let signal = Signal::parse(text).ok()?;
    (signal.number() < 32 && signal.to_string() == text).then_some(text.to_owned())
}

/// dumb-init's `-r`: two signals by their numbers, the second perhaps 0, and whatever is behind them.
fn pair(text: &str) -> Option<String> {
    let (from, behind) = number(text)?;
    let (to, _) = number(behind.strip_prefix(':')?)?;
    ((1..32).contains(&from) && to < 32).then(|| format!("{from}:{to}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(line: &str, pid: i32, variables: &[(&str, &str)]) -> Option<DropIn> {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        translate(&arguments, pid, &variable)
    }

    fn line(typed: &str, pid: i32, variables: &[(&str, &str)]) -> String {
        match translated(typed, pid, variables) {
            Some(DropIn::Run(words, _)) => {
                words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
            }
            other => panic!("{typed}: {other:?}"),
        }
    }

    #[test]
    fn their_command_lines_come_to_ours() {
        for (theirs, ours) in [
            ("/sbin/docker-init -- redis-server --version", "--init -- redis-server --version"),
            (
                "tini -g -e 143 -e1 -pSIGTERM sleep -v",
                "--init --signal-to=group --expect-exit=143=0 --expect-exit=1=0 --parent-death-signal=SIGTERM -- sleep -v",
            ),
            ("tini -vvg a", "--init -v -v --signal-to=group -- a"),
            (
                "dumb-init -r 15:3 --rewrite=1:0 a b",
                "--init --session --signal-to=group --rewrite=15:3 --rewrite=1:0 -- a b",
            ),
            ("dumb-init --single-child a", "--init -- a"),
            ("dumb-init --s --rewrit 15:3 --verb a", "--init --rewrite=15:3 -vv -- a"),
            ("dumb-init -r +15:0x,2:1 a", "--init --session --signal-to=group --rewrite=15:0 -- a"),
            ("tini -e +5 -e  -e255 a", "--init --expect-exit=5=0 --expect-exit=0=0 --expect-exit=255=0 -- a"),
            ("catatonit -g -- a -g", "--init --signal-to=group -- a -g"),
        ] {
            assert_eq!(line(theirs, 1, &[]), format!("tunectl run {ours}"));
        }
        assert_eq!(line("tini a", 7, &[]), "tunectl run --init --subreaper=false --orphan-timeout=off -- a");
        assert_eq!(translated("tunectl run a", 1, &[]), None);
    }

    #[test]
    fn their_variables_count() {
        for (typed, variables, ours) in [
            ("tini a", &[("TINI_SUBREAPER", ""), ("TINI_VERBOSITY", "3")][..], "--init --subreaper -vv -- a"),
            ("tini a", &[("TINI_KILL_PROCESS_GROUP", "")], "--init --signal-to=group -- a"),
            ("dumb-init a", &[("DUMB_INIT_SETSID", "0"), ("DUMB_INIT_DEBUG", "1")], "--init -vv -- a"),
            ("dumb-init a", &[("DUMB_INIT_SETSID", "1")], "--init --session --signal-to=group -- a"),
        ] {
            assert_eq!(line(typed, 1, variables), format!("tunectl run {ours}"));
        }
    }

    #[test]
    fn catatonit_pauses_whatever_is_behind_it() {
        for typed in ["catatonit -P", "podman-init -gP --", "catatonit -P a b"] {
            assert_eq!(translated(typed, 1, &[]), Some(DropIn::Pause), "{typed}");
        }
        assert!(matches!(translated("catatonit -P -V", 1, &[]), Some(DropIn::Print(_))));
    }

    #[test]
    fn what_is_wrong_is_said_with_their_usage() {
        for (typed, message) in [
            ("tini", "error: no program was named\nusage: tini [OPTIONS] PROGRAM -- [ARGS] | --version\n"),
            ("tini -x a", "error: unknown option `-x`\nusage: tini [OPTIONS] PROGRAM -- [ARGS] | --version\n"),
            (
                "dumb-init -r",
                "error: an option lacks its value\nusage: dumb-init [-c] [-r S:R]... [-v] [-V] PROGRAM [ARGS]\n",
            ),
            ("tini --=x a", "error: unknown option `--=x`\nusage: tini [OPTIONS] PROGRAM -- [ARGS] | --version\n"),
            ("tini -e 300 a", "error: `-e` can't be `300`\nusage: tini [OPTIONS] PROGRAM -- [ARGS] | --version\n"),
        ] {
            assert_eq!(translated(typed, 1, &[]), Some(DropIn::Wrong(message.to_owned())));
        }
        assert!(matches!(translated("catatonit -Px", 1, &[]), Some(DropIn::Wrong(_))));
        let Some(DropIn::Print(version)) = translated("docker-init --version", 1, &[]) else { panic!() };
        assert!(version.starts_with("tini version 0.19.0 "), "{version}");
    }
}
