//! The command lines of other inits. Called under one of their names, as through a symbolic link `/sbin/docker-init`,
//! tunectl takes their options and environment variables and does what they do.
//!
//! One file for each, a table of its options and what each becomes in the arguments of `tunectl run`. To add one: its
//! file, and a line in `EMULATED`.
//!
//! Unlike tini and catatonit, whose C library looks for options to the very end, parsing stops at the command.

mod catatonit;
mod dumb_init;
mod tini;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::model::run::CompatFlags;

/// The inits whose names tunectl takes.
const EMULATED: [&EmulatedInit; 3] = [&tini::TINI, &dumb_init::DUMB_INIT, &catatonit::CATATONIT];

/// What is to be done under one of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompatCommand {
    /// Go on as if this command line had been typed, with these flags beside it.
    Run(Vec<OsString>, CompatFlags),
    /// Stay without a service.
    Pause,
    /// Print this on standard output and exit with 0.
    Print(String),
    /// Print this on standard error and exit with 1, as all of them do.
    UsageError(String),
}

/// Translates `arguments`, the program's name first, into a command line of tunectl; `None` if the name is not one of
/// theirs. `pid` is our own process ID, `variable` reads the environment.
#[must_use]
pub fn translate(
    arguments: &[OsString],
    pid: i32,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Option<CompatCommand> {
    let (path, arguments) = arguments.split_first()?;
    let name = path.as_bytes().rsplit(|&byte| byte == b'/').next()?;
    let init = EMULATED.into_iter().find(|init| init.names.iter().any(|known| known.as_bytes() == name))?;
    let mut translation = Translation::new(init, pid);
    translation.read_variables(variable);
    Some(translation.read_arguments(arguments).unwrap_or_else(|stopped| stopped))
}

/// One of the programs that tunectl replaces.
struct EmulatedInit {
    /// The names under which it is called, without directory.
    names: &'static [&'static str],
    /// The line for `-h` and for mistakes, without `usage: `.
    usage: &'static str,
    /// What its version option prints.
    version: &'static str,
    /// Our arguments that it begins with.
    arguments: &'static [&'static str],
    /// Our arguments that are added where we are not PID 1.
    arguments_below_pid_1: &'static [&'static str],
    /// It warns where it is not PID 1 and adopts no orphans.
    warns_of_orphans: bool,
    /// Its exit code when the command can't be executed; `None` for the shell's 126 and 127.
    exec_failure: Option<u8>,
    options: &'static [CompatOption],
    variables: &'static [CompatVariable],
}

/// Signals go to the service's process group.
const SIGNAL_GROUP: &[&str] = &["--signal-to=group"];
/// tini and dumb-init adopt no orphans where they are not PID 1, and never touch those that are left.
const LEAVE_ORPHANS: &[&str] = &["--subreaper=false", "--orphan-timeout=off"];

/// An option of another init.
struct CompatOption {
    short: Option<char>,
    long: Option<&'static str>,
    effect: OptionEffect,
}

impl CompatOption {
    const fn short(short: char, effect: OptionEffect) -> Self {
        Self { short: Some(short), long: None, effect }
    }

    const fn both(short: char, long: &'static str, effect: OptionEffect) -> Self {
        Self { short: Some(short), long: Some(long), effect }
    }

    /// An option that is one only where nothing else is typed.
    const fn only_argument(long: &'static str, effect: OptionEffect) -> Self {
        Self { short: None, long: Some(long), effect }
    }
}

/// An environment variable of another init.
enum CompatVariable {
    /// Counts where it is set at all, even to nothing.
    IsSet(&'static str, OptionEffect),
    /// Counts where it has this value.
    Equals(&'static str, &'static str, OptionEffect),
}

/// What an option does.
#[derive(Clone, Copy)]
enum OptionEffect {
    /// Adds these arguments of ours.
    Arguments(&'static [&'static str]),
    /// Takes a value and adds this flag of ours with it; the function translates the value, or refuses it as the other
    /// init does.
    Argument(&'static str, fn(&str) -> Option<String>),
    /// The service stays in our process group, and has no session of its own.
    SingleChild,
    /// Starts no service; a command is ignored.
    Pause,
    /// Prints the usage and ends.
    PrintHelp,
    /// Prints the version and ends.
    PrintVersion,
    /// Prints the licence and ends.
    License,
}

/// A command line that is being translated.
struct Translation<'a> {
    init: &'a EmulatedInit,
    arguments: Vec<OsString>,
    flags: CompatFlags,
    pauses: bool,
}

impl Translation<'_> {
    fn new(init: &EmulatedInit, pid: i32) -> Translation<'_> {
        let below = pid != 1;
        let flags = CompatFlags {
            exec_failure: init.exec_failure,
            warns_of_orphans: below && init.warns_of_orphans,
            ..CompatFlags::default()
        };
        let mut translation = Translation { init, arguments: Vec::new(), flags, pauses: false };
        translation.add(init.arguments);
        if below {
            translation.add(init.arguments_below_pid_1);
        }
        translation
    }

    fn add(&mut self, arguments: &[&str]) {
        self.arguments.extend(arguments.iter().map(OsString::from));
    }

    fn read_variables(&mut self, variable: &dyn Fn(&str) -> Option<OsString>) {
        for known in self.init.variables {
            let (name, effect) = match known {
                CompatVariable::IsSet(name, effect) if variable(name).is_some() => (name, *effect),
                CompatVariable::Equals(name, value, effect) if variable(name).is_some_and(|set| set == *value) => {
                    (name, *effect)
                }
                _ => continue,
            };
            // Those of variables take no values, and so none is refused.
            let _ = self.apply(effect, None, OsStr::new(name));
        }
    }

    /// Reads the options up to the command as getopt(3) does: letters may share a dash, a value may follow its letter
    /// at once or in the next argument. The error is what is to be done at once, whatever else was typed.
    fn read_arguments(mut self, arguments: &[OsString]) -> Result<CompatCommand, CompatCommand> {
        let is_only = arguments.len() == 1;
        let mut rest = arguments.iter();
        let mut command: Vec<OsString> = vec![];
        while let Some(argument) = rest.next() {
            match argument.as_bytes() {
                b"--" => break,
                [b'-', b'-', long @ ..] => self.read_long(long, argument, is_only, &mut rest)?,
                [b'-', letters @ ..] if !letters.is_empty() => self.read_letters(letters, argument, &mut rest)?,
                _ => {
                    command.push(argument.clone());
                    break;
                }
            }
        }
        command.extend(rest.cloned());
        self.finish(command)
    }

    /// Reads `--NAME`, `--NAME VALUE` or `--NAME=VALUE`, without the dashes in `text`.
    fn read_long(
        &mut self,
        text: &[u8],
        argument: &OsStr,
        is_only: bool,
        rest: &mut std::slice::Iter<'_, OsString>,
    ) -> Result<(), CompatCommand> {
        let (name, value) = match text.iter().position(|&byte| byte == b'=') {
            Some(at) => (&text[..at], Some(OsString::from_vec(text[at + 1..].to_vec()))),
            None => (text, None),
        };
        let effect = self.find_long(name, is_only).ok_or_else(|| self.unknown(argument))?;
        if value.is_some() && !effect.takes_value() {
            return Err(self.unknown(argument));
        }
        let value = value.or_else(|| if effect.takes_value() { rest.next().cloned() } else { None });
        self.apply(effect, value.as_deref(), argument)
    }

    /// Finds a long option by its name, or as `getopt_long(3)` does by as much of it as no other begins with.
    fn find_long(&self, name: &[u8], is_only: bool) -> Option<OptionEffect> {
        let begin_with = |long: &str| !name.is_empty() && long.as_bytes().starts_with(name);
        let options = || self.init.options.iter().filter(|option| option.long.is_some_and(begin_with));
        let exact = options().find(|option| {
            option.long.is_some_and(|long| long.len() == name.len()) && (option.short.is_some() || is_only)
        });
        let mut abbreviated = options().filter(|option| option.short.is_some());
        let found = exact.or_else(|| abbreviated.next().filter(|_| abbreviated.next().is_none()));
        found.map(|option| option.effect)
    }

    /// Reads the letters that share one dash.
    fn read_letters(
        &mut self,
        mut letters: &[u8],
        argument: &OsStr,
        rest: &mut std::slice::Iter<'_, OsString>,
    ) -> Result<(), CompatCommand> {
        while let [letter, behind @ ..] = letters {
            let is_it = |option: &&CompatOption| option.short == Some(char::from(*letter));
            let effect = self.init.options.iter().find(is_it).ok_or_else(|| self.unknown(argument))?.effect;
            if effect.takes_value() {
                let joined = (!behind.is_empty()).then(|| OsStr::from_bytes(behind).to_owned());
                let value = joined.or_else(|| rest.next().cloned());
                return self.apply(effect, value.as_deref(), argument);
            }
            self.apply(effect, None, argument)?;
            letters = behind;
        }
        Ok(())
    }

    /// Does what an option asks for; `typed` is how it was written, for messages.
    fn apply(&mut self, effect: OptionEffect, value: Option<&OsStr>, typed: &OsStr) -> Result<(), CompatCommand> {
        match effect {
            OptionEffect::Arguments(arguments) => self.add(arguments),
            OptionEffect::Argument(flag, translate) => {
                let Some(value) = value else { return Err(self.usage_error("option requires a value")) };
                let Some(ours) = value.to_str().and_then(translate) else {
                    let [typed, value] = [typed, value].map(OsStr::to_string_lossy);
                    let message = format!("`{}` can't be `{}`", typed.escape_debug(), value.escape_debug());
                    return Err(self.usage_error(&message));
                };
                self.arguments.push(format!("{flag}={ours}").into());
            }
            OptionEffect::SingleChild => {
                self.flags.shares_group = true;
                self.arguments.retain(|argument| argument != "--session" && argument != "--signal-to=group");
            }
            OptionEffect::Pause => self.pauses = true,
            OptionEffect::PrintHelp => return Err(CompatCommand::Print(format!("usage: {}\n", self.init.usage))),
            OptionEffect::PrintVersion => return Err(CompatCommand::Print(format!("{}\n", self.init.version))),
            OptionEffect::License => return Err(CompatCommand::Print(include_str!("../../../LICENSE").to_owned())),
        }
        Ok(())
    }

    /// What it all comes to, with the service's `command`.
    fn finish(mut self, command: Vec<OsString>) -> Result<CompatCommand, CompatCommand> {
        if self.pauses {
            return Ok(CompatCommand::Pause);
        }
        if command.is_empty() {
            return Err(self.usage_error("no program was named"));
        }
        if self.arguments.iter().any(|argument| argument.as_bytes().starts_with(b"-v")) {
            // With them the last one wins; tunectl takes only one of the two.
            self.arguments.retain(|argument| argument != "-q");
        }
        let head = ["tunectl", "run"].map(OsString::from);
        let line = head.into_iter().chain(self.arguments).chain([OsString::from("--")]).chain(command);
        Ok(CompatCommand::Run(line.collect(), self.flags))
    }

    fn unknown(&self, argument: &OsStr) -> CompatCommand {
        self.usage_error(&format!("unknown option `{}`", argument.to_string_lossy().escape_debug()))
    }

    fn usage_error(&self, message: &str) -> CompatCommand {
        CompatCommand::UsageError(format!("error: {message}\nusage: {}\n", self.init.usage))
    }
}

impl OptionEffect {
    fn takes_value(self) -> bool {
        matches!(self, Self::Argument(..))
    }
}

/// The number from 0 to 255 at the start of a text, as strtol(3) and scanf(3) read one, and what is behind it.
fn leading_number(text: &str) -> Option<(u8, &str)> {
    let text = text.trim_ascii_start();
    let text = text.strip_prefix('+').unwrap_or(text);
    let (digits, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn translated(typed: &str, pid: i32, variables: &[(&str, &str)]) -> CompatCommand {
        let arguments: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        translate(&arguments, pid, &variable).unwrap()
    }

    /// The translated command line, with spaces.
    #[track_caller]
    pub(super) fn line(typed: &str, pid: i32, variables: &[(&str, &str)]) -> String {
        match translated(typed, pid, variables) {
            CompatCommand::Run(arguments, _) => {
                arguments.iter().map(|argument| argument.to_str().unwrap()).collect::<Vec<_>>().join(" ")
            }
            other => panic!("{typed}: {other:?}"),
        }
    }

    /// As PID 1 and without variables, `typed` is `tunectl run` with `ours`.
    #[track_caller]
    pub(super) fn assert_run(typed: &str, ours: &str) {
        assert_eq!(line(typed, 1, &[]), format!("tunectl run {ours}"));
    }

    #[track_caller]
    pub(super) fn assert_usage_error(typed: &str, message: &str) {
        assert_eq!(translated(typed, 1, &[]), CompatCommand::UsageError(message.to_owned()));
    }

    #[test]
    fn under_its_own_name_tunectl_reads_its_own_command_line() {
        let arguments = ["tunectl", "run", "a"].map(OsString::from);
        assert_eq!(translate(&arguments, 1, &|_| None), None);
    }
}
