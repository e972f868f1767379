//! catatonit, <https://github.com/openSUSE/catatonit>, also as Podman starts it: for `podman run --init`, and with
//! `-P` to hold the namespaces of a pod.

use super::OptionEffect::{Arguments, License, Pause, PrintHelp, PrintVersion};
use super::{CompatOption, CompatVariable, EmulatedInit, SIGNAL_GROUP};

pub(super) const CATATONIT: EmulatedInit = EmulatedInit {
    names: &["catatonit", "podman-init"],
    usage: "catatonit [-g] [-P] [-h] [-V] [-L] PROGRAM [ARGS]",
    version: concat!("tini version 0.2.1_catatonit (tunectl ", env!("CARGO_PKG_VERSION"), ")"),
    arguments: &["--init"],
    arguments_below_pid_1: &["--subreaper", "--orphan-timeout=off"],
    warns_of_orphans: false,
    exec_failure: Some(1),
    options: &[
        CompatOption::short('g', Arguments(SIGNAL_GROUP)),
        CompatOption::short('P', Pause),
        CompatOption::both('L', "license", License),
        CompatOption::both('h', "help", PrintHelp),
        CompatOption::both('V', "version", PrintVersion),
    ],
    variables: &[CompatVariable::IsSet("CATATONIT_DEBUG", Arguments(&["-vv"]))],
};

#[cfg(test)]
mod tests {
    use super::super::CompatCommand;
    use super::super::tests::{assert_run, translated};

    #[test]
    fn options_become_ours() {
        assert_run("catatonit -g -- a -g", "--init --signal-to=group -- a -g");
    }

    #[test]
    fn it_pauses_whatever_command_follows() {
        for typed in ["catatonit -P", "podman-init -gP --", "catatonit -P a b"] {
            assert_eq!(translated(typed, 1, &[]), CompatCommand::Pause, "{typed}");
        }
        assert!(matches!(translated("catatonit -P -V", 1, &[]), CompatCommand::Print(_)));
        assert!(matches!(translated("catatonit -Px", 1, &[]), CompatCommand::UsageError(_)));
    }
}
