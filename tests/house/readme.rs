//! Holds the generated parts of the documentation to what the program says. `TUNECTL_TEST_RENEW=1 cargo test` writes
//! them anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::Parser as _;

use tunectl::builtin;
use tunectl::catalog;
use tunectl::commands::{self, Cli, World};
use tunectl::diagnose::Cause;
use tunectl::environment::{Environment, EnvironmentDetails, Namespaces, RuntimeHints};
use tunectl::kernel::fake::{Fake, MountMode};
use tunectl::model::limit::{Limit, Limits, Resource};
use tunectl::model::preflight::{self, CONDITIONS, FoundCondition, Shape as Condition};
use tunectl::model::run::{CompatFlags, OPTIONS, Shape};
use tunectl::model::setting::System;
use tunectl::output::Colour;
use tunectl::preflight::Reading;
use tunectl::profile::lint::WARNINGS;
use tunectl::profile_store::ProfileStore;

use crate::support::world::FakeSystem;

/// The name of a generated part, and what makes it.
type Part = (&'static str, fn() -> String);

/// Which page has which generated parts.
const PAGES: [(&str, &[Part]); 6] = [
    ("README.md", &[("check", check)]),
    ("docs/run.md", &[("options", options)]),
    ("docs/profiles.md", &[("profiles", profiles), ("conditions", conditions)]),
    ("docs/warnings.md", &[("warnings", warnings)]),
    ("docs/limits.md", &[("limits", limits)]),
    ("docs/causes.md", &[("causes", causes)]),
];

#[test]
fn generated_parts_of_the_documentation_are_up_to_date() {
    let mut stale = Vec::new();
    for (page, parts) in PAGES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
        let standing = fs::read_to_string(&path).unwrap();
        let fresh = parts.iter().fold(standing.clone(), |text, (name, part)| replaced(&text, name, &part()));
        if std::env::var_os("TUNECTL_TEST_RENEW").is_some() {
            fs::write(&path, &fresh).unwrap();
        } else if fresh != standing {
            stale.push(page);
        }
    }
    assert!(stale.is_empty(), "{stale:?} are out of date: run `TUNECTL_TEST_RENEW=1 cargo test`");
}

#[test]
fn links_of_the_documentation_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = docs.chain(["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"].map(|page| root.join(page)));
    for page in pages.filter(|path| path.extension().is_some_and(|ending| ending == "md")) {
        let text = fs::read_to_string(&page).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
            if file.contains("://") {
                continue;
            }
            let there = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(there.exists(), "{} links to {target}, which is not there", page.display());
            if let Some(anchor) = anchor {
                let headings = fs::read_to_string(&there).unwrap();
                let found = headings.lines().filter(|line| line.starts_with('#')).any(|line| slug(line) == anchor);
                assert!(found, "{} links to {target}, and there is no such heading", page.display());
            }
        }
    }
}

/// The anchor of a heading, as the renderers of Markdown make it.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn the_readme_is_one_page() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    assert!(text.lines().count() <= 200, "README.md has {} lines, 200 are the most", text.lines().count());
}

/// Puts `text` between the markers of the part `name`.
fn replaced(readme: &str, name: &str, text: &str) -> String {
    let start = format!("<!-- generated: {name} -->\n");
    let (before, rest) = readme.split_once(&start).expect("the part has a marker at its start");
    let (_, after) = rest.split_once("<!-- end -->").expect("the part has a marker at its end");
    format!("{before}{start}{text}<!-- end -->{after}")
}

/// The conditions of `[preflight]`.
fn conditions() -> String {
    let mut table = "| condition | value | what it is | `bench` waits |\n| --- | --- | --- | --- |\n".to_owned();
    for row in &CONDITIONS {
        let value = match row.shape {
            Condition::Switch => "`true`, `false`",
            Condition::Word => "a word, or `one_of`",
            Condition::Percent => "`at_most = \"10%\"`",
            Condition::Decimal => "`at_most = 0.5`",
            Condition::Count => "`at_most = 100`",
            Condition::ByteRate => "`at_most = \"1MiB\"`",
        };
        let waits = if row.can_pass { "yes" } else { "no" };
        let _ = writeln!(table, "| `{}` | {value} | {} | {waits} |", row.name, row.about);
    }
    table
}

/// The real command line on a kernel in memory: a container as Docker starts it.
fn check() -> String {
    let limits = Limits { soft: Limit::Value(1024), hard: Limit::Value(524_288) };
    let mut kernel = Fake::linux()
        .in_network_namespace()
        .mounted("", MountMode::ReadOnly)
        .limited(Resource::Nofile, limits)
        .without_cap_sys_resource();
    let around = EnvironmentDetails {
        capabilities: Some(0xa804_25fb),
        runtime_hints: RuntimeHints::named("docker"),
        ..EnvironmentDetails::default()
    };
    let initial = Namespaces { pid: Some(false), net: Some(false), uts: Some(false), ..Namespaces::default() };
    let environment = Environment::known(System::Linux, Some("6.12.0".to_owned()), initial, 0, around);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut os = FakeSystem::new(environment);
    let found = |condition, found| (condition, Reading::Found(found));
    os.conditions.extend([
        found(preflight::Condition::LoadPerCpu, FoundCondition::Number(0.06)),
        found(preflight::Condition::CpuPressure, FoundCondition::Number(0.2)),
        found(preflight::Condition::MemoryInUse, FoundCondition::Number(41.0)),
        found(preflight::Condition::CpuQuota, FoundCondition::Is(true)),
    ]);
    let mut world = World {
        kernel: &mut kernel,
        os: &os,
        profiles: ProfileStore { directory: "/nonexistent".into(), owners: None, invoker: None },
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
    let library = ProfileStore { directory: "/nonexistent".into(), owners: None, invoker: None };
    for name in builtin::names() {
        let mut find = |name: &str, named_by: Option<&_>| library.find(name, named_by);
        let profile = tunectl::profile::load::load(&[name.to_owned()], &mut find, &catalog::spec).unwrap();
        writeln!(text, "| `{name}` | {} |", profile.description.unwrap()).unwrap();
    }
    text
}

fn causes() -> String {
    let mut text = "| code | meaning |\n| --- | --- |\n".to_owned();
    for code in Cause::codes() {
        writeln!(text, "| `{}` | {} |", code.name, code.explanation.replace('|', "\\|")).unwrap();
    }
    text
}

fn warnings() -> String {
    let mut text = "| code | warns of | why, and what to do |\n| --- | --- | --- |\n".to_owned();
    for warning in &WARNINGS {
        writeln!(text, "| `{}` | {} | {} |", warning.code, warning.title, warning.explanation.replace('|', "\\|"))
            .unwrap();
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
