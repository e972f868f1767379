//! Every remedy for a compose file, pasted where its place says.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::engine::{Container, Ran, name};
use crate::{images, programs};

/// All in one file; and then the checks pass.
#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn compose_file_with_the_printed_remedies_passes() {
    let image = images::probe();
    let asked = ["-p", "web", "-p", "descriptors", "-p", "threads", "--set", "kernel.hostname=queue"];
    let check = [&["/tunectl", "check"][..], &asked].concat();
    let short = ["--ulimit", "nofile=1000:2000", "--pids-limit", "100"];
    let ran = Container::run(&short, &image.name, &[&check[..], &["--format", "json"]].concat()).expect_code(1);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let [service, sysctls, ulimits] =
        [("compose", 4), ("compose-sysctls", 6), ("compose-ulimits", 6)].map(|(place, indent)| {
            let lines = lines(&document, place, indent);
            assert!(!lines.is_empty(), "{place}: {document:#}");
            lines
        });
    let command = Value::from(check);
    let compose = format!(
        "version: \"2.4\"\nservices:\n  service:\n    image: {}\n    command: {command}\n{service}    sysctls:\n{sysctls}    \
         ulimits:\n{ulimits}",
        image.name,
    );
    let folder = programs::scratch().join(name());
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{error}"));
    fs::write(folder.join("compose.yaml"), &compose).unwrap_or_else(|error| panic!("{error}"));
    let ran = composed(&folder, &["run", "--rm", "service"]);
    composed(&folder, &["down"]);
    drop(fs::remove_dir_all(&folder));
    assert_eq!(ran.code, 0, "{compose}\n{ran:?}");
}

/// The remedies for this place, a line each: of a limit's two sides the same.
fn lines(document: &Value, place: &str, indent: usize) -> String {
    let findings = document["findings"].as_array().into_iter().flatten();
    let remedies = findings.flat_map(|finding| finding["remedies"].as_array().into_iter().flatten());
    let texts = remedies.filter(|remedy| remedy["place"] == place).filter_map(|remedy| remedy["text"].as_str());
    let mut lines: Vec<String> = texts.map(|text| format!("{:indent$}{text}\n", "")).collect();
    lines.dedup();
    lines.concat()
}

/// The plugin of newer engines, or the program of older ones.
fn composed(folder: &Path, arguments: &[&str]) -> Ran {
    let plugin = Command::new("docker").args(["compose", "version"]).output().is_ok_and(|ran| ran.status.success());
    let mut command = Command::new(if plugin { "docker" } else { "docker-compose" });
    if plugin {
        command.arg("compose");
    }
    command.args(["-f", "compose.yaml"]).args(arguments).current_dir(folder);
    command
        .output()
        .unwrap_or_else(|error| panic!("neither `docker compose` nor `docker-compose` runs: {error}"))
        .into()
}
