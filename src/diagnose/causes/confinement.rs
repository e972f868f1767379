//! Security modules of the kernel (`AppArmor`, `SELinux`, Landlock) and filters of system calls, seccomp(2). No file tells
//! what they refuse: they are found by what is left, and named where our own label does so.

use nix::errno::Errno;

use super::{Code, Family};
use crate::diagnose::case::{KeyCase, LimitCase};
use crate::diagnose::key_remedies::Denial;
use crate::diagnose::remedy::{Action, Remedy, UnitDirective};
use crate::diagnose::rights::{self, Rights};
use crate::diagnose::{DiagnosisContext, runtimes};
use crate::environment::SecurityModule;
use crate::kernel::{KernelError, Operation};
use crate::model::capability::Capability;
use crate::report::Shortfall;

const SECURITY_MODULE: &Code = &Code {
    name: "security-module",
    explanation: "Mode, owner, mount and capabilities allow the access, and the kernel still answers \
                  \"permission denied\": a Linux security module denies it. AppArmor's docker-default \
                  profile keeps containers from writing most of /proc/sys; SELinux decides by type; Landlock \
                  restricts a process that restricted itself or inherited it. AppArmor and Landlock decide \
                  by path, so only an attempt shows the denial. The module's log (the audit log, dmesg) \
                  names the rule.",
};

const SECCOMP_FILTER: &Code = &Code {
    name: "seccomp-filter",
    explanation: "The limits allow it, the kernel refuses setrlimit(2), and a seccomp(2) filter is active: \
                  only the filter can be the reason. Whoever starts the container or the unit sets the \
                  filter; it has to allow prlimit64 and setrlimit.",
};

/// What confines our process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// A security module.
    SecurityModule {
        /// What it denies.
        denied: Denied,
        /// The label that confines us; none where our process shows none.
        label: Option<String>,
        /// Whose label it is, where its form tells.
        module: Option<SecurityModule>,
    },
    /// A filter of system calls.
    SeccompFilter {
        /// The call that it refuses.
        call: LimitCall,
        /// What came of that.
        error: KernelError,
    },
}

/// What a security module denies us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// To set it.
    Writing,
    /// To read it.
    Reading,
    /// To use a capability that we have.
    Using(Capability),
}

/// A system call for limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitCall {
    /// setrlimit(2), or prlimit(2) that sets.
    Set,
    /// prlimit(2) that reads.
    Get,
}

impl Family for Confinement {
    const CODES: &'static [&'static Code] = &[SECURITY_MODULE, SECCOMP_FILTER];

    fn code(&self) -> &'static Code {
        match self {
            Self::SecurityModule { .. } => SECURITY_MODULE,
            Self::SeccompFilter { .. } => SECCOMP_FILTER,
        }
    }

    fn of_key(case: &KeyCase<'_>) -> Option<Self> {
        let errno = case.read_error().or_else(|| case.write_error()).map(|error| error.errno);
        if case.read_error().is_some() {
            return (errno == Some(Errno::EACCES)).then(|| Self::file(case, Denied::Reading)).flatten();
        }
        if case.is_denied() {
            let by_kernel = || (errno == Some(Errno::EACCES)).then(|| Self::file(case, Denied::Writing)).flatten();
            return Self::obstacle(case).or_else(by_kernel);
        }
        match case.write_error()? {
            KernelError { operation: Operation::Write, errno: Errno::EPERM } => Self::capability_denied(case),
            _ => None,
        }
    }

    fn of_limit(case: &LimitCase<'_>) -> Option<Self> {
        let details = case.context.details;
        if case.access_error().is_some() {
            let module = !(details.confined.is_none() && details.filtered());
            return module.then(|| Self::module(Denied::Writing, case.context));
        }
        let error = case.error()?;
        if case.not_permitted().is_none() {
            // A process that sets its own limits is refused by nothing else (`check_prlimit_permission`, kernel/sys.c).
            let own = error.errno == Errno::EPERM && case.context.own_limits && details.filtered();
            return own.then_some(Self::SeccompFilter { call: LimitCall::Get, error });
        }
        let lowers = case.is_below_hard();
        let held = case.may_raise() == Some(true);
        match (details.filtered(), details.confined.is_some()) {
            // Nothing but a filter refuses what needs no right, or what we have the right to.
            (true, confined) if lowers || held && !confined => {
                Some(Self::SeccompFilter { call: LimitCall::Set, error })
            }
            // A label that confines us may keep us from using that right (`security_capable`).
            (false, true)
                if held && !lowers && case.context.environment.own_user_namespace_is_initial() == Some(true) =>
            {
                Some(Self::module(Denied::Using(Capability::SYS_RESOURCE), case.context))
            }
            _ => None,
        }
    }

    fn key_remedies(&self, case: &KeyCase<'_>) -> Vec<Remedy> {
        match self {
            // Whoever sets it, it could not be seen.
            Self::SecurityModule { denied: Denied::Reading, .. } => runtimes::without_apparmor(case.context),
            Self::SecurityModule { .. } => case.when_denied(Denial::SecurityModule),
            Self::SeccompFilter { .. } => Vec::new(),
        }
    }

    fn limit_remedies(&self, case: &LimitCase<'_>) -> Vec<Remedy> {
        let runtime = runtimes::of(case.context);
        match self {
            Self::SeccompFilter { .. } => runtime.allow_limit_calls(case.context),
            Self::SecurityModule { .. } if is_ruled(case) => runtimes::without_apparmor(case.context),
            Self::SecurityModule { .. } if case.context.environment.in_container() => {
                runtime.set_limit(case.resource, case.limits(), case.context)
            }
            Self::SecurityModule { .. } => {
                vec![Action::Unit(UnitDirective::Limit(case.resource, case.limits())).into()]
            }
        }
    }
}

impl Confinement {
    /// That access(2) denies it to root, whose file it is.
    pub(super) fn obstacle(case: &KeyCase<'_>) -> Option<Self> {
        // Of other users access(2) may forget the capabilities (before Linux 5.8), and root may become another owner.
        let roots = case.context.environment.user == 0 && case.evidence.owner == Some(0);
        (roots && case.evidence.denied == Some(true)).then(|| Self::file(case, Denied::Writing)).flatten()
    }

    /// Permission denied though mode, owner, mount and rights are all known to allow it: only a security module
    /// is left (`may_open`, fs/namei.c), or a filter of system calls, where nothing tells of a module.
    fn file(case: &KeyCase<'_>, denied: Denied) -> Option<Self> {
        let (evidence, context) = (case.evidence, case.context);
        if context.details.confined.is_none() && context.details.filtered() {
            return None;
        }
        let rights = rights::of(case.key, case.scope(), evidence.owner, context.environment, context.details);
        let clear = evidence.mode.is_some() && evidence.owner.is_some() && evidence.read_only_mount == Some(false);
        (rights == Rights::Held && clear && context.is_linux()).then(|| Self::module(denied, context))
    }

    /// The capability that its writer needs besides, where we have it and the kernel says that we have not: a label
    /// that confines us keeps us from using it (`security_capable`).
    fn capability_denied(case: &KeyCase<'_>) -> Option<Self> {
        let capability = case.capability()?;
        let details = case.context.details;
        let held = details.has(capability.number()) == Some(true);
        let ours = case.context.environment.own_user_namespace_is_initial() == Some(true);
        (held && ours && details.confined.is_some()).then(|| Self::module(Denied::Using(capability), case.context))
    }

    fn module(denied: Denied, context: &DiagnosisContext<'_>) -> Self {
        Self::SecurityModule {
            denied,
            label: context.details.confined.clone(),
            module: context.details.security_module(),
        }
    }
}

/// Whether `AppArmor` refuses by a rule for limits: it holds for all that it confines, from their start.
fn is_ruled(case: &LimitCase<'_>) -> bool {
    let refused = matches!(case.shortfall, Shortfall::Refused(error) if error.errno == Errno::EACCES);
    refused && case.context.details.security_module() == Some(SecurityModule::AppArmor)
}
