//! Holds the README's generated parts to what the program says. `TUNECTL_BLESS=1 cargo test --test house` writes
//! them anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::Parser as _;

use tunectl::builtin;
use tunectl::catalog;
use tunectl::commands::{self, Cli, World};
use tunectl::environment::{Environment, EnvironmentDetails, Namespaces, Runtime};
use tunectl::kernel::fake::{Fake, Mount};
use tunectl::model::limit::{Limit, Limits, Resource};
use tunectl::model::run::{CompatFlags, OPTIONS, Shape};
use tunectl::model::setting::System;
use tunectl::output::Colour;
use tunectl::profile::lint::codes::WARNINGS;
use tunectl::profile_store::ProfileStore;

use crate::support::world::FakeSystem;

#[test]
fn the_readme_shows_what_the_program_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let standing = fs::read_to_string(&path).unwrap();
    let mut fresh = standing.clone();
    for (name, text) in [
        ("options", options()),
        ("check", check()),
        ("profiles", profiles()),
        ("limits", limits()),
        ("warnings", warnings()),
    ] {
        fresh = replaced(&fresh, name, &text);
    }
    if std::env::var_os("TUNECTL_BLESS").is_some() {
        fs::write(&path, &fresh).unwrap();
    }
    assert!(fresh == standing, "README.md is stale: run `TUNECTL_BLESS=1 cargo test --test house`");
}

/// Puts `text` between the markers of the part `name`.
fn replaced(readme: &str, name: &str, text: &str) -> String {
    let start = format!("<!-- generated: {name} -->\n");
    let (before, rest) = readme.split_once(&start).expect("the part has a marker at its start");
    let (_, after) = rest.split_once("<!-- end -->").expect("the part has a marker at its end");
    format!("{before}{start}{text}<!-- end -->{after}")
}

/// The real command line on a kernel in memory: a container as Docker starts it.
fn check() -> String {
    let limits = Limits { soft: Limit::Value(1024), hard: Limit::Value(524_288) };
    let mut kernel = Fake::linux()
        .in_network_namespace()
        .mounted("", Mount::ReadOnly)
        .limited(Resource::Nofile, limits)
        .without_cap_sys_resource();
    let around = EnvironmentDetails {
        capabilities: Some(0xa804_25fb),
        runtime: Some(Runtime::Docker),
        ..EnvironmentDetails::default()
    };
    let initial = Namespaces { pid: Some(false), net: Some(false), uts: Some(false), ..Namespaces::default() };
    let environment = Environment::known(System::Linux, Some("6.12.0".to_owned()), initial, 0, around);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut world = World {
        kernel: &mut kernel,
        os: &FakeSystem::new(environment),
        profiles: ProfileStore { directory: "/nonexistent".into(), owners: None },
        processes: "/nonexistent".into(),
        compat: CompatFlags::default(),
        out: &mut out,
        err: &mut err,
        colour: Colour::Off,
        colour_err: Colour::Off,
    };
    let command = ["tunectl", "check", "-p", "loadtest", "--port", "8080"];
    let code = commands::dispatch(&Cli::try_parse_from(command).unwrap(), &mut world);
    assert_eq!(code, commands::FALLS_SHORT);
    assert_eq!(String::from_utf8(err).unwrap(), "");
    format!("```console\n$ {}\n{}```\n", command.join(" "), String::from_utf8(out).unwrap())
}

fn profiles() -> String {
    let mut text = "| profile | what for |\n| --- | --- |\n".to_owned();
    let library = ProfileStore { directory: "/nonexistent".into(), owners: None };
    for name in builtin::names() {
        let mut find = |name: &str, named_by: Option<&_>| library.find(name, named_by);
        let profile = tunectl::profile::load::load(&[name.to_owned()], &mut find, &catalog::spec).unwrap();
        writeln!(text, "| `{name}` | {} |", profile.description.unwrap()).unwrap();
    }
    text
}

fn warnings() -> String {
    let mut text = "| code | warns of |\n| --- | --- |\n".to_owned();
    for warning in &WARNINGS {
        writeln!(text, "| `{}` | {} |", warning.code, warning.title).unwrap();
    }
    text
}

fn options() -> String {
    let mut text = "| option | values | what it does |\n| --- | --- | --- |\n".to_owned();
    for option in OPTIONS {
        let values = match (option.shape, option.value) {
            (Shape::Switch, _) => "true, false".to_owned(),
            (Shape::One, value) => value.replace('|', ", "),
            (Shape::Many, value) => format!("{value}, several"),
        };
        writeln!(text, "| `{}` | {values} | {} |", option.name, option.help).unwrap();
    }
    text
}

fn limits() -> String {
    let mut text = "| name | what it bounds | unit | `ulimit` |\n| --- | --- | --- | --- |\n".to_owned();
    for row in Resource::ALL.map(catalog::limit) {
        let factor = if row.shell_factor == 1 { String::new() } else { format!(", in {} of it", row.shell_factor) };
        writeln!(text, "| `{}` | {} | {} | `-{}`{factor} |", row.resource, row.purpose, row.unit, row.flag).unwrap();
    }
    text
}
