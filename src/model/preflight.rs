//! Conditions of a machine for a load test, `[preflight]` of a profile: what can be asked for, as data. They are only read,
//! never brought about.

use std::fmt;

/// A condition of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// It runs on mains power.
    OnAcPower,
    /// How the frequency of its CPUs is chosen.
    ScalingGovernor,
    /// CPUs may exceed their nominal frequency.
    Turbo,
    /// Two threads share a core.
    Smt,
    /// Load average of a minute.
    LoadPerCpu,
    /// Time in which some task waited for a CPU.
    CpuPressure,
    /// Time in which some task waited for memory.
    MemoryPressure,
    /// Time in which some task waited for a disk.
    IoPressure,
    /// CPU time taken by other guests of the hypervisor.
    CpuSteal,
    /// What goes over the network.
    NetworkTraffic,
    /// Sockets in `TIME_WAIT`.
    TimeWaitSockets,
    /// Local ports in use towards the destination.
    EphemeralPortsInUse,
    /// Entries of the conntrack table.
    ConntrackInUse,
    /// Open files of the machine.
    SystemFilesInUse,
    /// Open files of the process.
    ProcessFilesInUse,
    /// Memory that is not available.
    MemoryInUse,
    /// Swap space in use.
    SwapInUse,
    /// A control group bounds the CPU time.
    CpuQuota,
    /// Periods in which that bound was reached.
    CpuThrottled,
    /// CPUs are slowed down by their temperature.
    ThermalThrottling,
    /// When huge pages are used.
    TransparentHugePages,
    /// Address space layout randomization.
    AddressSpaceRandomization,
    /// What the kernel reads the time from.
    Clocksource,
    /// Others that listen on the service's port.
    OtherListeners,
}

/// What a condition is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `true` or `false`.
    Switch,
    /// A word without blanks.
    Word,
    /// A part of a whole, in percent.
    Percent,
    /// A number with decimals.
    Decimal,
    /// A whole number.
    Count,
    /// Bytes per second.
    ByteRate,
}

/// A condition and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct ConditionRow {
    /// Which condition it is.
    pub condition: Condition,
    /// Its name in a profile.
    pub name: &'static str,
    /// What it is compared with.
    pub shape: Shape,
    /// Whether waiting can bring it about: `bench` waits only for those.
    pub can_pass: bool,
    /// What it is and where it is read, for the documentation.
    pub about: &'static str,
}

const fn row(
    condition: Condition,
    name: &'static str,
    shape: Shape,
    can_pass: bool,
    about: &'static str,
) -> ConditionRow {
    ConditionRow { condition, name, shape, can_pass, about }
}

/// All conditions, in the order in which they are shown.
#[rustfmt::skip]
pub static CONDITIONS: [ConditionRow; 24] = [
    row(Condition::OnAcPower, "on_ac_power", Shape::Switch, false, "runs on mains power: `/sys/class/power_supply`; macOS: `pmset -g batt`"),
    row(Condition::ScalingGovernor, "scaling_governor", Shape::Word, false, "frequency governor of every CPU: `cpufreq/scaling_governor`"),
    row(Condition::Turbo, "turbo", Shape::Switch, false, "CPUs may exceed their nominal frequency: `intel_pstate/no_turbo`, `cpufreq/boost`"),
    row(Condition::Smt, "smt", Shape::Switch, false, "two threads share a core: `/sys/devices/system/cpu/smt/active`"),
    row(Condition::LoadPerCpu, "load_per_cpu", Shape::Decimal, true, "load average of one minute, divided by the number of CPUs; macOS: `vm.loadavg`"),
    row(Condition::CpuPressure, "cpu_pressure", Shape::Percent, true, "time in which some task waited for a CPU, of the last 10 s: `/proc/pressure/cpu`"),
    row(Condition::MemoryPressure, "memory_pressure", Shape::Percent, true, "the same for memory: `/proc/pressure/memory`"),
    row(Condition::IoPressure, "io_pressure", Shape::Percent, true, "the same for storage: `/proc/pressure/io`"),
    row(Condition::CpuSteal, "cpu_steal", Shape::Percent, true, "CPU time given to other guests of the hypervisor: `/proc/stat`, two readings"),
    row(Condition::NetworkTraffic, "network_traffic", Shape::ByteRate, true, "bytes per second over all interfaces: `/proc/net/dev`, two readings"),
    row(Condition::TimeWaitSockets, "time_wait_sockets", Shape::Count, true, "TCP sockets in TIME_WAIT: `/proc/net/sockstat`"),
    row(Condition::EphemeralPortsInUse, "ephemeral_ports_in_use", Shape::Percent, true, "local ports in use towards the tested destination, else the fullest one, of `ip_local_port_range` less the reserved ones"),
    row(Condition::ConntrackInUse, "conntrack_in_use", Shape::Percent, true, "entries of the connection tracking table, of `nf_conntrack_max`"),
    row(Condition::SystemFilesInUse, "system_files_in_use", Shape::Percent, true, "open files of the machine, of `fs.file-max`: `/proc/sys/fs/file-nr`"),
    row(Condition::ProcessFilesInUse, "process_files_in_use", Shape::Percent, true, "open files of the process of `--pid`, else of tunectl, of its soft limit `nofile`"),
    row(Condition::MemoryInUse, "memory_in_use", Shape::Percent, true, "memory that is not available (`MemAvailable`): `/proc/meminfo`"),
    row(Condition::SwapInUse, "swap_in_use", Shape::Percent, true, "swap space in use: `/proc/meminfo`"),
    row(Condition::CpuQuota, "cpu_quota", Shape::Switch, false, "a control group bounds the CPU time: `cpu.max`, `cpu.cfs_quota_us`"),
    row(Condition::CpuThrottled, "cpu_throttled", Shape::Percent, false, "periods in which the control group reached that bound, of all so far: `cpu.stat`"),
    row(Condition::ThermalThrottling, "thermal_throttling", Shape::Switch, true, "CPUs are slowed down by their temperature: `thermal_throttle/*_throttle_count`, two readings"),
    row(Condition::TransparentHugePages, "transparent_huge_pages", Shape::Word, false, "`/sys/kernel/mm/transparent_hugepage/enabled`"),
    row(Condition::AddressSpaceRandomization, "address_space_randomization", Shape::Word, false, "0, 1 or 2: `kernel.randomize_va_space`"),
    row(Condition::Clocksource, "clocksource", Shape::Word, false, "what the kernel reads the time from: `current_clocksource`"),
    row(Condition::OtherListeners, "other_listeners", Shape::Count, true, "sockets of others than the service that listen on its port"),
];

impl Condition {
    /// What is known of it.
    #[must_use]
    pub fn row(self) -> &'static ConditionRow {
        // A test holds the table to the order of the enumeration.
        CONDITIONS.iter().find(|row| row.condition == self).unwrap_or(&CONDITIONS[0])
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().name)
    }
}

/// What a profile asks of a condition.
#[derive(Clone, Debug, PartialEq)]
pub enum WantedCondition {
    /// It is so, or is not so.
    Is(bool),
    /// It is one of these words, whichever CPU is asked.
    OneOf(Vec<String>),
    /// It is not above this, in the unit of its shape.
    AtMost(f64),
}

/// What was found of a condition.
#[derive(Clone, Debug, PartialEq)]
pub enum FoundCondition {
    /// It is so, or is not so.
    Is(bool),
    /// These words, each once.
    Words(Vec<String>),
    /// A number, in the unit of its shape.
    Number(f64),
}

impl WantedCondition {
    /// Whether what was found satisfies it.
    #[must_use]
    pub fn holds(&self, found: &FoundCondition) -> bool {
        match (self, found) {
            (Self::Is(wanted), FoundCondition::Is(found)) => wanted == found,
            (Self::OneOf(wanted), FoundCondition::Words(found)) => found.iter().all(|word| wanted.contains(word)),
            (Self::AtMost(most), FoundCondition::Number(found)) => found <= most,
            _ => false,
        }
    }
}

impl Shape {
    /// Whether it is compared as a number.
    #[must_use]
    pub fn is_number(self) -> bool {
        !matches!(self, Self::Switch | Self::Word)
    }

    /// A number of this shape, as a profile spells it.
    #[must_use]
    pub fn number(self, number: f64) -> String {
        match self {
            Self::Percent => format!("{}%", decimals(number)),
            Self::ByteRate => format!("{number:.0} B/s"),
            Self::Count => format!("{number:.0}"),
            Self::Decimal | Self::Switch | Self::Word => decimals(number),
        }
    }
}

/// At most two decimals, without zeros at the end.
fn decimals(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_has_a_row_and_a_name_of_its_own() {
        for (at, row) in CONDITIONS.iter().enumerate() {
            assert_eq!(row.condition as usize, at, "{}", row.name);
            assert_eq!(row.condition.to_string(), row.name);
            assert!(CONDITIONS.iter().filter(|other| other.name == row.name).count() == 1, "{}", row.name);
        }
    }

    #[test]
    fn what_is_wanted_is_compared_with_what_was_found() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let governor = WantedCondition::OneOf(words("performance schedutil"));
        assert!(governor.holds(&FoundCondition::Words(words("performance"))));
        assert!(!governor.holds(&FoundCondition::Words(words("performance powersave"))), "of one CPU");
        assert!(WantedCondition::AtMost(0.25).holds(&FoundCondition::Number(0.25)));
        assert!(!WantedCondition::AtMost(0.25).holds(&FoundCondition::Number(0.26)));
        assert!(!WantedCondition::AtMost(0.25).holds(&FoundCondition::Number(f64::NAN)));
        assert!(!WantedCondition::Is(true).holds(&FoundCondition::Is(false)));
        assert_eq!((Shape::Percent.number(10.0), Shape::Decimal.number(0.25)), ("10%".to_owned(), "0.25".to_owned()));
        assert_eq!((Shape::Percent.number(0.004), Shape::Count.number(100.0)), ("0%".to_owned(), "100".to_owned()));
    }
}
