//! Queues of listeners that are shorter than they could be.

use serde_json::{Value, json};

use super::service::{OWN, Service};
use crate::support::namespaces::{inside, this_test};
use crate::support::test::Test;

#[test]
fn short_listen_queue_is_warned_of_until_listen_again() {
    inside(this_test!(), || {
        let mut service = Service::start(&OWN, None).unwrap();
        let pid = service.pid();
        let check = |ends: &str| Test::new(["check", "--set", "net.core.somaxconn=1024", "--pid", &pid]).stdout(ends);
        let warning = format!(
            "
listen queues shorter than the 1024 connections that the kernel allows:
LISTENER           QUEUE  WAITING  PROCESS
0.0.0.0:8080       64     0        [..], pid {pid}
@the\\u{{1b}}service  64     0        [..], pid {pid}
    why: a queue gets its length at listen(2): the service's own backlog, at most net.core.somaxconn
    remedy: in the call of listen(): `listen(fd, 1024)`, then restart [..]
"
        );
        let short = format!(
            "SETTING             REQUIRED  CURRENT  RESULT
net.core.somaxconn  1024      64       not applied [1]

1 of 1 setting falls short

[1] net.core.somaxconn
    can be set here: tunectl apply --set net.core.somaxconn=1024 --pid {pid}
{warning}"
        );
        check(&short).code(1).run();
        // The remedy, to the letter.
        let apply = ["apply", "--set", "net.core.somaxconn=1024", "--pid", &pid];
        Test::new(apply).stdout("net.core.somaxconn 64 → 1024\n1 setting changed and read back\n").run();
        let holds = "SETTING             REQUIRED  CURRENT  RESULT
net.core.somaxconn  1024      1024     ok

the setting matches
";
        check(&format!("{holds}{warning}")).run();

        let listeners = |profile: &[&str]| -> Value {
            let arguments = [profile, &["--format", "json", "--pid", &pid]].concat();
            let ran = Test::new([&["check"], &arguments[..]].concat()).stdout_is_anything().run();
            serde_json::from_str::<Value>(&ran.stdout).unwrap()["listeners"].clone()
        };
        let found = listeners(&["--set", "net.core.somaxconn=1024"]);
        let [found, local] = found.as_array().unwrap().as_slice() else { panic!("{found}") };
        assert_eq!((&found["address"], &found["port"]), (&json!("0.0.0.0"), &json!(8080)));
        assert_eq!((&found["backlog"], &found["allowed"], &found["waiting"]), (&json!(64), &json!(1024), &json!(0)));
        assert_eq!(found["process"]["pid"].to_string(), pid);
        assert_eq!((&local["family"], &local["address"]), (&json!("unix"), &json!("@the\u{1b}service")));
        assert_eq!((&local["port"], &local["backlog"]), (&Value::Null, &json!(64)));
        assert_eq!((&found["family"], &local["process"]), (&json!("tcp"), &found["process"]));
        // Without a wish for it, what the namespace allows now is what counts.
        assert_eq!(listeners(&["--set", "net.ipv4.tcp_fin_timeout=60"]).as_array().map(Vec::len), Some(2));

        service.listen_again();
        check(holds).run();
        assert_eq!(listeners(&["--set", "net.core.somaxconn=1024"]), json!([]));
    });
}
