//! Modules without which there would be no such keys at the next boot. No reader of theirs is started here: it would
//! load them into the machine's own kernel.

use std::fs;

use tunectl::kernel::fake::Fake;

use crate::support::scratch::Scratch;
use crate::support::world::Computer;

const PROFILE: &str = "[linux.sysctl]
net.netfilter.nf_conntrack_max = { at_least = 65536 }
net.netfilter.nf_conntrack_tcp_timeout_established = { at_most = 86400 }
net.core.somaxconn = { at_least = 4096 }
";

#[test]
fn modules_load_file_is_written_for_module_settings() {
    let key = "net.netfilter.nf_conntrack_tcp_timeout_established";
    let fake = Fake::linux().with(key, "432000", tunectl::kernel::fake::Behaviour::numbers(0, i128::from(i32::MAX)));
    let mut host = Computer::linux(fake).file("p.toml", PROFILE);
    let root = Scratch::new();
    let line = format!("-p @/p.toml --persist --root {}", root.path().display());
    let ended = host.types(&format!("apply {line}"));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let path = root.path().join("etc/modules-load.d/tunectl.conf");
    let text = fs::read_to_string(&path).unwrap();
    // Once, whatever the number of its keys, and none for a key that is always there.
    assert_eq!(text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>(), ["", "nf_conntrack"], "{text}");
    let sysctls = fs::read_to_string(root.path().join("etc/sysctl.d/99-tunectl.conf")).unwrap();
    assert!(sysctls.contains("\nnet.netfilter.nf_conntrack_max = 65536\n"), "{sysctls}");
    // Nobody asks for it any more.
    let gone =
        format!("apply --set net.core.somaxconn=4096 --persist --replace --prune --root {}", root.path().display());
    let ended = host.types(&gone);
    assert!(ended.stdout.contains("modules-load.d/tunectl.conf removed: the profile has no such setting\n"));
    assert!(!path.exists());
}
