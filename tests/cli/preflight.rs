//! Conditions of the machine and the needs of a load test, as `check` shows them.

use serde_json::{Value, json};
use tunectl::kernel::fake::Fake;
use tunectl::model::preflight::{Condition, FoundCondition};
use tunectl::preflight::Reading;

use crate::support::test::Test;
use crate::support::world::Computer;

const PROFILE: &str = "[preflight]
load_per_cpu = { at_most = 0.5, required = true }
scaling_governor = \"performance\"
cpu_pressure = { at_most = \"10%\" }
on_ac_power = true
io_pressure = { at_most = \"1%\" }
clocksource = { one_of = [\"tsc\", \"kvm-clock\"] }
address_space_randomization = 0
";

fn computer(load: f64) -> Computer {
    let mut computer = Computer::linux(Fake::linux()).file("p.toml", PROFILE);
    let words = |words: &[&str]| FoundCondition::Words(words.iter().map(|word| (*word).to_owned()).collect());
    computer.os.conditions.extend([
        (Condition::LoadPerCpu, Reading::Found(FoundCondition::Number(load))),
        (Condition::ScalingGovernor, Reading::Found(words(&["performance", "powersave"]))),
        (Condition::CpuPressure, Reading::Found(FoundCondition::Number(2.5))),
        (Condition::IoPressure, Reading::Unknown("/proc/pressure/io: EACCES (permission denied)".to_owned())),
        (Condition::Clocksource, Reading::Found(words(&["tsc"]))),
        (Condition::AddressSpaceRandomization, Reading::Found(words(&["2"]))),
    ]);
    computer
}

#[test]
fn conditions_that_do_not_hold_are_shown() {
    computer(1.31).types("check -p @/p.toml").expected("cli/preflight/short");
}

/// Only what is required fails `check`.
#[test]
fn a_condition_is_a_warning_unless_it_is_required() {
    assert_eq!(computer(0.5).types("check -p @/p.toml").code, Some(0));
    assert_eq!(computer(0.51).types("check -p @/p.toml").code, Some(1));
    let mut unread = computer(0.0).file("p.toml", "[preflight]\nio_pressure = { at_most = \"1%\", required = true }\n");
    assert_eq!(unread.types("check -p @/p.toml").code, Some(1), "what can't be read does not hold");
    let mut lacking = computer(0.0).file("p.toml", "[preflight]\non_ac_power = { exactly = true, required = true }\n");
    assert_eq!(lacking.types("check -p @/p.toml").code, Some(0), "a machine without a battery needs none");
}

#[test]
fn conditions_as_data() {
    let ended = computer(1.31).types("check --format json -p @/p.toml");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let rows = document["preflight"].as_array().unwrap();
    let verdicts: Vec<_> = rows.iter().map(|row| row["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["falls-short", "falls-short", "holds", "not-applicable", "unknown", "holds", "falls-short"]);
    assert_eq!(
        (&rows[0]["setting"], &rows[0]["wanted"], &rows[0]["found"], &rows[0]["required"]),
        (&json!("load_per_cpu"), &json!({ "at_most": 0.5 }), &json!(1.31), &json!(true))
    );
    assert_eq!((&rows[2]["wanted"], &rows[2]["found"]), (&json!({ "at_most": "10%" }), &json!("2.5%")));
    assert_eq!(rows[3]["found"], Value::Null);
    assert_eq!(rows[5]["wanted"], json!({ "one_of": ["tsc", "kvm-clock"] }));
    assert_eq!(rows[6]["remedies"][0]["text"], "sudo tunectl apply --set kernel.randomize_va_space=0");
    assert_eq!(document["passes"], false);
    for row in rows {
        let short = matches!(row["verdict"].as_str(), Some("falls-short"));
        assert_eq!(row["remedies"].as_array().unwrap().is_empty(), !short, "{row}");
        assert_eq!(row["why"].is_null(), row["verdict"] == "holds", "{row}");
    }
    // Nothing that changes a machine looks at them.
    assert_eq!(computer(1.31).types("apply -p @/p.toml").code, Some(0));
}

#[test]
fn what_a_load_test_needs() {
    let needs = |command: &str| -> Vec<(String, String, u64)> {
        let ended = Computer::linux(Fake::linux()).types(command);
        let document: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}", ended.stderr));
        let rows = document["budget"].as_array().unwrap().iter();
        rows.map(|row| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            (text("setting"), text("side"), row["wanted"]["at_least"].as_u64().unwrap())
        })
        .collect()
    };
    let plain = needs("check --format json --connections 4000");
    assert_eq!(plain[0], ("nofile (soft)".to_owned(), "client".to_owned(), 4032));
    assert!(plain.contains(&("net.ipv4.ip_local_port_range".to_owned(), "client".to_owned(), 4000)), "{plain:?}");
    let rate = needs("check --format json --connections 10 --rate 100");
    assert!(rate.contains(&("net.ipv4.ip_local_port_range".to_owned(), "client".to_owned(), 6010)), "{rate:?}");
    let kept = needs("check --format json --connections 10 --rate 100 --keepalive");
    assert!(kept.contains(&("net.ipv4.ip_local_port_range".to_owned(), "client".to_owned(), 10)), "{kept:?}");
}

/// On the real command line: the limit of this process is known, and is not enough.
#[test]
fn what_is_lacking_fails() {
    let line = "ulimit -Sn 256; tunectl check --format json --for 'ab -r -n 40000 -c 4000 http://192.0.2.1:8080/'";
    let ran = Test::shell(line).code(1).stdout_is_anything().stderr_is_anything().run();
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let first = &document["budget"][0];
    assert_eq!(
        (&first["setting"], &first["verdict"], &first["found"], &first["remedies"][0]["text"]),
        (&json!("nofile (soft)"), &json!("falls-short"), &json!(256), &json!("ulimit -Sn 4032"))
    );
    // Of a service on another machine nothing is known, and nothing is said to be lacking.
    assert_eq!(document["budget"][1]["verdict"], "unknown");
    let line = "ulimit -Sn 256; tunectl check --for 'ab -r -n 40 -c 4 http://192.0.2.1:8080/'";
    let ran = Test::shell(line).stdout_is_anything().stderr_is_anything().run();
    assert!(ran.stdout.ends_with("nothing that the run needs is known to be lacking\n"), "{}", ran.stdout);
}

/// The profile that is printed is what `validate` and `check` read.
#[test]
fn the_profile_of_a_load_test_is_read_again() {
    let line = "tunectl check --emit-profile --for \"ab -n 9 -c 200 'http://127.0.0.1:8080/'\" >p.toml && \
        tunectl profile validate p.toml";
    let ran = Test::shell(line).stdout_is_anything().stderr_is_anything().run();
    assert!(ran.stdout.starts_with("p.toml: valid"), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn mistakes_in_what_is_asked() {
    for (arguments, said) in [
        (&["--for", "curl http://h/"][..], "no load tester that tunectl knows in `curl http://h/`"),
        (&["--for", ""], "no load tester that tunectl knows in ``"),
        (&["--keepalive"], "belong to a load test"),
        (&["-p", "base", "--emit-profile"], "belong to a load test"),
        (&["--connections", "0"], "0 is not in 1..=10000000"),
        (&["--rate", "nan"], "expected a number of requests per second above 0"),
        (&["--rate", "-5"], "unexpected argument"),
    ] {
        let ran = Test::new(["check"].iter().chain(arguments)).code(2).stderr_is_anything().run();
        assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
    }
}
