//! Laws that hold for every profile, on a machine in memory whose keys clamp, round, refuse and reset each other.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::catalog::{self, KernelVersion};
use crate::kernel::fake::Fake;
use crate::kernel::{Evidence, KernelError, WriteMode};
use crate::model::amount::Machine;
use crate::model::limit::{Limits, Resource};
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};
use crate::profile::Source;
use crate::profile::load::load;
use crate::report::UndoResult;

/// Keys with their habits: plain, clamping, rounding, depending on or resetting each other.
const NUMBERS: [&str; 15] = [
    "net.core.somaxconn",
    "net.core.rmem_max",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_syn_retries",
    "net.ipv4.neigh.eth0.base_reachable_time_ms",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_forward",
    "net.ipv4.conf.eth0/100.rp_filter",
    "fs.nr_open",
    "fs.pipe-max-size",
    "vm.nr_hugepages",
    "vm.dirty_ratio",
    "vm.dirty_bytes",
    "vm.overcommit_ratio",
    "vm.overcommit_kbytes",
];

/// A machine whose writes are counted.
struct Counting {
    fake: Fake,
    writes: usize,
}

impl Kernel for Counting {
    fn system(&self) -> System {
        self.fake.system()
    }
    fn read(&mut self, key: &Key) -> Result<String, KernelError> {
        self.fake.read(key)
    }
    fn write(&mut self, key: &Key, text: &str, pieces: WriteMode) -> Result<(), KernelError> {
        self.writes += 1;
        self.fake.write(key, text, pieces)
    }
    fn names(&mut self, pattern: &SysctlName) -> Result<Vec<SysctlName>, KernelError> {
        self.fake.names(pattern)
    }
    fn inspect(&mut self, key: &Key) -> Evidence {
        self.fake.inspect(key)
    }
    fn limits(&mut self, process: Process, resource: Resource) -> Result<Limits, KernelError> {
        self.fake.limits(process, resource)
    }
    fn set_limits(&mut self, process: Process, resource: Resource, limits: Limits) -> Result<(), KernelError> {
        self.writes += 1;
        self.fake.set_limits(process, resource, limits)
    }
}

/// All values of the machine.
fn state(fake: &Fake) -> BTreeMap<String, String> {
    let mut fake = fake.clone();
    let mut all = fake.names(&SysctlName::parse("*.*").unwrap()).unwrap();
    for depth in ["*.*.*", "*.*.*.*", "*.*.*.*.*"] {
        all.extend(fake.names(&SysctlName::parse(depth).unwrap()).unwrap());
    }
    assert!(all.len() > 80, "only {} keys", all.len());
    let mut state = BTreeMap::new();
    for name in all {
        let text = fake.read(&Key::Sysctl(name.clone())).unwrap_or_default();
        state.insert(name.to_string(), text);
    }
    for resource in Resource::ALL {
        state.insert(resource.to_string(), format!("{:?}", fake.limits(Process::Own, resource)));
    }
    state
}

fn requirements(text: &str) -> Option<Requirements> {
    let source = || Source { label: "p".to_owned(), text: text.to_owned(), hidden_from: None };
    let profile = load(&["p".to_owned()], &mut |_, _| Ok(source()), &|system, key| catalog::spec(system, key)).ok()?;
    plan::resolve(profile.requirements, &profile.service_ports, System::Linux, &|| Machine { memory: 1 << 30, cpus: 2 })
        .ok()
}

fn all_or_nothing(kernel: &mut dyn Kernel, plan: &Plan) -> Report {
    apply(Undo::in_memory(kernel, plan), plan, Process::Own, OnFailure::Undo).report
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![0_i64..10, 1_i64..70_000, Just(1 << 20), 0_i64..3_000_000]
}

fn wanted() -> impl Strategy<Value = String> {
    let required = prop_oneof![3 => Just(""), 1 => Just(", required = false")];
    (prop_oneof!["exactly", "at_least", "at_most"], number(), required)
        .prop_map(|(operator, number, required)| format!("{{ {operator} = {number}{required} }}"))
}

/// A profile that asks for anything at all of a few keys and limits. One that contradicts itself is passed over.
fn profiles() -> impl Strategy<Value = String> {
    let key = prop::sample::select(NUMBERS.to_vec());
    let keys = prop::collection::btree_map(key, wanted(), 0..6);
    let range = prop::option::of((1_u16..60_000, 0_u16..5_000, prop_oneof!["exactly", "covers"]));
    let limits = prop::collection::btree_map(
        prop::sample::select(vec!["nofile", "nproc", "core", "as", "memlock"]),
        wanted(),
        0..3,
    );
    let port = prop::option::of(1_u16..60_000);
    (keys, range, limits, port).prop_map(|(keys, range, limits, port)| {
        let mut lines = vec!["[linux.sysctl]".to_owned()];
        lines.extend(keys.iter().map(|(key, wanted)| format!("\"{key}\" = {wanted}")));
        lines.extend(range.map(|(low, more, operator)| {
            format!("\"net.ipv4.ip_local_port_range\" = {{ {operator} = [{low}, {}] }}", low + more)
        }));
        lines.push("[rlimit]".to_owned());
        lines.extend(limits.iter().map(|(limit, wanted)| format!("{limit} = {wanted}")));
        lines.extend(port.map(|port| format!("[service]\nports = [{port}]")));
        lines.join("\n") + "\n"
    })
}

fn machines() -> impl Strategy<Value = Fake> {
    prop_oneof![
        3 => Just(Fake::linux()),
        1 => Just(Fake::linux().without_cap_sys_resource()),
        1 => Just(Fake::linux().as_user(1000)),
        1 => Just(Fake::linux().mode("net.ipv4.ip_local_reserved_ports", 0o444)),
        1 => Just(Fake::linux().mounted("vm", crate::kernel::fake::MountMode::ReadOnly)),
    ]
}

const PLACE: PlanEnvironment = PlanEnvironment {
    system: System::Linux,
    version: KernelVersion(6, 12),
    contained: false,
    allow_host_settings: false,
    shared: plan::SharedNamespaces { net: false, ipc: false, uts: false, user: false, pid: false },
    out_of_reach: &[],
};

/// Only a pattern, `hard` and an infinite `nofile` need a requirement of their own.
#[test]
fn what_was_resolved_is_the_same_requirement_in_the_report() {
    let text = "[linux.sysctl]\nvm.swappiness = 10\n\"net.core.*max\" = { at_least = 1 }\n[rlimit]\n\
        nofile = { soft = \"hard\", hard = 5000 }\ncore = 0\n";
    let requirements = requirements(text).unwrap();
    let mut fake = Fake::linux();
    let plan = make_plan(&mut fake, &requirements, Process::Own, PLACE);
    let report = check(&mut fake, &plan);
    let of = |name: &str| {
        report
            .outcomes
            .iter()
            .find(|outcome| outcome.requirement.setting.to_string() == name)
            .unwrap()
            .requirement
            .clone()
    };
    let is_shared = |requirement: &std::rc::Rc<plan::Requirement>| {
        let all = requirements.keys.iter().chain(&requirements.limits);
        all.into_iter().any(|its| std::rc::Rc::ptr_eq(its, requirement))
    };
    for (name, shared) in [
        ("vm.swappiness", true),
        ("nofile (hard)", true),
        ("core (soft)", true),
        ("nofile (soft)", false),
        ("net.core.rmem_max", false),
    ] {
        assert_eq!(is_shared(&of(name)), shared, "{name}");
    }
    assert_eq!(of("nofile (soft)").wanted.to_string(), "5000");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn checking_changes_nothing(text in profiles(), fake in machines()) {
        let Some(requirements) = requirements(&text) else { return Ok(()) };
        let mut kernel = Counting { fake, writes: 0 };
        let plan = make_plan(&mut kernel, &requirements, Process::Own, PLACE);
        check(&mut kernel, &plan);
        prop_assert_eq!(kernel.writes, 0);
    }

    #[test]
    fn either_all_that_is_required_holds_or_all_is_as_it_was(text in profiles(), fake in machines()) {
        let Some(requirements) = requirements(&text) else { return Ok(()) };
        let before = state(&fake);
        let mut kernel = Counting { fake, writes: 0 };
        let plan = make_plan(&mut kernel, &requirements, Process::Own, PLACE);
        let report = all_or_nothing(&mut kernel, &plan);
        if report.fails() {
            // A lowered hard limit is the one change that can't be undone; our own ends with us.
            let stuck = report.outcomes.iter().any(|outcome| matches!(outcome.undo_result(), Some(UndoResult::Refused(_))));
            let limits = report.outcomes.iter().all(|outcome| {
                matches!(outcome.requirement.setting, Setting::Limit(..)) || !matches!(outcome.undo_result(), Some(UndoResult::Refused(_)))
            });
            prop_assert!(limits, "{}\n{:#?}", text, report);
            if !stuck {
                prop_assert_eq!(state(&kernel.fake), before, "{}", text);
            }
        } else {
            let again = make_plan(&mut kernel, &requirements, Process::Own, PLACE);
            prop_assert!(!check(&mut kernel, &again).fails(), "{}\n{:#?}", text, report);
        }
    }

    /// With everything known of the kernel's build, what is foreseen is what the kernel says.
    #[test]
    fn foreseen_refusals_are_those_of_the_kernel(text in profiles(), seconds in 0_i64..30_000_000, control in prop_oneof!["cubic", "nonesuch"]) {
        let more = format!("\"net.ipv4.tcp_keepalive_time\" = {seconds}\n\"net.ipv4.tcp_congestion_control\" = \"{control}\"\n");
        let Some(requirements) = requirements(&text.replacen('\n', &format!("\n{more}"), 1)) else { return Ok(()) };
        let mut fake = Fake::linux();
        let mut plan = make_plan(&mut fake, &requirements, Process::Own, PLACE);
        foresee(&mut fake, &mut plan, KernelBuild { version: PLACE.version, can_load: &|_| Some(false), ticks: &|| Some(250) });
        let report = execute(&mut fake, &plan, Process::Own, OnFailure::Keep);
        for (step, outcome) in plan.keys.iter().zip(&report.outcomes) {
            let is_refused = matches!(&outcome.verdict, Verdict::Short(crate::report::Shortfall::Refused(error)) if error.operation == crate::kernel::Operation::Write);
            let is_foreseen = matches!(step.forecast, Some(Forecast::Refused(_)));
            prop_assert_eq!(is_refused, is_foreseen, "{}\n{:?}\n{:?}", text, step, outcome.verdict);
        }
    }

    #[test]
    fn what_holds_is_not_written_again(text in profiles(), fake in machines()) {
        let Some(requirements) = requirements(&text) else { return Ok(()) };
        let mut kernel = Counting { fake, writes: 0 };
        let plan = make_plan(&mut kernel, &requirements, Process::Own, PLACE);
        let report = all_or_nothing(&mut kernel, &plan);
        if report.tally().short == 0 {
            kernel.writes = 0;
            let again = make_plan(&mut kernel, &requirements, Process::Own, PLACE);
            let report = all_or_nothing(&mut kernel, &again);
            prop_assert_eq!((kernel.writes, report.tally().changed), (0, 0), "{}", text);
        }
    }

    /// A profile written for a small machine cuts nothing down on a large one.
    #[test]
    fn at_least_never_lowers(key in prop::sample::select(NUMBERS[..5].to_vec()), least in 0_i64..3_000_000) {
        let Some(requirements) = requirements(&format!("[linux.sysctl]\n\"{key}\" = {{ at_least = {least} }}\n")) else { return Ok(()) };
        let mut kernel = Counting { fake: Fake::linux(), writes: 0 };
        let number = |fake: &Fake| fake.value(key).unwrap().parse::<i64>().unwrap();
        let before = number(&kernel.fake);
        let plan = make_plan(&mut kernel, &requirements, Process::Own, PLACE);
        let report = execute(&mut kernel, &plan, Process::Own, OnFailure::Keep);
        prop_assert!(number(&kernel.fake) >= before);
        prop_assert_eq!(report.fails(), number(&kernel.fake) < least);
    }
}
