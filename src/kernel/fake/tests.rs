use super::*;

fn sysctl(name: &str) -> Key {
    Key::Sysctl(SysctlName::parse(name).unwrap())
}

fn put(fake: &mut Fake, name: &str, text: &str) -> Result<(), (Operation, Errno)> {
    fake.write(&sysctl(name), text, WriteMode::One).map_err(|refusal| (refusal.operation, refusal.errno))
}

fn nofile(soft: u64, hard: u64) -> Limits {
    Limits { soft: Limit::Value(soft), hard: Limit::Value(hard) }
}

fn set(fake: &mut Fake, process: Process, limits: Limits) -> Result<(), Errno> {
    fake.set_limits(process, Resource::Nofile, limits).map_err(|refusal| refusal.errno)
}

#[test]
fn every_key_of_both_machines_has_a_name() {
    assert_eq!(Fake::linux().keys.len(), machines::LINUX_NET.len() + machines::LINUX_OTHERS.len());
    assert_eq!(Fake::macos().keys.len(), machines::MACOS.len());
}

#[test]
fn what_is_written_stays() {
    let mut fake = Fake::linux();
    put(&mut fake, "net.core.somaxconn", "32768").unwrap();
    assert_eq!(fake.read(&sysctl("net.core.somaxconn")).unwrap(), "32768\n");
    put(&mut fake, "net.ipv4.tcp_rmem", "4096 87380 16777216").unwrap();
    assert_eq!(fake.read(&sysctl("net.ipv4.tcp_rmem")).unwrap(), "4096\t87380\t16777216\n");
    put(&mut fake, "vm.dirty_bytes", "8192").unwrap();
    assert_eq!((fake.value("vm.dirty_bytes"), fake.value("vm.dirty_ratio")), (Some("8192"), Some("0")));
}

#[test]
fn a_short_write_has_changed_the_key() {
    let mut fake = Fake::linux();
    let short = Operation::ShortWrite { taken: 4, of: 5 };
    assert_eq!(put(&mut fake, "net.core.somaxconn", "783 1"), Err((short, Errno::EIO)));
    assert_eq!(fake.value("net.core.somaxconn"), Some("783"));
    assert_eq!(put(&mut fake, "net.core.somaxconn", ""), Ok(()));
    assert_eq!(fake.value("net.core.somaxconn"), Some("783"));
}

#[test]
fn lists_of_ports_are_taken_in_pieces() {
    let mut fake = Fake::linux();
    let list: Vec<String> = (0..1000).map(|n| (10_000 + 2 * n).to_string()).collect();
    let key = sysctl("net.ipv4.ip_local_reserved_ports");
    fake.write(&key, &list.join(","), WriteMode::Lists).unwrap();
    assert_eq!(fake.read(&key).unwrap().trim().split(',').count(), 1000);
    fake.write(&key, "\n", WriteMode::Lists).unwrap();
    assert_eq!(fake.read(&key).unwrap(), "\n");
}

#[test]
fn each_way_to_be_refused() {
    let name = "net.core.somaxconn";
    let refused = |mut fake: Fake| put(&mut fake, name, "1").unwrap_err();
    assert_eq!(refused(Fake::linux().mounted("", MountMode::ReadOnly)), (Operation::OpenToWrite, Errno::EROFS));
    assert_eq!(refused(Fake::linux().as_user(1000)), (Operation::OpenToWrite, Errno::EACCES));
    assert_eq!(refused(Fake::linux().owner(name, 65534)), (Operation::OpenToWrite, Errno::EACCES));
    assert_eq!(refused(Fake::linux().without(name)), (Operation::OpenToWrite, Errno::ENOENT));
    assert_eq!(refused(Fake::linux().without_trees()), (Operation::OpenToWrite, Errno::ENOENT));
    let half = Fake::linux().mounted("", MountMode::ReadOnly).mounted("net", MountMode::Writable);
    assert_eq!(put(&mut half.clone(), name, "1"), Ok(()));
    assert_eq!(put(&mut half.clone(), "kernel.shmmni", "1"), Err((Operation::OpenToWrite, Errno::EROFS)));
    let mut fake = Fake::linux();
    assert_eq!(put(&mut fake, "net.ipv4.tcp_congestion_control", "bbr"), Err((Operation::Write, Errno::ENOENT)));
    assert_eq!(put(&mut fake, "kernel.sem", "1 1 1 -1"), Err((Operation::Write, Errno::ERANGE)));
    let flush = sysctl("net.ipv4.route.flush");
    assert_eq!(fake.read(&flush), Err(KernelError { operation: Operation::Read, errno: Errno::EACCES }));
    assert_eq!(fake.write(&flush, "1", WriteMode::One), Ok(()));
    let mut inside = Fake::linux().in_network_namespace();
    assert_eq!(put(&mut inside, "net.core.rmem_max", "4096"), Err((Operation::OpenToWrite, Errno::EACCES)));
    assert_eq!(inside.value("net.ipv4.tcp_mem"), None);
    let evidence = half.clone().inspect(&sysctl("kernel.shmmni"));
    assert_eq!((evidence.mode, evidence.owner, evidence.read_only_mount), (Some(0o644), Some(0), Some(true)));
}

#[test]
fn linux_limits_have_a_ceiling_and_need_a_capability() {
    let mut fake = Fake::linux();
    assert_eq!(set(&mut fake, Process::Own, nofile(5, 4)), Err(Errno::EINVAL));
    assert_eq!(set(&mut fake, Process::Own, nofile(5, 1_048_577)), Err(Errno::EPERM));
    put(&mut fake, "fs.nr_open", "2000000").unwrap();
    assert_eq!(set(&mut fake, Process::Own, nofile(5, 1_048_577)), Ok(()));
    let unlimited = Limits { soft: Limit::Unlimited, hard: Limit::Unlimited };
    assert_eq!(set(&mut fake, Process::Own, unlimited), Err(Errno::EPERM));
    let mut fake = Fake::linux().without_cap_sys_resource().with_process(7, 0).with_process(8, 1000);
    assert_eq!(set(&mut fake, Process::Own, nofile(524_288, 524_289)), Err(Errno::EPERM));
    assert_eq!(set(&mut fake, Process::Own, nofile(524_288, 524_288)), Ok(()));
    assert_eq!(set(&mut fake, Process::Pid(7), nofile(2048, 524_288)), Ok(()));
    assert_eq!(fake.limits(Process::Pid(7), Resource::Nofile).unwrap().soft, Limit::Value(2048));
    assert_eq!(set(&mut fake, Process::Pid(8), nofile(2048, 524_288)), Err(Errno::EPERM));
    assert_eq!(set(&mut fake, Process::Pid(9), nofile(2048, 524_288)), Err(Errno::ESRCH));
}

#[test]
fn macos_enforces_less_than_it_shows() {
    let mut fake = Fake::macos();
    assert_eq!(set(&mut fake, Process::Own, nofile(100_000, 100_000)), Ok(()));
    assert_eq!(fake.limits(Process::Own, Resource::Nofile).unwrap(), nofile(100_000, 100_000));
    assert_eq!(fake.enforced_nofile(), Limit::Value(61440));
    put(&mut fake, "kern.maxfilesperproc", "200000").unwrap();
    assert_eq!(fake.enforced_nofile(), Limit::Value(100_000));
    put(&mut fake, "kern.ipc.somaxconn", "60000").unwrap();
    assert_eq!(fake.read(&sysctl("kern.ipc.somaxconn")).unwrap(), "60000\n");
    assert_eq!(fake.enforced_backlog(), Some(-5536));
}

#[test]
fn macos_refuses_little_and_says_nothing_when_it_clamps() {
    let mut fake = Fake::macos();
    put(&mut fake, "kern.maxfiles", "-5").unwrap();
    assert_eq!(fake.value("kern.maxfiles"), Some("-5"));
    put(&mut fake, "net.inet.ip.portrange.first", "80").unwrap();
    assert_eq!(fake.value("net.inet.ip.portrange.first"), Some("1024"));
    let unlimited = Limits { soft: Limit::Unlimited, hard: Limit::Unlimited };
    assert_eq!(set(&mut fake, Process::Own, unlimited), Err(Errno::EINVAL));
    fake.set_limits(Process::Own, Resource::Nproc, nofile(9000, 9000)).unwrap();
    assert_eq!(fake.limits(Process::Own, Resource::Nproc).unwrap(), nofile(4000, 4000));
    assert_eq!(set(&mut fake, Process::Pid(7), nofile(1, 1)), Err(Errno::ENOSYS));
    assert_eq!(fake.limits(Process::Own, Resource::Rttime).unwrap_err().errno, Errno::EINVAL);
    let mut user = Fake::macos().as_user(501);
    assert_eq!(put(&mut user, "kern.maxfiles", "5"), Err((Operation::Write, Errno::EPERM)));
    assert_eq!(put(&mut user, "kern.nonsense", "5"), Err((Operation::OpenToWrite, Errno::ENOENT)));
}

#[test]
fn patterns_find_names_with_dots() {
    let mut fake = Fake::linux();
    let names = fake.names(&SysctlName::parse("net.ipv4.conf.eth*.rp_filter").unwrap()).unwrap();
    let shown: Vec<String> = names.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["net.ipv4.conf.eth0/100.rp_filter", "net.ipv4.conf.eth0.rp_filter"]);
}
