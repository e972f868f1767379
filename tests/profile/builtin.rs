//! The four built-in profiles: what they ask for, that they are in order, and that every key is explained.

use crate::files::wishes;
use crate::support::expected;
use tunectl::model::setting::System;
use tunectl::profile::cli_overrides::{self, CliSettings};
use tunectl::profile::lint::{KeyFacts, LintFacts, lint};
use tunectl::profile::load::load;
use tunectl::profile::{Profile, Source};
use tunectl::{builtin, catalog};

fn built_in(names: &[&str]) -> Profile {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut find = |name: &str, _: Option<&Source>| Ok(builtin::find(name).unwrap());
    load(&names, &mut find, &catalog::spec).unwrap_or_else(|problems| panic!("{problems}"))
}

fn warnings(profile: &Profile) -> Vec<String> {
    let known: Vec<(System, &str)> = [System::Linux, System::MacOs]
        .into_iter()
        .flat_map(|system| catalog::names(system).map(move |name| (system, name)))
        .collect();
    lint(profile, &LintFacts { system: System::Linux, names: &known, key: &|_, _| KeyFacts::default() })
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn built_in_profiles_have_these_requirements() {
    expected::compare("profile/builtin/loadtest", &wishes(&built_in(&["loadtest"])));
    expected::compare("profile/builtin/production", &wishes(&built_in(&["production"])));
    expected::compare("profile/builtin/realtime", &wishes(&built_in(&["realtime"])));
}

#[test]
fn built_in_profiles_have_only_intended_warnings() {
    for name in ["base", "production", "realtime"] {
        assert_eq!(warnings(&built_in(&[name])), [""; 0], "{name}");
    }
    let profile = built_in(&["loadtest"]);
    let [warning] = warnings(&profile).try_into().unwrap();
    assert!(
        warning.starts_with(
            "tunectl: warning[W001]: local ports from 1024 on, and no service port is reserved\n  --> built-in profile loadtest:"
        ),
        "{warning}"
    );
    let port = ["8080".to_owned()];
    let with_port = cli_overrides::add(
        profile,
        CliSettings { port: &port, ..CliSettings::default() },
        System::Linux,
        &catalog::spec,
    )
    .unwrap();
    assert_eq!(warnings(&with_port), [""; 0]);
}

#[test]
fn later_of_two_built_in_profiles_wins() {
    let profile = built_in(&["loadtest", "production"]);
    let somaxconn = profile.requirements.iter().find(|wish| wish.setting.to_string() == "net.core.somaxconn").unwrap();
    assert_eq!(somaxconn.wanted.to_string(), "at least 2048");
    assert_eq!(profile.names, ["loadtest", "production"]);
}

#[test]
fn every_key_is_explained_with_its_default() {
    for (name, text) in builtin::PROFILES {
        let mut comment = String::new();
        let mut keys = 0;
        // Conditions of a machine have no default.
        let mut is_condition = false;
        for line in text.lines() {
            if line.starts_with('[') {
                is_condition = line == "[preflight]";
            }
            if let Some(words) = line.strip_prefix('#') {
                comment.push_str(words);
                continue;
            }
            let is_key = line.contains(" = ")
                && !line.starts_with("description")
                && !line.starts_with("extends")
                && !is_condition;
            if is_key {
                keys += 1;
                assert!(comment.contains("Default"), "{name}: `{line}` does not say what the default is");
                assert!(comment.len() > 100, "{name}: `{line}` is hardly explained");
            }
            comment.clear();
        }
        assert!(keys >= 5, "{name} has {keys} keys");
        assert!(text.lines().all(|line| line.len() <= 120), "{name} has a line of more than 120 bytes");
    }
}
