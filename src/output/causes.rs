//! Sentences about causes: one function a family.

use crate::diagnose::{
    AccessCause, Cause, Confinement, Contradiction, Denied, DependencyReason, HardLimitNeed, HostSetting, LimitCall,
    LimitCause, MissingKey, NamespaceCause, NotApplied, PortBound, Presence, SetElsewhere, Stored, Unexplained,
    Untried, ValueCause, Whose, Writers,
};
use crate::model::value::Value;

use super::capability;

/// Why a setting falls short: one sentence for a person, without a full stop.
#[must_use]
pub fn why(cause: &Cause) -> String {
    match cause {
        Cause::Contradiction(cause) => contradiction(cause),
        Cause::MissingKey(cause) => missing_key(cause),
        Cause::NamespaceCause(cause) => namespace(cause),
        Cause::SetElsewhere(cause) => set_elsewhere(cause),
        Cause::LimitCause(cause) => limit(cause),
        Cause::ValueCause(cause) => value(cause),
        Cause::AccessCause(cause) => access(cause),
        Cause::Confinement(cause) => confinement(cause),
        Cause::Untried(cause) => untried(cause),
        Cause::Unexplained(cause) => unexplained(*cause),
    }
}

fn contradiction(cause: &Contradiction) -> String {
    match cause {
        Contradiction::Zeroes { other } => {
            format!("the profile also sets `{other}`; writing either one sets the other to 0")
        }
        Contradiction::SameSetting { other, wanted, .. } => {
            format!("the profile also sets `{other}` to {wanted}, and both are the same setting")
        }
        Contradiction::SoftAboveHard { hard } => {
            format!("the profile sets the hard limit to {hard}, and a soft limit can't be above it")
        }
    }
}

fn missing_key(cause: &MissingKey) -> String {
    match cause {
        MissingKey::NoProc { replaced: true } => {
            "/proc/sys is not the kernel's (something is mounted over it): mount /proc again".to_owned()
        }
        MissingKey::NoProc { replaced: false } => "/proc/sys is not there: mount /proc first".to_owned(),
        MissingKey::Masked => "another file system is mounted over it: its contents are not the kernel's".to_owned(),
        MissingKey::NoMatch => "no existing setting matches this pattern".to_owned(),
        MissingKey::Directory => "it is a directory of settings: name one of them".to_owned(),
        MissingKey::HiddenInNamespace { whose } => {
            format!("only the initial network namespace has it, and {} in another", who_is(*whose))
        }
        MissingKey::HiddenInUserNamespace { until } => {
            let until = until.map_or_else(String::new, |version| format!(" before Linux {version}"));
            format!("the network namespace of a rootless container does not have it{until}")
        }
        MissingKey::UnknownName { nearest } => {
            let near = nearest.as_ref().map_or_else(String::new, |name| format!(", did you mean `{name}`?"));
            format!("there is no such setting here{near}")
        }
        MissingKey::NotInThisKernel(Presence::Since(version)) => {
            format!("this kernel does not have it: it was added in Linux {version}")
        }
        MissingKey::NotInThisKernel(Presence::Until(version)) => {
            format!("this kernel does not have it: it was removed in Linux {version}")
        }
        MissingKey::ModuleMissing { module } => format!("its kernel module `{module}` is not loaded"),
        MissingKey::NotBuilt => "this kernel or machine does not have it".to_owned(),
        MissingKey::NoInstance { name } => {
            format!("there is no `{name}` here, or it has no such setting on this kernel or machine")
        }
    }
}

fn namespace(cause: &NamespaceCause) -> String {
    match cause {
        NamespaceCause::HostSetting(setting) => format!("{}: not written", host_setting(*setting)),
        NamespaceCause::OwnerNotMapped => {
            "its owner is a user that our user namespace does not map, such as root on the host".to_owned()
        }
        NamespaceCause::ReadOnlyInNamespace => "it write-only in the initial network namespace".to_owned(),
        NamespaceCause::OutOfReach { scope } => {
            format!("it belongs to {} of the process, which tunectl does not enter", scope.describe())
        }
    }
}

fn host_setting(setting: HostSetting) -> String {
    match setting {
        HostSetting::InContainer(whose) => {
            format!("it belongs to the whole machine, and {} in a container or namespace", who_is(whose))
        }
        HostSetting::MaybeInContainer(whose) => {
            format!("it belongs to the whole machine, and /proc does not show whether {} in a container", who_is(whose))
        }
        HostSetting::MaybeHosts => "/proc does not show whether it belongs to the whole machine".to_owned(),
    }
}

fn set_elsewhere(SetElsewhere(line): &SetElsewhere) -> String {
    let value = if line.value.trim().is_empty() { "(empty)" } else { &line.value };
    format!("{}:{} sets it to {value}", line.file, line.line)
}

fn limit(cause: &LimitCause) -> String {
    match cause {
        LimitCause::HardLimit { hard, needed, need } => {
            let needs = if *need == HardLimitNeed::Root { "root" } else { "CAP_SYS_RESOURCE" };
            let low = match hard {
                Some(hard) => format!("the hard limit is {hard}, and raising it to {needed} needs {needs}"),
                None => format!("raising the hard limit to {needed} needs {needs}"),
            };
            match need {
                HardLimitNeed::Root | HardLimitNeed::Capability => low,
                HardLimitNeed::CapabilityNotHeld => format!("{low}, which we do not have"),
                HardLimitNeed::CapabilityOfMachine => {
                    format!("{low} in the initial user namespace, and we are in another")
                }
                HardLimitNeed::CapabilityUnclear(error) => {
                    format!("{low}, and it is not known whether we have it; the kernel refused: {error}")
                }
            }
        }
        LimitCause::AboveCeiling { wanted, key, most } => {
            format!("{wanted} is above {key} = {most}, the kernel's upper bound for every process, root included")
        }
        LimitCause::PidsMax { most } => {
            format!("its control group allows only {most} processes and threads (pids.max)")
        }
        LimitCause::NoSuchLimit => "this system has no such limit, or does not accept this value".to_owned(),
        LimitCause::NotOurProcess => "the process belongs to another user: that needs CAP_SYS_RESOURCE".to_owned(),
        LimitCause::ProcessGone => "the process no longer exists".to_owned(),
    }
}

fn value(cause: &ValueCause) -> String {
    match cause {
        ValueCause::WrongShape(found) => found.to_string(),
        ValueCause::Refused { value, range: Some((min, max)), .. } => {
            format!("the kernel does not accept `{value}`: it accepts {min} to {max}")
        }
        ValueCause::Refused { value, range: None, error } => format!("the kernel does not accept `{value}`: {error}"),
        ValueCause::UnknownName { value } => {
            format!("this kernel has no `{value}`: it may be misspelt, or its module not loaded")
        }
        ValueCause::PortOrder { bound, value } => {
            let (start, range) = (PortBound::UnprivilegedStart.name(), PortBound::LocalRange.name());
            let rule = match bound {
                PortBound::LocalRange => format!("its first port must not be below {start}"),
                PortBound::UnprivilegedStart => format!("it must not be above the first port of {range}"),
            };
            format!("the kernel does not accept `{value}`: {rule}")
        }
        ValueCause::CutShort { value, error } => format!("the kernel did not accept all of `{value}`: {error}"),
        ValueCause::Rounded(stored) | ValueCause::Clamped(stored) | ValueCause::Truncated(stored) => {
            let (asked, found, rule) = parts(stored);
            format!("the kernel stored {found} instead of {asked}{rule}")
        }
        ValueCause::NotKept(stored) => {
            let (asked, found, rule) = parts(stored);
            format!("{asked} was written, but {found} was read back{rule}")
        }
        ValueCause::OneWay { value } => format!("it cannot be reset from {value} until reboot"),
    }
}

/// The value that was written, the one that was read back, and how the kernel changes values.
fn parts(Stored { asked, stored, rule }: &Stored) -> (String, String, String) {
    // The value of a limit is one word that looks like no other.
    let quoted = |value: &dyn ToString| match asked {
        Value::Limit(_) => value.to_string(),
        _ => format!("`{}`", value.to_string()),
    };
    let found = stored.as_ref().map_or_else(|| quoted(&""), |stored| quoted(stored));
    (quoted(asked), found, rule.map_or_else(String::new, |rule| format!(": {}", rule.text())))
}

fn access(cause: &AccessCause) -> String {
    let too = |read_only_mount: bool| if read_only_mount { "; its mount is read-only too" } else { "" };
    match cause {
        AccessCause::ReadOnlyMount => "its mount is read-only here, as in most containers".to_owned(),
        AccessCause::ReadOnly => "nobody can write it".to_owned(),
        AccessCause::WriteOnly => "it can be written but not read, so it can't be verified".to_owned(),
        AccessCause::NotReadable(error) => format!("no permission to read it: {error}"),
        AccessCause::NotPermitted { writers, user, read_only_mount } => {
            format!("writing it needs {} (running as uid {user}){}", who(*writers), too(*read_only_mount))
        }
        AccessCause::MissingCapability { capability: missing, read_only_mount } => {
            format!("writing it needs {}, which we do not have{}", capability(*missing), too(*read_only_mount))
        }
        AccessCause::ForeignCapability { capability: missing, error } => format!(
            "writing it needs {} in the initial user namespace, and we are in another: {error}",
            capability(*missing)
        ),
    }
}

fn who(writers: Writers) -> String {
    match writers {
        Writers::Root => "root".to_owned(),
        Writers::RootOrHolder(held) => format!("root or {}", capability(held)),
        Writers::ContainerRootOrHolder(held) => format!("root of its container or {}", capability(held)),
        Writers::Holder(held) => capability(held),
    }
}

fn confinement(cause: &Confinement) -> String {
    match cause {
        Confinement::SecurityModule { denied, label, module } => {
            let what = match denied {
                Denied::Writing => String::new(),
                Denied::Reading => " reading it".to_owned(),
                Denied::Using(held) => format!(" the use of {}, which we have", capability(*held)),
            };
            let by = match (label, module) {
                (Some(label), Some(module)) => format!("{} confines us as `{label}`", module.name()),
                (Some(label), None) => format!("we are confined as `{label}`"),
                (None, _) => "possibly Landlock, which shows no label".to_owned(),
            };
            format!("a Linux security module denies{what} ({by})")
        }
        Confinement::SeccompFilter { call, error } => {
            let call = match call {
                LimitCall::Set => "setrlimit",
                LimitCall::Get => "prlimit",
            };
            format!("a seccomp filter denies {call}: {error}")
        }
    }
}

fn untried(cause: &Untried) -> String {
    match cause {
        Untried::NotApplied(NotApplied::Settable) => "nothing has set it yet, and it can be set".to_owned(),
        Untried::NotApplied(NotApplied::Probable) => "nothing has set it yet".to_owned(),
        Untried::NotApplied(NotApplied::Confined { label }) => {
            format!("nothing has set it yet; `{label}` may still deny the write")
        }
        Untried::DependencyFailed { dependency, reason } => {
            let reason = match reason {
                DependencyReason::DependsOnIt => "this setting depends on it",
                DependencyReason::Irreversible => "this one can't be undone",
                DependencyReason::LowersHardLimit => "a lowered hard limit can't be raised again",
            };
            format!("not written: `{dependency}` fell short, and {reason}")
        }
    }
}

fn unexplained(cause: Unexplained) -> String {
    match cause {
        Unexplained::Refused(error) => format!("the kernel refused it: {error}"),
        Unexplained::Unread(error) => format!("it could not be read: {error}"),
        Unexplained::FilterOrModule(error) => {
            format!("a seccomp filter or a Linux security module denies setrlimit: {error}")
        }
        Unexplained::Nothing => "the reason is not known".to_owned(),
    }
}

fn who_is(whose: Whose) -> &'static str {
    match whose {
        Whose::Ours => "we are",
        Whose::Process => "the process is",
    }
}
