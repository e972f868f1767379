//! Laws that hold for every text: reading never panics, and what is shown can be read again.

use proptest::prelude::*;
use tunectl::catalog;
use tunectl::model::amount::Amount;
use tunectl::model::name::{SysctlName, SysfsName};
use tunectl::model::ranges::Ranges;
use tunectl::model::setting::System;
use tunectl::profile::cli_overrides::{self, CliSettings};
use tunectl::profile::lint::{KeyFacts, LintFacts, lint};
use tunectl::profile::load::load;
use tunectl::profile::{Profile, Source};
use tunectl::snippet::{Location, render};

/// Reads a text as a profile; in any case what is said of it can be shown.
fn read(text: &str) -> Result<Profile, String> {
    let mut find = |_: &str, _: Option<&Source>| {
        Ok(Source { label: "a.toml".to_owned(), text: text.to_owned(), hidden_from: None })
    };
    let profile = load(&["a.toml".to_owned()], &mut find, &catalog::spec).map_err(|problems| problems.to_string())?;
    let known: Vec<(System, &str)> = catalog::names(System::Linux).map(|name| (System::Linux, name)).collect();
    for warning in lint(
        &profile,
        &LintFacts {
            system: System::Linux,
            names: &known,
            key: &|_, _| KeyFacts { of_host: true, ..KeyFacts::default() },
        },
    ) {
        assert!(warning.to_string().starts_with("tunectl: warning[W"));
    }
    Ok(profile)
}

/// Texts that get past the first bytes of a parser: the words of a profile in any order.
fn almost_toml() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("[linux.sysctl]\n".to_owned()),
        Just("[macos.sysctl]\n".to_owned()),
        Just("[linux.sysfs]\n".to_owned()),
        Just("[rlimit]\n".to_owned()),
        Just("[service]\nports = ".to_owned()),
        Just("extends = ".to_owned()),
        Just("net.core.somaxconn = ".to_owned()),
        Just("net.ipv4.ip_local_port_range = ".to_owned()),
        Just("nofile = ".to_owned()),
        Just("vm.".to_owned()),
        Just("soft = ".to_owned()),
        Just("{ at_least = ".to_owned()),
        Just("{ covers = ".to_owned()),
        Just("one_of = ".to_owned()),
        Just(" }".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(", ".to_owned()),
        Just("\n".to_owned()),
        Just("\"".to_owned()),
        Just("'''".to_owned()),
        Just("0".to_owned()),
        Just("18446744073709551615".to_owned()),
        Just("-1".to_owned()),
        Just("1.5".to_owned()),
        Just("\"25% of memory\"".to_owned()),
        Just("'010'".to_owned()),
        Just("true".to_owned()),
        "\\PC{0,4}",
        ".{0,3}",
    ];
    prop::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}") {
        let _ = read(&text);
    }

    #[test]
    fn no_profile_makes_the_reader_panic(text in almost_toml()) {
        let _ = read(&text);
    }

    #[test]
    fn no_option_makes_the_reader_panic(text in "[a-z./=:0-9 *-]{0,20}|\\PC{0,20}") {
        let list = [text];
        let typed = CliSettings { set: &list, rlimit: &list, port: &list };
        let _ = cli_overrides::add(Profile::default(), typed, System::Linux, &catalog::spec).map_err(|said| said.to_string());
    }

    #[test]
    fn every_span_of_every_text_can_be_cited(text in "(?s).{0,80}", start in 0usize..120, length in 0usize..120, wide in any::<bool>()) {
        let text = if wide { text.repeat(20) } else { text };
        let place = Location { file: "f", text: &text, span: start..start + length, note: "" };
        let shown = render("tunectl: error: x", &[place], &[]);
        prop_assert_eq!(shown.lines().count(), 5, "{}", shown);
        prop_assert!(shown.lines().all(|line| line.chars().count() < 130), "{}", shown);
        prop_assert!(shown.ends_with('^'));
    }

    #[test]
    fn sysctl_names_read_as_they_are_shown(parts in prop::collection::vec("[a-z0-9_.-]{0,6}[a-z]", 1..5)) {
        if let Ok(name) = SysctlName::from_components(parts.iter().map(String::as_str)) {
            // sysctl.d(5) has no spelling for a dot in the first component; the kernel has no such name either.
            prop_assume!(parts.len() > 1 && !parts[0].contains('.'));
            prop_assert_eq!(SysctlName::parse(&name.to_string()).unwrap(), name.clone());
            prop_assert_eq!(SysctlName::parse(&name.to_string().replace(['.', '/'], "x")).unwrap().components().count(), 1);
            prop_assert!(!name.path().split('/').any(|part| part == ".." || part == "." || part.is_empty()));
            let text = format!("[linux.sysctl]\n\"{name}\" = 1\n");
            if catalog::spec(System::Linux, &tunectl::model::setting::Key::Sysctl(name.clone())).is_none() {
                prop_assert_eq!(read(&text).unwrap().requirements[0].setting.to_string(), name.to_string());
            }
        }
    }

    #[test]
    fn sysfs_names_read_as_they_are_shown(text in "[a-z./]{1,12}") {
        if let Ok(name) = SysfsName::parse(&text) {
            prop_assert_eq!(SysfsName::parse(&name.to_string()).unwrap(), name);
        }
    }

    #[test]
    fn ranges_read_as_they_are_shown(list in prop::collection::vec((0u32..=65535, 0u32..200), 0..20)) {
        let ranges: Ranges = list.into_iter().map(|(low, length)| (low, (low + length).min(65535))).collect();
        prop_assert_eq!(Ranges::parse(&ranges.to_string(), 65535).unwrap(), ranges.clone());
        // Nobody listens on port 0, so a service can't have it.
        let text = format!("[service]\nports = \"{ranges}\"\n");
        let expected = (!matches!(ranges.as_slice(), [(0, _), ..])).then_some(ranges);
        prop_assert_eq!(read(&text).ok().map(|profile| profile.service_ports), expected);
    }

    #[test]
    fn amounts_read_as_they_are_shown(number in any::<i64>(), percent in 1u8..=100) {
        for amount in [Amount::Count(number.into()), Amount::PercentOfMemory(percent), Amount::PerCpu(number.into())] {
            prop_assert_eq!(Amount::parse(&amount.to_string()), Ok(amount));
        }
    }
}
