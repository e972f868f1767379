//! dumb-init, <https://github.com/Yelp/dumb-init>.

use super::OptionEffect::{Argument, Arguments, PrintHelp, PrintVersion, SingleChild};
use super::{CompatOption, CompatVariable, EmulatedInit, LEAVE_ORPHANS, leading_number};

pub(super) const DUMB_INIT: EmulatedInit = EmulatedInit {
    names: &["dumb-init"],
    usage: "dumb-init [-c] [-r S:R]... [-v] [-V] PROGRAM [ARGS]",
    version: concat!("dumb-init v1.2.5 (tunectl ", env!("CARGO_PKG_VERSION"), ")"),
    arguments: &["--init", "--session", "--signal-to=group"],
    arguments_below_pid_1: LEAVE_ORPHANS,
    warns_of_orphans: false,
    exec_failure: Some(2),
    options: &[
        CompatOption::both('c', "single-child", SingleChild),
        CompatOption::both('r', "rewrite", Argument("--rewrite", signal_pair)),
        CompatOption::both('v', "verbose", Arguments(&["-vv"])),
        CompatOption::both('h', "help", PrintHelp),
        CompatOption::both('V', "version", PrintVersion),
    ],
    variables: &[
        CompatVariable::Equals("DUMB_INIT_DEBUG", "1", Arguments(&["-vv"])),
        CompatVariable::Equals("DUMB_INIT_SETSID", "0", SingleChild),
    ],
};

/// The value of `-r`, two signal numbers of which the second may be 0, and any text behind them, as one of
/// `--rewrite`.
fn signal_pair(text: &str) -> Option<String> {
    let (from, rest) = leading_number(text)?;
    let (to, _) = leading_number(rest.strip_prefix(':')?)?;
    ((1..32).contains(&from) && to < 32).then(|| format!("{from}:{to}"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_run, assert_usage_error, line};

    #[test]
    fn options_become_ours() {
        assert_run(
            "dumb-init -r 15:3 --rewrite=1:0 a b",
            "--init --session --signal-to=group --rewrite=15:3 --rewrite=1:0 -- a b",
        );
        assert_run("dumb-init --single-child a", "--init -- a");
        assert_run("dumb-init --s --rewrit 15:3 --verb a", "--init --rewrite=15:3 -vv -- a");
        assert_run("dumb-init -r +15:0x,2:1 a", "--init --session --signal-to=group --rewrite=15:0 -- a");
    }

    #[test]
    fn variables_become_options() {
        for (variables, ours) in [
            (&[("DUMB_INIT_SETSID", "0"), ("DUMB_INIT_DEBUG", "1")][..], "--init -vv -- a"),
            (&[("DUMB_INIT_SETSID", "1")], "--init --session --signal-to=group -- a"),
        ] {
            assert_eq!(line("dumb-init a", 1, variables), format!("tunectl run {ours}"));
        }
    }

    #[test]
    fn mistakes_are_printed_with_its_usage() {
        assert_usage_error(
            "dumb-init -r",
            "error: option requires a value\nusage: dumb-init [-c] [-r S:R]... [-v] [-V] PROGRAM [ARGS]\n",
        );
    }
}
