//! Executing ourselves anew once the service runs, so that nothing stays in memory of all that went before.
//!
//! The process stays the same: its children, its blocked and waiting signals, its being a subreaper and the signal
//! that it gets when its parent dies all go through an exec. What the loop must know goes in one argument.

use std::ffi::{CString, OsStr, OsString};
use std::time::Duration;

use super::config::{Grouping, SupervisorConfig, Verbosity};
use super::stderr_log;
use super::supervise::{Watch, supervise};
use crate::model::run::{OrphanPolicy, SignalTarget};
use crate::sys::{self, CStringArray};

/// What we are called in the second life. No command line that a person types begins like this.
const NAME: &str = "tunectl: supervisor";

/// Executes ourselves anew; if that can't be (no /proc, no memory), gives back what it was given.
pub(super) fn exec_anew(watch: Watch, command: &str) -> Watch {
    let arguments = [NAME, &encode(&watch), command].map(CString::new);
    let Ok(arguments) = arguments.into_iter().collect::<Result<Vec<_>, _>>() else { return watch };
    let _ = sys::execve(c"/proc/self/exe", &CStringArray::new(arguments), None);
    watch
}

/// The second life: if `arguments` say that this is it, supervises and returns the code to exit with.
///
/// `main` asks before anything else is touched.
#[must_use]
pub fn resume(arguments: &[OsString]) -> Option<i32> {
    let [name, state, ..] = arguments else { return None };
    if name != NAME {
        return None;
    }
    // Else ps(1) would call us `exe`, from the link that was executed.
    sys::set_name(c"tunectl");
    // Whoever types such arguments has no such child, and must not have us signal a group of his choice.
    let Some(watch) = decode(state).filter(|watch| sys::is_child(watch.child)) else {
        stderr_log::error(&"this is how tunectl executes itself, and no command");
        return Some(2);
    };
    // Ours were closed by the exec, so that these are only what was handed to us for the service: an end of a pipe
    // that stays open here would keep its reader waiting.
    sys::close_range(3, u32::MAX);
    sys::forget_program();
    Some(supervise(watch))
}

fn encode(watch: &Watch) -> String {
    let Watch { child, orders } = watch;
    let target = match orders.target {
        SignalTarget::Child => "child",
        SignalTarget::Group => "group",
        SignalTarget::All => "all",
    };
    let grouping = match orders.grouping {
        Grouping::Group => "group",
        Grouping::Session => "session",
        Grouping::Shared => "shared",
    };
    let verbosity = match orders.verbosity {
        Verbosity::Errors => "errors",
        Verbosity::Warnings => "warnings",
        Verbosity::Reaping => "reaping",
        Verbosity::Everything => "everything",
    };
    let leftovers = match orders.leftovers {
        OrphanPolicy::End(time) => time.as_millis().to_string(),
        OrphanPolicy::Leave => "off".to_owned(),
    };
    let rewrite = (0_u8..).zip(orders.rewrite).filter(|(from, to)| from != to);
    let stop = orders.stop_timeout.as_millis();
    format!(
        "child={child} target={target} grouping={grouping} verbosity={verbosity} stop={stop} \
         leftovers={leftovers} reap_kill={} rewrite={} expect={}",
        orders.reap_kill,
        pairs(rewrite),
        pairs(orders.expect_exit.iter().copied()),
    )
}

fn pairs(pairs: impl Iterator<Item = (u8, u8)>) -> String {
    pairs.map(|(from, to)| format!("{from}:{to}")).collect::<Vec<_>>().join(",")
}

/// Reads what [`encode`] wrote; `None` for anything else.
fn decode(state: &OsStr) -> Option<Watch> {
    let mut watch = Watch { child: 0, orders: SupervisorConfig::default() };
    let orders = &mut watch.orders;
    for field in state.to_str()?.split(' ') {
        let (name, value) = field.split_once('=')?;
        match (name, value) {
            ("child", _) => watch.child = value.parse().ok().filter(|&pid| pid > 1)?,
            ("target", "child") => orders.target = SignalTarget::Child,
            ("target", "group") => orders.target = SignalTarget::Group,
            ("target", "all") => orders.target = SignalTarget::All,
            ("grouping", "group") => orders.grouping = Grouping::Group,
            ("grouping", "session") => orders.grouping = Grouping::Session,
            ("grouping", "shared") => orders.grouping = Grouping::Shared,
            ("verbosity", "errors") => orders.verbosity = Verbosity::Errors,
            ("verbosity", "warnings") => orders.verbosity = Verbosity::Warnings,
            ("verbosity", "reaping") => orders.verbosity = Verbosity::Reaping,
            ("verbosity", "everything") => orders.verbosity = Verbosity::Everything,
            ("stop", _) => orders.stop_timeout = Duration::from_millis(value.parse().ok()?),
            ("leftovers", "off") => orders.leftovers = OrphanPolicy::Leave,
            ("leftovers", _) => orders.leftovers = OrphanPolicy::End(Duration::from_millis(value.parse().ok()?)),
            ("reap_kill", _) => orders.reap_kill = value.parse().ok()?,
            ("rewrite", _) => {
                for (from, to) in read_pairs(value)? {
                    orders.hand_on(from.into(), to.into());
                }
            }
            ("expect", _) => orders.expect_exit = read_pairs(value)?,
            _ => return None,
        }
    }
    (watch.child > 1).then_some(watch)
}

fn read_pairs(text: &str) -> Option<Vec<(u8, u8)>> {
    let pair = |pair: &str| pair.split_once(':').and_then(|(from, to)| from.parse().ok().zip(to.parse().ok()));
    text.split(',').filter(|text| !text.is_empty()).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::run::{CompatFlags, OPTIONS, RunOptions};

    fn orders(settings: &[(&str, &str)]) -> SupervisorConfig {
        let mut options = RunOptions::default();
        for (name, value) in settings {
            let option = OPTIONS.iter().find(|option| option.name == *name).unwrap();
            option.set(&mut options, &[value]).unwrap();
        }
        SupervisorConfig::new(&options, CompatFlags::default(), Verbosity::Reaping)
    }

    #[test]
    fn orders_come_through_as_they_were() {
        for settings in [
            &[][..],
            &[("signal_to", "group"), ("rewrite", "15=3"), ("expect_exit", "143=0")],
            &[("signal_to", "all"), ("session", "true"), ("rewrite", "HUP=0"), ("orphan_timeout", "off")],
            &[("stop_timeout", "1500ms"), ("orphan_timeout", "0"), ("reap_kill", "true")],
        ] {
            let orders = orders(settings);
            let text = encode(&Watch { child: 17, orders: orders.clone() });
            let watch = decode(OsStr::new(&text)).unwrap();
            assert_eq!((watch.child, watch.orders), (17, orders), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_taken_for_orders() {
        for text in
            ["", "child=0", "child=-1", "child=1", "child=9 x=y", "child=9 stop=x", "target=child", "child=9 rewrite=1"]
        {
            assert!(decode(OsStr::new(text)).is_none(), "{text}");
        }
        assert_eq!(resume(&["tunectl".into(), "run".into()]), None);
    }
}
