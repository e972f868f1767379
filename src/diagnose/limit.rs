//! Why a limit falls short.

use nix::errno::Errno;

use crate::catalog;
use crate::environment::SecurityModule;
use crate::kernel::{KernelError, Operation};
use crate::model::expectation::Expectation;
use crate::model::limit::{Limit, Limits, Resource, Side};
use crate::model::setting::{Setting, System};
use crate::model::value::Value;
use crate::plan::{self, Unreadable};
use crate::report::{Outcome, Shortfall};

use super::{Cause, Diagnosis, DiagnosisContext, Remedy, contradiction, has_files, lsm, remedy, unexplained};

/// capabilities(7): "override resource limits", in the machine's own user namespace only.
const CAP_SYS_RESOURCE: u32 = 24;

/// What the cause of a limit's shortfall is found from.
struct Case<'a> {
    resource: Resource,
    side: Side,
    finding: &'a Outcome,
    shortfall: &'a Shortfall,
    scene: &'a DiagnosisContext<'a>,
    wanted: Limit,
    hard: Option<Limit>,
}

pub(super) fn diagnose(
    resource: Resource,
    side: Side,
    finding: &Outcome,
    shortfall: &Shortfall,
    scene: &DiagnosisContext<'_>,
) -> Diagnosis {
    let wanted = match shortfall {
        // The limit itself would do: it is the group that has to allow as much.
        Shortfall::Capped(most) => nearest(&finding.requirement.wanted, Some(&Value::Limit(Limit::Value(*most)))),
        _ => nearest(&finding.requirement.wanted, finding.before.as_ref()),
    };
    let hard = finding.evidence().hard_limit;
    let this = Case { resource, side, finding, shortfall, scene, wanted, hard };
    let (cause, why) = this.cause();
    let remedies = this.remedies(cause);
    Diagnosis { cause, why, remedies }
}

fn nearest(wanted: &Expectation<Value>, found: Option<&Value>) -> Limit {
    match wanted.nearest(found) {
        Some(Value::Limit(limit)) => limit,
        _ => Limit::Unlimited,
    }
}

impl Case<'_> {
    fn cause(&self) -> (Cause, String) {
        let above = self.finding.evidence().ceiling.filter(|ceiling| self.wanted > Limit::Value(*ceiling));
        match self.shortfall {
            Shortfall::Unread(Unreadable::Refused(refusal)) | Shortfall::Refused(refusal)
                if refusal.errno == Errno::EACCES && has_files(self.scene.environment) =>
            {
                self.confined()
            }
            Shortfall::Unread(Unreadable::Refused(refusal)) | Shortfall::Refused(refusal)
                if refusal.operation != Operation::SetLimits || refusal.errno != Errno::EPERM =>
            {
                self.no_such(*refusal)
            }
            Shortfall::HeldBack(other) => {
                let why = "fell short, and a hard limit that is lowered can't be raised again";
                (Cause::HeldBack, format!("it was held back: `{other}` {why}"))
            }
            Shortfall::Differs | Shortfall::Refused(_) if self.contradiction().is_some() => {
                let most = self.contradiction().unwrap_or(Limit::Unlimited);
                (
                    Cause::Contradiction,
                    format!("the profile asks for a hard limit of {most}, which no soft one can be above"),
                )
            }
            Shortfall::Capped(most) => {
                let why =
                    format!("its control group allows {most} processes and threads (pids.max), whatever the limit");
                (Cause::PidsMax, why)
            }
            _ if above.is_some() => {
                let (name, most) = (self.ceiling_name(), above.unwrap_or_default());
                (
                    Cause::AboveNrOpen,
                    format!(
                        "{} is above {name}, which is {most}: the kernel gives nobody more, root included",
                        self.wanted
                    ),
                )
            }
            Shortfall::Refused(refusal) => self.refused(*refusal),
            Shortfall::Differs => self.differs(),
            Shortfall::NotKept => {
                let found = self.finding.found.as_ref().map_or_else(String::new, ToString::to_string);
                (Cause::Clamped, format!("the kernel took {} and made {found} of it", self.wanted))
            }
            _ => (Cause::Unknown, unexplained(self.shortfall)),
        }
    }

    /// The hard limit that the profile asks for, where that is below the soft one.
    fn contradiction(&self) -> Option<Limit> {
        let soft = self.side == Side::Soft;
        soft.then(|| contradiction::of_soft(self.resource, self.wanted, self.scene)).flatten()
    }

    fn differs(&self) -> (Cause, String) {
        if let Some(line) = self.scene.set_elsewhere(self.finding) {
            return (Cause::SetElsewhere, format!("{}:{} sets it to {}", line.file, line.line, line.value));
        }
        if self.may_raise() == Some(true) || self.hard.is_some_and(|hard| self.wanted <= hard) {
            let free = self.scene.around.confined.is_none();
            let why = if free { "nothing has set it yet, and it can be set" } else { "nothing has set it yet" };
            return (Cause::NotApplied, why.to_owned());
        }
        (Cause::HardLimit, self.too_low())
    }

    /// `EACCES`, which setrlimit(2) knows nothing of: security modules say so (`security_task_setrlimit`), and filters
    /// of system calls could.
    fn confined(&self) -> (Cause, String) {
        if self.scene.around.confined.is_none() && self.scene.around.filtered() {
            return (Cause::Unknown, unexplained(self.shortfall));
        }
        lsm::refuses("", self.scene.around)
    }

    /// Whether `AppArmor` refuses by a rule for limits: it holds for all that it confines, from their start.
    fn bounded(&self) -> bool {
        let refused = matches!(self.shortfall, Shortfall::Refused(refusal) if refusal.errno == Errno::EACCES);
        refused && self.scene.around.security_module() == Some(SecurityModule::AppArmor)
    }

    /// `EPERM` of setrlimit(2).
    fn refused(&self, refusal: KernelError) -> (Cause, String) {
        let lowers = self.hard.is_some_and(|hard| self.limits().hard <= hard);
        let around = self.scene.around;
        let confined = around.confined.is_some();
        match self.may_raise() {
            // Nothing but a filter refuses what needs no right, or what we have the right to.
            held if self.scene.around.filtered() && (lowers || held == Some(true) && !confined) => {
                (Cause::SeccompFilter, format!("a filter of system calls refuses setrlimit, {refusal}"))
            }
            // A label that confines us may keep us from using that right (`security_capable`).
            Some(true) if !lowers && confined && self.scene.around.filtered() => {
                let why = format!("a filter of system calls or a security module refuses setrlimit, {refusal}");
                (Cause::Unknown, why)
            }
            Some(true)
                if !lowers && confined && self.scene.environment.own_user_namespace_is_initial() == Some(true) =>
            {
                lsm::refuses(" us CAP_SYS_RESOURCE, which we have", around)
            }
            held if lowers || held == Some(true) => (Cause::Unknown, unexplained(self.shortfall)),
            Some(false) => {
                let how = match self.holds_capability() {
                    Some(true) => " in the machine's own user namespace, and we are in another",
                    _ if self.scene.environment.system == System::Linux => ", which we do not have",
                    _ => "",
                };
                (Cause::HardLimit, format!("{}{how}", self.too_low()))
            }
            _ => {
                let why =
                    format!("{}, and whether we have it can't be told; the kernel refused, {refusal}", self.too_low());
                (Cause::HardLimit, why)
            }
        }
    }

    fn no_such(&self, refusal: KernelError) -> (Cause, String) {
        match refusal.errno {
            Errno::EINVAL => {
                (Cause::NoSuchLimit, "this system has no such limit, or does not take this value".to_owned())
            }
            Errno::ESRCH => (Cause::ProcessGone, "the process is gone".to_owned()),
            // Whoever asks for his own limits is refused by nothing else (`check_prlimit_permission`, kernel/sys.c).
            Errno::EPERM if self.scene.own_limits && self.scene.around.filtered() => {
                (Cause::SeccompFilter, format!("a filter of system calls refuses prlimit, {refusal}"))
            }
            Errno::EPERM | Errno::EACCES if !self.scene.own_limits => {
                (Cause::NotOurProcess, "the process is somebody else's: that needs CAP_SYS_RESOURCE".to_owned())
            }
            _ => (Cause::Unknown, unexplained(self.shortfall)),
        }
    }

    fn ceiling_name(&self) -> &'static str {
        match self.scene.environment.system {
            System::Linux => "fs.nr_open",
            System::MacOs => "kern.maxfilesperproc",
        }
    }

    fn holds_capability(&self) -> Option<bool> {
        self.scene.around.has(CAP_SYS_RESOURCE)
    }

    /// Whether we may raise a hard limit; on macOS only root may (setrlimit(2) of XNU).
    fn may_raise(&self) -> Option<bool> {
        let environment = self.scene.environment;
        match (environment.system, self.holds_capability(), environment.own_user_namespace_is_initial()) {
            (System::MacOs, _, _) => Some(environment.user == 0),
            (_, Some(true), None | Some(true)) => Some(true),
            (_, Some(false), _) | (_, Some(true), Some(false)) => Some(false),
            _ => None,
        }
    }

    fn too_low(&self) -> String {
        let needs = if self.scene.environment.system == System::MacOs { "root" } else { "CAP_SYS_RESOURCE" };
        match self.hard {
            Some(hard) => format!("the hard limit is {hard}, and raising it to {} needs {needs}", self.limits().hard),
            None => format!("raising the hard limit to {} needs {needs}", self.limits().hard),
        }
    }

    /// What both sides should be, since both are set in one call: of each what is asked, else what it was, and
    /// the hard limit at least as high as the soft.
    fn limits(&self) -> Limits {
        let side = |side| {
            let ours = |finding: &&Outcome| finding.requirement.setting == Setting::Limit(self.resource, side);
            let other = self.scene.report.outcomes.iter().find(ours);
            other.map(|finding| nearest(&finding.requirement.wanted, finding.before.as_ref()))
        };
        let (soft, hard) = (side(Side::Soft), side(Side::Hard));
        let before = |side, other: Limit| match (side, &self.finding.before) {
            (Side::Hard, _) => self.hard.unwrap_or(other),
            (Side::Soft, Some(Value::Limit(now))) if self.side == Side::Soft => *now,
            _ => other,
        };
        let hard = hard.unwrap_or_else(|| before(Side::Hard, self.wanted)).max(soft.unwrap_or(Limit::Value(0)));
        let soft = soft.unwrap_or_else(|| before(Side::Soft, hard)).min(hard);
        Limits { soft, hard }
    }

    fn remedies(&self, cause: Cause) -> Vec<Remedy> {
        let scene = self.scene;
        let contained = scene.environment.in_container();
        match cause {
            Cause::NotApplied => self.not_applied(),
            Cause::HardLimit if contained => remedy::container_limit(self.resource, self.limits(), scene),
            Cause::HardLimit => remedy::host_limit(self.resource, self.limits(), scene),
            Cause::SetElsewhere => {
                let line = scene.set_elsewhere(self.finding);
                let changed = line.map(|line| remedy::change_line(line, self.limits(), &Value::text("")));
                let reachable = self.hard.is_some_and(|hard| self.limits().hard <= hard);
                let now = (reachable || scene.environment.user != 0)
                    .then(|| if reachable { remedy::apply(scene) } else { remedy::apply_as_root(scene) });
                changed.into_iter().chain(now.map(Remedy::or)).collect()
            }
            Cause::AboveNrOpen => self.higher_ceiling(),
            Cause::Contradiction => {
                self.contradiction().map(|most| remedy::limit_of(self.resource, most)).into_iter().collect()
            }
            Cause::PidsMax if contained => remedy::container_pids(self.wanted, scene),
            Cause::PidsMax => vec![remedy::pids_in_unit(self.wanted)],
            Cause::NotOurProcess if scene.environment.user != 0 && scene.around.no_new_privileges != Some(true) => {
                vec![remedy::apply_as_root(scene)]
            }
            Cause::SecurityModule if self.bounded() => remedy::unconfined(scene),
            Cause::SecurityModule if contained => remedy::container_limit(self.resource, self.limits(), scene),
            Cause::SecurityModule => vec![remedy::limit_in_unit(self.resource, self.limits())],
            Cause::SeccompFilter if contained => remedy::container_filter(scene),
            Cause::SeccompFilter => vec![remedy::allowed_by_filter()],
            _ => Vec::new(),
        }
    }

    /// tunectl sets it; a shell does so for itself, and on macOS nobody else can.
    fn not_applied(&self) -> Vec<Remedy> {
        let scene = self.scene;
        let ulimit = remedy::ulimit(self.resource, self.side, self.wanted);
        if scene.environment.system == System::MacOs {
            return vec![ulimit];
        }
        let ulimit = (self.side == Side::Soft).then_some(ulimit);
        let by_container = if scene.environment.in_container() {
            remedy::container_limit(self.resource, self.limits(), scene)
        } else {
            Vec::new()
        };
        let others = ulimit.into_iter().chain(by_container).map(Remedy::or);
        std::iter::once(remedy::apply(scene)).chain(others).collect()
    }

    fn higher_ceiling(&self) -> Vec<Remedy> {
        let system = self.scene.environment.system;
        let (Limit::Value(number), Some(key)) = (self.wanted, plan::ceiling_key(system)) else {
            return Vec::new();
        };
        // The ceiling has one too, and nothing goes above that.
        let top = catalog::row(system, &key).and_then(|row| row.range_on(self.scene.environment.version()).1);
        if top.is_some_and(|top| i128::from(number) > top) {
            return Vec::new();
        }
        let wanted = Expectation::Bounds { at_least: Some(Value::Number(i128::from(number))), at_most: None };
        // The ceiling is the machine's: in a container the profile's own wish for it would not be carried out.
        if self.scene.environment.is_contained() {
            return remedy::host_key(&key, &Value::Number(i128::from(number)), self.scene.environment.in_container());
        }
        vec![remedy::ask_for(&key, system, &wanted)]
    }
}
