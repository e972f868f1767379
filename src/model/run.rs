//! How a service is started and supervised: one table of options for the command line, the environment and `[run]`.

use std::time::Duration;

use super::capability::Capability;
use super::duration;
use super::signal::Signal;

/// How the service is to be started and supervised. An option that was not given is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// Supervise the service instead of becoming it.
    pub init: Option<bool>,
    /// Which processes get the signals that the supervisor gets.
    pub signal_to: Option<SignalTarget>,
    /// Signals that are forwarded as another one, or (`None`) not at all.
    pub rewrite: Vec<(Signal, Option<Signal>)>,
    /// Become a subreaper where we are not PID 1: orphaned descendants are given to us.
    pub subreaper: Option<bool>,
    /// Exit codes of the service, each with the exit code to return instead.
    pub expect_exit: Vec<(u8, u8)>,
    /// The time between a signal that asks the service to end and `SIGKILL`; zero: no `SIGKILL`.
    pub stop_timeout: Option<Duration>,
    /// What happens to the processes that the service leaves behind.
    pub orphan_timeout: Option<OrphanPolicy>,
    /// End adopted orphans while the service still runs.
    pub reap_kill: Option<bool>,
    /// The signal that the kernel sends us when our own parent dies.
    pub parent_death_signal: Option<Signal>,
    /// The kernel kills the service when the supervisor dies.
    pub die_with_supervisor: Option<bool>,
    /// Start the service in a session of its own, setsid(2).
    pub session: Option<bool>,
    /// The user that the service runs as, `NAME|UID[:GROUP|GID]`.
    pub user: Option<String>,
    /// Its supplementary groups, by name or number, instead of those of `/etc/group`.
    pub groups: Option<Vec<String>>,
    /// Set `no_new_privs`: no execve(2) gives it or its children more privileges, prctl(2).
    pub no_new_privs: Option<bool>,
    /// The only capabilities that the service keeps.
    pub capabilities: Option<Vec<Capability>>,
    /// Its OOM score adjustment, -1000 (never killed) to 1000 (killed first), `proc_pid_oom_score_adj(5)`.
    pub oom_score_adj: Option<i32>,
    /// Its nice value, -20 to 19.
    pub nice: Option<i32>,
    /// Its umask: the permission bits that new files don't get.
    pub umask: Option<u32>,
    /// Its working directory.
    pub working_directory: Option<String>,
    /// Changes to its environment, in order; `None` unsets a variable.
    pub env: Vec<(String, Option<String>)>,
}

/// What the name under which tunectl was called implies, such as `tini`, where no option of ours says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompatFlags {
    /// The exit code where the command can't be executed; `None`: 126 or 127, as the shell's.
    pub exec_failure: Option<u8>,
    /// Whether the service stays in our process group.
    pub shares_group: bool,
    /// Whether to warn where orphans are not adopted.
    pub warns_of_orphans: bool,
}

/// Which processes get the signals that the supervisor gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignalTarget {
    /// The service's first process.
    #[default]
    Child,
    /// Its process group.
    Group,
    /// All our descendants, adopted orphans too.
    All,
}

/// What happens to the processes that the service leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrphanPolicy {
    /// They get `SIGTERM`, and after this time `SIGKILL`.
    End(Duration),
    /// Nothing. Where we are PID 1, the kernel kills them.
    Leave,
}

impl Default for OrphanPolicy {
    /// Two seconds: enough to close files and connections, and well below the ten seconds of `docker stop`.
    fn default() -> Self {
        Self::End(Duration::from_secs(2))
    }
}

/// How many values an option has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A boolean; on the command line the flag alone, without a value.
    Switch,
    /// It takes one value.
    One,
    /// A list: in the environment with commas, on the command line once or several times, in a profile an array.
    Many,
}

/// What an option is about: the sections of `tunectl run --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionGroup {
    /// How the service is started.
    Service,
    /// Signals, and the processes that the service leaves behind.
    Signals,
    /// The rights that the service has.
    Privileges,
}

/// One option. Its name is `stop_timeout` in a profile, `--stop-timeout` and `TUNECTL_STOP_TIMEOUT` elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct RunOption {
    /// Its name in a profile.
    pub name: &'static str,
    /// What it is about.
    pub group: OptionGroup,
    /// Its flag, without the leading dashes.
    pub flag: &'static str,
    /// The variable of the environment that sets it.
    pub variable: &'static str,
    /// How it is written.
    pub shape: Shape,
    /// The placeholder of its value in help.
    pub value: &'static str,
    /// One sentence of help.
    pub help: &'static str,
    /// The same sentence with the name of the variable, for `--help`.
    pub help_line: &'static str,
    set: fn(&mut RunOptions, &[&str]) -> Result<(), String>,
}

/// A row of the table. The name of the variable is used in the code and in the help.
macro_rules! option {
    ($name:literal, $group:expr, $flag:literal, $variable:literal, $shape:expr, $value:literal, $help:literal, $set:expr) => {
        RunOption {
            name: $name,
            group: $group,
            flag: $flag,
            variable: $variable,
            shape: $shape,
            value: $value,
            help: $help,
            help_line: concat!($help, " [env: ", $variable, "]"),
            set: $set,
        }
    };
}

/// Every option of `[run]`, in the order of the documentation.
#[rustfmt::skip]
pub const OPTIONS: [RunOption; 20] = [
    option!("init", OptionGroup::Service, "init", "TUNECTL_INIT", Shape::Switch, "", "Stay as the service's parent (PID 1): forward signals, reap orphans",
        |o, v| one(v, switch).map(|x| o.init = Some(x))),
    option!("signal_to", OptionGroup::Signals, "signal-to", "TUNECTL_SIGNAL_TO", Shape::One, "child|group|all", "Whom to forward signals to: the service, its process group, or all descendants [child]",
        |o, v| one(v, target).map(|x| o.signal_to = Some(x))),
    option!("rewrite", OptionGroup::Signals, "rewrite", "TUNECTL_REWRITE", Shape::Many, "SIGNAL=SIGNAL", "Forward a signal as another one; 0 drops it",
        |o, v| each(v, rewrite).map(|x| o.rewrite.extend(x))),
    option!("subreaper", OptionGroup::Signals, "subreaper", "TUNECTL_SUBREAPER", Shape::Switch, "", "Adopt orphans when not PID 1, as a subreaper [yes]",
        |o, v| one(v, switch).map(|x| o.subreaper = Some(x))),
    option!("expect_exit", OptionGroup::Service, "expect-exit", "TUNECTL_EXPECT_EXIT", Shape::Many, "CODE[=CODE]", "Map the service's exit code to the second code, or to 0",
        |o, v| each(v, exit_codes).map(|x| o.expect_exit.extend(x))),
    option!("stop_timeout", OptionGroup::Signals, "stop-timeout", "TUNECTL_STOP_TIMEOUT", Shape::One, "TIME", "Time from SIGTERM, SIGINT or SIGQUIT to SIGKILL for the service [0: never]",
        |o, v| one(v, duration::parse).map(|x| o.stop_timeout = Some(x))),
    option!("orphan_timeout", OptionGroup::Signals, "orphan-timeout", "TUNECTL_ORPHAN_TIMEOUT", Shape::One, "TIME|off", "Grace period from SIGTERM to SIGKILL for leftover processes [2s]",
        |o, v| one(v, leftovers).map(|x| o.orphan_timeout = Some(x))),
    option!("reap_kill", OptionGroup::Signals, "reap-kill", "TUNECTL_REAP_KILL", Shape::Switch, "", "End adopted orphans while the service is running",
        |o, v| one(v, switch).map(|x| o.reap_kill = Some(x))),
    option!("parent_death_signal", OptionGroup::Signals, "parent-death-signal", "TUNECTL_PARENT_DEATH_SIGNAL", Shape::One, "SIGNAL", "The signal that tunectl gets when its parent dies",
        |o, v| one(v, Signal::parse).map(|x| o.parent_death_signal = Some(x))),
    option!("die_with_supervisor", OptionGroup::Signals, "die-with-supervisor", "TUNECTL_DIE_WITH_SUPERVISOR", Shape::Switch, "", "Kill the service if tunectl dies",
        |o, v| one(v, switch).map(|x| o.die_with_supervisor = Some(x))),
    option!("session", OptionGroup::Service, "session", "TUNECTL_SESSION", Shape::Switch, "", "Start the service in a new session",
        |o, v| one(v, switch).map(|x| o.session = Some(x))),
    option!("user", OptionGroup::Privileges, "user", "TUNECTL_USER", Shape::One, "USER[:GROUP]", "User, and group, of the service, by name or number",
        |o, v| one(v, text).map(|x| o.user = Some(x))),
    option!("groups", OptionGroup::Privileges, "groups", "TUNECTL_GROUPS", Shape::Many, "GROUP", "Supplementary groups of the service, instead of those in /etc/group",
        |o, v| each(v, text).map(|x| o.groups = Some(x))),
    option!("no_new_privs", OptionGroup::Privileges, "no-new-privs", "TUNECTL_NO_NEW_PRIVS", Shape::Switch, "", "Set no_new_privs: no set-uid program gives the service more rights",
        |o, v| one(v, switch).map(|x| o.no_new_privs = Some(x))),
    option!("capabilities", OptionGroup::Privileges, "capabilities", "TUNECTL_CAPABILITIES", Shape::Many, "CAPABILITY", "Capabilities that the service keeps; `none` keeps none",
        |o, v| each(if v == ["none"] { &[] } else { v }, Capability::parse).map(|x| o.capabilities = Some(x))),
    option!("oom_score_adj", OptionGroup::Service, "oom-score-adj", "TUNECTL_OOM_SCORE_ADJ", Shape::One, "-1000..1000", "OOM score adjustment of the service",
        |o, v| one(v, |t| number(t, -1000, 1000)).map(|x| o.oom_score_adj = Some(x))),
    option!("nice", OptionGroup::Service, "nice", "TUNECTL_NICE", Shape::One, "-20..19", "Nice value of the service",
        |o, v| one(v, |t| number(t, -20, 19)).map(|x| o.nice = Some(x))),
    option!("umask", OptionGroup::Service, "umask", "TUNECTL_UMASK", Shape::One, "OCTAL", "Umask of the service",
        |o, v| one(v, file_mask).map(|x| o.umask = Some(x))),
    option!("working_directory", OptionGroup::Service, "working-directory", "TUNECTL_WORKING_DIRECTORY", Shape::One, "DIRECTORY", "Working directory of the service",
        |o, v| one(v, text).map(|x| o.working_directory = Some(x))),
    option!("env", OptionGroup::Service, "env", "TUNECTL_ENV", Shape::Many, "NAME[=VALUE]", "Set an environment variable of the service; without a value, unset it",
        |o, v| each(v, variable).map(|x| o.env.extend(x))),
];

impl RunOptions {
    /// The names of the options that were given and have no effect without a supervisor.
    pub fn for_a_supervisor(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("signal_to", self.signal_to.is_some()),
            ("rewrite", !self.rewrite.is_empty()),
            ("subreaper", self.subreaper.is_some()),
            ("expect_exit", !self.expect_exit.is_empty()),
            ("stop_timeout", self.stop_timeout.is_some()),
            ("orphan_timeout", self.orphan_timeout.is_some()),
            ("reap_kill", self.reap_kill.is_some()),
            ("die_with_supervisor", self.die_with_supervisor.is_some()),
            ("session", self.session.is_some()),
        ];
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name)
    }
}

impl RunOption {
    /// The option with this name in a profile.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        OPTIONS.iter().find(|option| option.name == name)
    }

    /// Sets it. Earlier values are replaced; those of lists of pairs (`rewrite`, `expect_exit`, `env`) are kept and the
    /// new ones added.
    ///
    /// # Errors
    /// Says in one sentence what was expected.
    pub fn set(&self, options: &mut RunOptions, values: &[&str]) -> Result<(), String> {
        (self.set)(options, values)
    }

    /// Sets it from the value of its environment variable.
    ///
    /// # Errors
    /// Names the variable, and says what was expected.
    pub fn set_from_variable(&self, options: &mut RunOptions, text: &str) -> Result<(), String> {
        let values: Vec<&str> = match self.shape {
            Shape::Many => text.split(',').map(str::trim).filter(|value| !value.is_empty()).collect(),
            Shape::Switch | Shape::One => vec![text],
        };
        self.set(options, &values).map_err(|reason| format!("{}: {reason}", self.variable))
    }
}

fn one<T>(values: &[&str], parse: impl Fn(&str) -> Result<T, String>) -> Result<T, String> {
    match values {
        [value] => parse(value),
        _ => Err(format!("expected one value but found {}", values.len())),
    }
}

fn each<T>(values: &[&str], parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    values.iter().map(|value| parse(value)).collect()
}

fn switch(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(format!("expected `true` or `false` but found `{}`", value.escape_debug())),
    }
}

fn text(value: &str) -> Result<String, String> {
    if value.is_empty() || value.contains('\0') {
        return Err(format!("expected a name but found `{}`", value.escape_debug()));
    }
    Ok(value.to_owned())
}

fn number(value: &str, least: i32, most: i32) -> Result<i32, String> {
    let found = value.parse().ok().filter(|number| (least..=most).contains(number));
    found.ok_or_else(|| format!("expected a number from {least} to {most} but found `{}`", value.escape_debug()))
}

fn file_mask(value: &str) -> Result<u32, String> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let found = u32::from_str_radix(value, 8).ok().filter(|bits| digits && *bits <= 0o777);
    found.ok_or_else(|| format!("expected an octal number from 0 to 777 but found `{}`", value.escape_debug()))
}

fn target(value: &str) -> Result<SignalTarget, String> {
    match value {
        "child" => Ok(SignalTarget::Child),
        "group" => Ok(SignalTarget::Group),
        "all" => Ok(SignalTarget::All),
        _ => Err(format!("expected `child`, `group` or `all` but found `{}`", value.escape_debug())),
    }
}

fn leftovers(value: &str) -> Result<OrphanPolicy, String> {
    if value == "off" { Ok(OrphanPolicy::Leave) } else { duration::parse(value).map(OrphanPolicy::End) }
}

/// `15=3`, `TERM=QUIT`, `HUP=0`; `15:3` as dumb-init writes it.
fn rewrite(value: &str) -> Result<(Signal, Option<Signal>), String> {
    let (from, to) = value
        .split_once(['=', ':'])
        .ok_or_else(|| format!("expected two signals such as `TERM=QUIT` but found `{}`", value.escape_debug()))?;
    let from = Signal::parse(from)?;
    if [libc::SIGKILL, libc::SIGSTOP, libc::SIGCHLD].contains(&from.number()) {
        return Err(format!("{from} can't be caught, so it can't be rewritten"));
    }
    Ok((from, if to == "0" { None } else { Some(Signal::parse(to)?) }))
}

/// `143=0`, or `143` alone, which means the same.
fn exit_codes(value: &str) -> Result<(u8, u8), String> {
    let (from, to) = value.split_once('=').unwrap_or((value, "0"));
    let code = |text: &str| text.parse::<u8>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    code(from).zip(code(to)).ok_or_else(|| {
        format!("expected exit codes from 0 to 255 such as `143=0` but found `{}`", value.escape_debug())
    })
}

fn variable(value: &str) -> Result<(String, Option<String>), String> {
    let (name, content) = match value.split_once('=') {
        Some((name, content)) => (name, Some(content.to_owned())),
        None => (value, None),
    };
    if name.is_empty() || value.contains('\0') {
        return Err(format!("expected a variable such as `NAME=value` but found `{}`", value.escape_debug()));
    }
    Ok((name.to_owned(), content))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, values: &[&str]) -> Result<RunOptions, String> {
        let mut options = RunOptions::default();
        RunOption::find(name).unwrap().set(&mut options, values).map(|()| options)
    }

    #[test]
    fn every_option_has_one_name_in_three_spellings() {
        for option in OPTIONS {
            assert!(option.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", option.name);
            assert_eq!(option.flag.replace('-', "_"), option.name);
            assert_eq!(OPTIONS.iter().filter(|other| other.name == option.name).count(), 1);
            assert_eq!(option.value.is_empty(), option.shape == Shape::Switch, "{}", option.name);
            assert_eq!(option.variable, format!("TUNECTL_{}", option.name.to_ascii_uppercase()));
            assert!(!option.help.ends_with('.'), "{}", option.name);
        }
    }

    #[test]
    fn values_are_read() {
        let term = Signal::new(15).unwrap();
        assert_eq!(
            set("rewrite", &["15=3", "hup=0"]).unwrap().rewrite,
            [(term, Signal::new(3)), (Signal::new(1).unwrap(), None)]
        );
        assert_eq!(set("expect_exit", &["143", "3=4"]).unwrap().expect_exit, [(143, 0), (3, 4)]);
        assert_eq!(set("umask", &["027"]).unwrap().umask, Some(0o27));
        assert_eq!(set("orphan_timeout", &["off"]).unwrap().orphan_timeout, Some(OrphanPolicy::Leave));
        assert_eq!(set("capabilities", &["none"]).unwrap().capabilities, Some(vec![]));
        assert_eq!(set("capabilities", &[]).unwrap().capabilities, Some(vec![]));
        assert_eq!(
            set("env", &["A=b=c", "B"]).unwrap().env,
            [("A".to_owned(), Some("b=c".to_owned())), ("B".to_owned(), None)]
        );
        let mut options = RunOptions::default();
        RunOption::find("rewrite").unwrap().set_from_variable(&mut options, "15=3, HUP=0,").unwrap();
        assert_eq!(options.rewrite.len(), 2);
    }

    #[test]
    fn wrong_values_are_refused_with_what_was_expected() {
        for (name, value, message) in [
            ("init", "maybe", "expected `true` or `false` but found `maybe`"),
            ("signal_to", "everyone", "expected `child`, `group` or `all` but found `everyone`"),
            ("rewrite", "15", "expected two signals such as `TERM=QUIT` but found `15`"),
            ("rewrite", "KILL=TERM", "SIGKILL can't be caught, so it can't be rewritten"),
            ("expect_exit", "256", "expected exit codes from 0 to 255 such as `143=0` but found `256`"),
            ("expect_exit", "+1=0", "expected exit codes from 0 to 255 such as `143=0` but found `+1=0`"),
            ("nice", "20", "expected a number from -20 to 19 but found `20`"),
            ("umask", "8", "expected an octal number from 0 to 777 but found `8`"),
            ("env", "=x", "expected a variable such as `NAME=value` but found `=x`"),
            ("user", "", "expected a name but found ``"),
        ] {
            assert_eq!(set(name, &[value]).unwrap_err(), message);
        }
        let mut options = RunOptions::default();
        let error = RunOption::find("nice").unwrap().set_from_variable(&mut options, "low").unwrap_err();
        assert_eq!(error, "TUNECTL_NICE: expected a number from -20 to 19 but found `low`");
    }
}
