//! Executing ourselves anew once the service runs, to give back the memory of everything that went before.
//!
//! Reading profiles, tuning and the parser of the command line leave memory behind that a supervisor, which stays as
//! long as its service, has no use for. An exec of `/proc/self/exe` starts with an empty heap. Measured on the static
//! program (x86-64, `/proc/PID/smaps_rollup`): 28 kB of private dirty memory, where a supervisor that stays as it is
//! keeps 180 kB after one limit and 308 kB after 236 sysctls; and 0.7 MB resident instead of 1.3 and 1.5 MB.
//!
//! For the kernel it stays the same process: its process ID, its children, its blocked and pending signals, its being a
//! subreaper and its parent-death signal all survive an exec (execve(2)). What the loop needs to know, the child's
//! process ID and the configuration, is passed as text in one argument.

use std::ffi::{CString, OsStr, OsString};
use std::time::Duration;

use super::config::{Grouping, SupervisorConfig};
use super::drop_capabilities;
use super::messages::{Failure, fail};
use super::supervise::supervise;
use crate::model::run::{OrphanPolicy, SignalTarget};
use crate::sys::{self, CStringArray};

/// The first argument of the new program. No command line that a person types begins like this.
const NAME: &str = "tunectl: supervisor";

/// Executes ourselves anew as the supervisor of process `child`; `command` is its name, for ps(1). Returns where that
/// is not possible (no `/proc`, no memory), and the supervisor stays as it is.
pub(super) fn reexec(child: i32, config: &SupervisorConfig, command: &str) {
    let arguments = [NAME, &encode(child, config), command].map(CString::new);
    if let Ok(arguments) = arguments.into_iter().collect::<Result<Vec<_>, _>>() {
        let _ = sys::execve(c"/proc/self/exe", &CStringArray::new(arguments), None);
    }
}

/// If `arguments` are those of `reexec`, supervises and returns the exit code. `main` calls it before anything else.
#[must_use]
pub fn resume(arguments: &[OsString]) -> Option<i32> {
    let [name, state, ..] = arguments else { return None };
    if name != NAME {
        return None;
    }
    // Else ps(1) would show `exe`, the name of the link that was executed.
    sys::set_name(c"tunectl");
    // Whoever types such arguments has no such child, and must not have us signal a process group of his choice.
    let Some((child, config)) = decode(state).filter(|&(child, _)| sys::may_be_child(child)) else {
        fail(&Failure::NotACommand);
        return Some(2);
    };
    // Our own descriptors were closed by the exec. Those that are left were handed to us for the service: an end of a
    // pipe that stays open here would keep its reader waiting.
    sys::close_range(3, u32::MAX);
    drop_capabilities();
    sys::madvise_dontneed();
    Some(supervise(child, config))
}

const TARGETS: [(&str, SignalTarget); 3] =
    [("child", SignalTarget::Child), ("group", SignalTarget::Group), ("all", SignalTarget::All)];
const GROUPINGS: [(&str, Grouping); 3] =
    [("group", Grouping::Group), ("session", Grouping::Session), ("shared", Grouping::Shared)];

fn name_of<T: PartialEq>(names: &[(&'static str, T)], value: &T) -> &'static str {
    names.iter().find(|(_, named)| named == value).map_or("", |(name, _)| name)
}

fn named<T: Copy>(names: &[(&'static str, T)], name: &str) -> Option<T> {
    names.iter().find(|(known, _)| *known == name).map(|&(_, value)| value)
}

/// Writes the child's process ID and what [`supervise`] needs of the configuration, as `NAME=VALUE` with spaces. Times
/// are in milliseconds.
fn encode(child: i32, config: &SupervisorConfig) -> String {
    let orphans = match config.orphans {
        OrphanPolicy::End(time) => time.as_millis().to_string(),
        OrphanPolicy::Leave => "leave".to_owned(),
    };
    let rewrite = (0_u8..).zip(config.rewrite).filter(|(from, to)| from != to);
    format!(
        "child={child} target={} grouping={} log={} stop={} orphans={orphans} reap_kill={} rewrite={} expect={}",
        name_of(&TARGETS, &config.target),
        name_of(&GROUPINGS, &config.grouping),
        config.log_level,
        config.stop_timeout.as_millis(),
        config.reap_kill,
        encode_pairs(rewrite),
        encode_pairs(config.expect_exit.iter().copied()),
    )
}

fn encode_pairs(pairs: impl Iterator<Item = (u8, u8)>) -> String {
    pairs.map(|(from, to)| format!("{from}:{to}")).collect::<Vec<_>>().join(",")
}

/// Reads what [`encode`] wrote; `None` for anything else.
fn decode(state: &OsStr) -> Option<(i32, SupervisorConfig)> {
    let mut child = 0;
    let mut config = SupervisorConfig::default();
    for field in state.to_str()?.split(' ') {
        let (name, value) = field.split_once('=')?;
        match name {
            "child" => child = value.parse().ok()?,
            "target" => config.target = named(&TARGETS, value)?,
            "grouping" => config.grouping = named(&GROUPINGS, value)?,
            "log" => config.log_level = value.parse().ok()?,
            "stop" => config.stop_timeout = decode_time(value)?,
            "orphans" if value == "leave" => config.orphans = OrphanPolicy::Leave,
            "orphans" => config.orphans = OrphanPolicy::End(decode_time(value)?),
            "reap_kill" => config.reap_kill = value.parse().ok()?,
            "rewrite" => {
                for (from, to) in decode_pairs(value)? {
                    config.set_rewrite(from.into(), to.into());
                }
            }
            "expect" => config.expect_exit = decode_pairs(value)?,
            _ => return None,
        }
    }
    (child > 1).then_some((child, config))
}

fn decode_time(text: &str) -> Option<Duration> {
    text.parse().ok().map(Duration::from_millis)
}

fn decode_pairs(text: &str) -> Option<Vec<(u8, u8)>> {
    let pair = |pair: &str| pair.split_once(':').and_then(|(from, to)| from.parse().ok().zip(to.parse().ok()));
    text.split(',').filter(|text| !text.is_empty()).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use log::LevelFilter;

    use super::*;
    use crate::model::run::{CompatFlags, OPTIONS, RunOptions};

    fn config(settings: &[(&str, &str)]) -> SupervisorConfig {
        let mut options = RunOptions::default();
        for (name, value) in settings {
            let option = OPTIONS.iter().find(|option| option.name == *name).unwrap();
            option.set(&mut options, &[value]).unwrap();
        }
        SupervisorConfig::new(&options, CompatFlags::default(), LevelFilter::Info)
    }

    #[test]
    fn a_configuration_is_read_as_it_was_written() {
        for settings in [
            &[][..],
            &[("signal_to", "group"), ("rewrite", "15=3"), ("expect_exit", "143=0")],
            &[("signal_to", "all"), ("session", "true"), ("rewrite", "HUP=0"), ("orphan_timeout", "off")],
            &[("stop_timeout", "1500ms"), ("orphan_timeout", "0"), ("reap_kill", "true")],
        ] {
            let config = config(settings);
            let text = encode(17, &config);
            assert_eq!(decode(OsStr::new(&text)), Some((17, config)), "{text}");
        }
    }

    #[test]
    fn any_other_text_is_refused() {
        for text in
            ["", "child=0", "child=-1", "child=1", "child=9 x=y", "child=9 stop=x", "target=child", "child=9 rewrite=1"]
        {
            assert!(decode(OsStr::new(text)).is_none(), "{text}");
        }
        assert_eq!(resume(&["tunectl".into(), "run".into()]), None);
    }
}
