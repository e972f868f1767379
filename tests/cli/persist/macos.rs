//! Jobs of launchd, read by an independent reader of property lists.

use std::io::Write as _;
use std::process::{Command, Stdio};

use tunectl::formats::Assignment;
use tunectl::formats::checksum_header::{Header, read_header};
use tunectl::model::limit::{Limit, Limits, Resource};
use tunectl::model::setting::System;
use tunectl::model::value::Value;
use tunectl::persist::{PersistentSettings, TargetFile, target_files};

use crate::support::namespaces::{skip, this_test};

fn jobs() -> Vec<TargetFile> {
    let sysctl = |name: &str, value| Assignment { name: name.to_owned(), value, comment: "5".to_owned() };
    let settings = PersistentSettings {
        sysctls: vec![sysctl("kern.maxfiles", Value::Number(65536)), sysctl("kern.x", Value::text("a<b & \"c\""))],
        limits: vec![(Resource::Nofile, Limits { soft: Limit::Value(50000), hard: Limit::Unlimited })],
        profiles: vec!["./a--b.toml".to_owned()],
        ..PersistentSettings::default()
    };
    target_files(&settings, System::MacOs)
}

#[test]
fn launchd_files_have_a_header_and_their_path() {
    let jobs = jobs();
    let paths: Vec<&str> = jobs.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["Library/LaunchDaemons/tunectl.sysctl.plist", "Library/LaunchDaemons/tunectl.maxfiles.plist"]);
    for job in &jobs {
        assert_eq!(read_header(&job.text), Header::Intact { profiles: "./a- -b.toml".to_owned() });
    }
}

#[test]
fn launchd_files_are_valid_property_lists() {
    let script = "import json, plistlib, sys; json.dump(plistlib.loads(sys.stdin.buffer.read()), sys.stdout)";
    let found: Vec<String> = jobs()
        .iter()
        .filter_map(|job| {
            let mut reader = Command::new("python3");
            let mut reader = reader.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
            reader.stdin.take().unwrap().write_all(job.text.as_bytes()).unwrap();
            let output = reader.wait_with_output().unwrap();
            assert!(output.status.success());
            Some(String::from_utf8(output.stdout).unwrap())
        })
        .collect();
    if found.is_empty() {
        return skip(this_test!(), "there is no python3");
    }
    assert_eq!(
        found,
        [
            r#"{"Label": "tunectl.sysctl", "ProgramArguments": ["/usr/sbin/sysctl", "kern.maxfiles=65536", "kern.x=a<b & \"c\""], "RunAtLoad": true}"#,
            r#"{"Label": "tunectl.maxfiles", "ProgramArguments": ["/bin/launchctl", "limit", "maxfiles", "50000", "unlimited"], "RunAtLoad": true}"#,
        ]
    );
}
