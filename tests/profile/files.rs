//! What the tests of profiles share: files that exist only here, and how to read them.

use crate::support::expected;
use tunectl::model::setting::{Key, NumberOrder, System, ValueSpec};
use tunectl::model::value::Kind;
use tunectl::profile::load::{LookupError, load};
use tunectl::profile::problem::Problems;
use tunectl::profile::{Profile, Source};

/// What is known here: one key of each shape.
pub(crate) fn spec(system: System, key: &Key) -> Option<ValueSpec> {
    let spec = |kind, min, max| Some(ValueSpec { kind, min, max, order: NumberOrder::Any });
    match (system, key.to_string().as_str()) {
        (System::Linux, "net.core.somaxconn") => spec(Kind::Number, Some(1), Some(2_147_483_647)),
        (System::Linux, "net.ipv4.tcp_rmem") => spec(Kind::Numbers(3), Some(1), None),
        (System::Linux, "net.ipv4.ip_local_port_range") => spec(Kind::PortRange, Some(1), Some(65535)),
        (System::Linux, "net.ipv4.ip_local_reserved_ports") => spec(Kind::Ports, Some(0), Some(65535)),
        (System::Linux, "net.ipv4.tcp_congestion_control") => spec(Kind::Word, None, None),
        (System::Linux, "kernel.core_pattern") => spec(Kind::Text, None, None),
        (System::Linux, "net.core.flow_limit_cpu_bitmap") => spec(Kind::Cpus, None, None),
        (System::Linux, "/sys/kernel/mm/transparent_hugepage/enabled") => spec(Kind::Choice, None, None),
        (System::MacOs, "kern.ipc.somaxconn") => spec(Kind::Number, Some(1), Some(32767)),
        _ => None,
    }
}

/// Loads the first of `files`; they can extend each other by name.
pub(crate) fn load_files(files: &[(&str, &str)]) -> Result<Profile, Problems> {
    load_named(&[files[0].0], files)
}

/// Loads these of `files`.
pub(crate) fn load_named(names: &[&str], files: &[(&str, &str)]) -> Result<Profile, Problems> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut find = |name: &str, _: Option<&Source>| {
        let found = files.iter().find(|(label, _)| *label == name);
        found
            .map(|(label, text)| Source { label: (*label).to_owned(), text: (*text).to_owned(), hidden_from: None })
            .ok_or_else(|| LookupError { message: format!("unknown profile `{name}`"), help: None })
    };
    load(&names, &mut find, &spec)
}

/// The one file `a.toml`, which must be right.
pub(crate) fn good(text: &str) -> Profile {
    load_files(&[("a.toml", text)]).unwrap_or_else(|problems| panic!("{text}\nwas refused:\n{problems}"))
}

/// Compares what is said of each of these profiles, which must all be wrong, with `tests/expected/NAME.txt`.
#[track_caller]
pub(crate) fn refused<T: AsRef<str>>(name: &str, profiles: impl IntoIterator<Item = T>) {
    let case = |text: T| format!("{}\n---\n{}\n\n", text.as_ref(), bad(text.as_ref()));
    expected::compare(name, &profiles.into_iter().map(case).collect::<String>());
}

/// The same of profiles that have one line below `[TABLE]`.
#[track_caller]
pub(crate) fn refused_in(table: &str, name: &str, lines: &[&str]) {
    refused(name, lines.iter().map(|line| format!("[{table}]\n{line}")));
}

/// What is said of the one file `a.toml`, which must be wrong.
pub(crate) fn bad(text: &str) -> String {
    match load_files(&[("a.toml", text)]) {
        Ok(profile) => panic!("{text}\nwas taken:\n{}", wishes(&profile)),
        Err(problems) => problems.to_string(),
    }
}

/// All wishes, one a line: setting, what is asked, `optional` where it is.
pub(crate) fn wishes(profile: &Profile) -> String {
    let line = |wish: &tunectl::profile::RawRequirement| {
        let system = wish.system.map_or("any", tunectl::model::setting::System::table);
        let optional = if wish.required { "" } else { ", optional" };
        format!("{system} {}: {}{optional}\n", wish.setting, wish.wanted)
    };
    profile.requirements.iter().map(line).collect()
}
