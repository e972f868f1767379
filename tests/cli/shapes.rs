//! Values of every shape: what can't be meant is refused, what was read is shown, and lists are compared as lists.

use serde_json::Value as Json;
use tunectl::catalog;
use tunectl::kernel::fake::{Behaviour, Fake};
use tunectl::model::setting::{NumberOrder, System};
use tunectl::model::value::Kind;

use crate::support::world::Computer;

fn code(fake: Fake, profile: &str) -> (Option<i32>, String) {
    let ended = Computer::linux(fake).file("p.toml", profile).types("check -p @/p.toml");
    (ended.code, ended.stderr)
}

/// Whatever stands there, it was read.
#[test]
fn a_value_of_another_shape_is_shown_and_not_called_unreadable() {
    for (wanted, found) in [("'1 2'", "1"), ("[1, 2]", "1"), ("5", "a word"), ("'1-3'", "a word"), ("'1,2'", "1;2")] {
        let fake = Fake::linux().with("my.own.key", found, Behaviour::Text(99));
        let mut machine = Computer::linux(fake).file("p.toml", &format!("linux.sysctl.my.own.key = {wanted}\n"));
        let text = machine.types("check -p @/p.toml");
        assert_eq!(text.code, Some(1), "{wanted}: {}", text.stdout);
        assert!(text.stdout.contains(found) && !text.stdout.contains("not readable"), "{wanted}: {}", text.stdout);
        let document: Json = serde_json::from_str(&machine.types("check -p @/p.toml --format json").stdout).unwrap();
        let finding = &document["findings"][0];
        assert_eq!((&finding["found"], &finding["cause"]), (&found.into(), &"wrong-shape".into()), "{wanted}");
    }
}

/// The kernel joins and sorts the numbers of such a list.
#[test]
fn a_list_of_an_unknown_key_is_compared_as_a_list() {
    for (wanted, found, holds) in
        [("1,2", "1-2", true), ("1-2", "1-2", true), ("3,1", "1,3", true), ("1,2", "1-3", false), ("1,3", "1,3", true)]
    {
        let fake = Fake::linux().with("my.own.mask", found, Behaviour::Text(99));
        let (code, _) = code(fake, &format!("linux.sysctl.my.own.mask = '{wanted}'\n"));
        assert_eq!(code == Some(0), holds, "{wanted} where {found} was read");
    }
}

#[test]
fn a_leading_zero_is_refused_in_every_number() {
    for profile in [
        "linux.sysctl.net.ipv4.ip_local_reserved_ports = '010'",
        "linux.sysctl.net.ipv4.ip_local_reserved_ports = '80,090-099'",
        "linux.sysctl.net.ipv4.ip_local_reserved_ports = { includes = '8080-09090' }",
        "linux.sysctl.my.own.mask = { includes = '01' }",
        "service.ports = ['080']",
        "linux.sysctl.net.core.somaxconn = '010'",
    ] {
        let (code, said) = code(Fake::linux(), &format!("{profile}\n"));
        assert_eq!(code, Some(2), "{profile}");
        assert!(said.contains("has a leading zero, which the kernel reads as octal"), "{profile}: {said}");
    }
}

/// Every row of the catalog whose values are numbers.
#[test]
fn true_and_false_are_for_settings_that_are_0_or_1() {
    let mut switches = 0;
    for name in catalog::names(System::Linux).filter(|name| !name.contains('*')) {
        let key = tunectl::model::name::SysctlName::parse(name);
        let Ok(key) = key.map(tunectl::model::setting::Key::Sysctl) else { continue };
        let Some(spec) = catalog::spec(System::Linux, &key) else { continue };
        let is_switch = spec.kind == Kind::Number && (spec.min, spec.max) == (Some(0), Some(1));
        switches += usize::from(is_switch);
        let (code, said) = code(Fake::linux(), &format!("linux.sysctl.\"{name}\" = true\n"));
        assert_eq!(code != Some(2), is_switch, "{name}: {said}");
    }
    assert!(switches > 10, "{switches}");
    assert_eq!(code(Fake::linux(), "linux.sysctl.my.own.key = true\n").0, Some(2));
}

#[test]
fn descending_numbers_are_refused_where_they_are_meant_to_ascend() {
    let mut ordered = 0;
    for name in catalog::names(System::Linux).filter(|name| !name.contains('*')) {
        let key = tunectl::model::name::SysctlName::parse(name);
        let Ok(key) = key.map(tunectl::model::setting::Key::Sysctl) else { continue };
        let Some(spec) = catalog::spec(System::Linux, &key) else { continue };
        let Kind::Numbers(count) = spec.kind else { continue };
        ordered += usize::from(spec.order != NumberOrder::Any);
        let ascending: Vec<String> = (0..count).map(|place| (4096 + i32::from(place)).to_string()).collect();
        let descending: Vec<String> = ascending.iter().rev().cloned().collect();
        for (numbers, is_refused) in [(ascending, false), (descending, spec.order != NumberOrder::Any)] {
            let (code, said) = code(Fake::linux(), &format!("linux.sysctl.\"{name}\" = [{}]\n", numbers.join(", ")));
            assert_eq!(code == Some(2), is_refused, "{name} {numbers:?}: {said}");
        }
    }
    assert_eq!(ordered, 5);
    for (range, is_refused) in [("[1, 0]", false), ("[5, 0]", true), ("[0, 2147483647]", false)] {
        let (code, said) = code(Fake::linux(), &format!("linux.sysctl.net.ipv4.ping_group_range = {range}\n"));
        assert_eq!(code == Some(2), is_refused, "{range}: {said}");
    }
}

/// As tuned and saptune have it, whatever the order.
#[test]
fn of_several_values_the_first_is_set_that_the_kernel_takes() {
    let key = "net.ipv4.tcp_congestion_control";
    for (values, expected) in [
        ("'nonesuch', 'reno'", Some("reno")),
        ("'reno', 'nonesuch'", Some("reno")),
        ("'a', 'b', 'reno', 'cubic'", Some("cubic")),
        ("'a', 'reno', 'b'", Some("reno")),
        ("'a', 'b'", None),
    ] {
        let profile = format!("linux.sysctl.{key} = {{ one_of = [{values}] }}\n");
        for command in ["apply -p @/p.toml", "run -p @/p.toml -- true", "watch --once --repair -p @/p.toml"] {
            let mut machine = Computer::linux(Fake::linux()).file("p.toml", &profile);
            let ended = machine.types(command);
            assert_eq!(machine.value(key), expected.unwrap_or("cubic"), "{command} {values}: {}", ended.stderr);
            assert_eq!(
                matches!(ended.code, None | Some(0)),
                expected.is_some(),
                "{command} {values}: {}",
                ended.stderr
            );
        }
    }
    // What the kernel stores otherwise it does not take.
    let fake = Fake::linux().with("my.own.key", "5", Behaviour::clamped(1, 10));
    let mut machine = Computer::linux(fake).file("p.toml", "linux.sysctl.my.own.key = { one_of = [99, 7, 3] }\n");
    assert_eq!((machine.types("apply -p @/p.toml").code, machine.value("my.own.key")), (Some(0), "7"));
}
