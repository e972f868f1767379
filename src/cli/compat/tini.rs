//! tini, <https://github.com/krallin/tini>, also as Docker installs it: `docker run --init` starts `docker-init`.

use super::OptionEffect::{Argument, Arguments, License, PrintHelp, PrintVersion};
use super::{CompatOption, CompatVariable, EmulatedInit, LEAVE_ORPHANS, SIGNAL_GROUP, leading_number};
use crate::model::signal::Signal;

pub(super) const TINI: EmulatedInit = EmulatedInit {
    names: &["tini", "tini-static", "docker-init"],
    usage: "tini [OPTIONS] PROGRAM -- [ARGS] | --version",
    // `docker info` parses this: `tini version …`, ` - `, `git.` and a commit.
    version: concat!("tini version 0.19.0 (tunectl ", env!("CARGO_PKG_VERSION"), ") - git.tunectl"),
    arguments: &["--init"],
    arguments_below_pid_1: LEAVE_ORPHANS,
    warns_of_orphans: true,
    exec_failure: None,
    options: &[
        CompatOption::short('s', Arguments(&["--subreaper"])),
        CompatOption::short('p', Argument("--parent-death-signal", signal)),
        CompatOption::short('v', Arguments(&["-v"])),
        CompatOption::short('w', Arguments(&["-v"])),
        CompatOption::short('g', Arguments(SIGNAL_GROUP)),
        CompatOption::short('e', Argument("--expect-exit", exit_code)),
        CompatOption::short('l', License),
        CompatOption::short('h', PrintHelp),
        CompatOption::only_argument("version", PrintVersion),
    ],
    variables: &[
        CompatVariable::IsSet("TINI_SUBREAPER", Arguments(&["--subreaper"])),
        CompatVariable::IsSet("TINI_KILL_PROCESS_GROUP", Arguments(SIGNAL_GROUP)),
        CompatVariable::Equals("TINI_VERBOSITY", "0", Arguments(&["-q"])),
        CompatVariable::Equals("TINI_VERBOSITY", "2", Arguments(&["-v"])),
        CompatVariable::Equals("TINI_VERBOSITY", "3", Arguments(&["-vv"])),
        CompatVariable::Equals("TINI_VERBOSITY", "4", Arguments(&["-vvv"])),
    ],
};

/// The value of `-e`, 0 to 255 or nothing for 0, as one of `--expect-exit`.
fn exit_code(text: &str) -> Option<String> {
    let (code, rest) = if text.is_empty() { (0, "") } else { leading_number(text)? };
    rest.is_empty().then(|| format!("{code}=0"))
}

/// The value of `-p`, a whole name in capitals of a signal that is no realtime one, as one of
/// `--parent-death-signal`.
fn signal(text: &str) -> Option<String> {
    let signal = Signal::parse(text).ok()?;
    (signal.number() < 32 && signal.to_string() == text).then_some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::CompatCommand;
    use super::super::tests::{assert_run, assert_usage_error, line, translated};

    #[test]
    fn options_become_ours() {
        assert_run("/sbin/docker-init -- redis-server --version", "--init -- redis-server --version");
        assert_run(
            "tini -g -e 143 -e1 -pSIGTERM sleep -v",
            "--init --signal-to=group --expect-exit=143=0 --expect-exit=1=0 --parent-death-signal=SIGTERM -- sleep -v",
        );
        assert_run("tini -vvg a", "--init -v -v --signal-to=group -- a");
        assert_run("tini -e +5 -e  -e255 a", "--init --expect-exit=5=0 --expect-exit=0=0 --expect-exit=255=0 -- a");
        assert_eq!(line("tini a", 7, &[]), "tunectl run --init --subreaper=false --orphan-timeout=off -- a");
    }

    #[test]
    fn variables_become_options() {
        for (variables, ours) in [
            (&[("TINI_SUBREAPER", ""), ("TINI_VERBOSITY", "3")][..], "--init --subreaper -vv -- a"),
            (&[("TINI_KILL_PROCESS_GROUP", "")], "--init --signal-to=group -- a"),
        ] {
            assert_eq!(line("tini a", 1, variables), format!("tunectl run {ours}"));
        }
    }

    #[test]
    fn mistakes_are_printed_with_its_usage() {
        let usage = "usage: tini [OPTIONS] PROGRAM -- [ARGS] | --version\n";
        assert_usage_error("tini", &format!("error: no program was named\n{usage}"));
        assert_usage_error("tini -x a", &format!("error: unknown option `-x`\n{usage}"));
        assert_usage_error("tini --=x a", &format!("error: unknown option `--=x`\n{usage}"));
        assert_usage_error("tini -e 300 a", &format!("error: `-e` can't be `300`\n{usage}"));
    }

    #[test]
    fn docker_reads_the_version() {
        let CompatCommand::Print(version) = translated("docker-init --version", 1, &[]) else { panic!() };
        assert!(version.starts_with("tini version 0.19.0 "), "{version}");
    }
}
