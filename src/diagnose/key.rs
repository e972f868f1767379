//! Why a key falls short: from the step that failed, its errno, the file's mode and owner, the mount, our
//! namespaces and rights, and what the catalog knows.

use std::rc::Rc;

use nix::errno::Errno;

use crate::catalog::{self, Row, Scope};
use crate::environment::{Environment, EnvironmentDetails};
use crate::kernel::{Evidence, KernelError, Operation};
use crate::model::expectation::Expectation;
use crate::model::setting::{Key, Setting};
use crate::model::value::{Kind, Value};
use crate::plan::{Requirement, Unreadable};
use crate::profile::{Origin, Source};
use crate::report::{Outcome, Report, Shortfall, Verdict};

use super::{Cause, Diagnosis, DiagnosisContext, contradiction, has_files, lsm, read_only, unexplained};

const READ_BITS: u32 = 0o444;

/// A cause, and one sentence about it.
pub(super) type Found = (Cause, String);

/// What the cause of a key's shortfall is found from.
pub(super) struct Case<'a> {
    pub(super) key: &'a Key,
    pub(super) finding: &'a Outcome,
    pub(super) shortfall: &'a Shortfall,
    pub(super) scene: &'a DiagnosisContext<'a>,
    pub(super) row: Option<Row>,
}

pub(super) fn diagnose(key: &Key, finding: &Outcome, shortfall: &Shortfall, scene: &DiagnosisContext<'_>) -> Diagnosis {
    let row = catalog::row(scene.environment.system, key);
    let this = Case { key, finding, shortfall, scene, row };
    let (cause, why) = this.cause();
    let remedies = this.remedies(cause);
    Diagnosis { cause, why, remedies }
}

/// The same of a key that nobody asks anything of.
pub(super) fn hindrance(
    key: &Key,
    unread: Option<KernelError>,
    evidence: Evidence,
    environment: &Environment,
    around: &EnvironmentDetails,
) -> Option<Found> {
    let shortfall = match unread {
        Some(refusal) => Shortfall::Unread(Unreadable::Refused(refusal)),
        None if environment.is_contained()
            && catalog::scope_of(environment.system, key, environment.version()).is_host() =>
        {
            Shortfall::HostOwned
        }
        None => Shortfall::Differs,
    };
    let requirement = Requirement {
        setting: Setting::Key(key.clone()),
        kind: Kind::Text,
        wanted: Expectation::Exactly(Value::text("")),
        required: false,
        origin: Origin { source: Rc::new(Source { label: String::new(), text: String::new() }), span: 0..0 },
    };
    let finding = Outcome {
        requirement: Rc::new(requirement),
        before: None,
        found: None,
        verdict: Verdict::Short(shortfall.clone()),
        undone: None,
        evidence: Some(Box::new(evidence)),
    };
    let scene = DiagnosisContext {
        environment,
        around,
        elsewhere: &[],
        report: &Report::default(),
        own_limits: true,
        asked: &[],
    };
    let row = catalog::row(environment.system, key);
    let this = Case { key, finding: &finding, shortfall: &shortfall, scene: &scene, row };
    Some(this.cause()).filter(|(cause, _)| *cause != Cause::NotApplied)
}

pub(super) fn found(cause: Cause, why: impl Into<String>) -> Found {
    (cause, why.into())
}

impl Case<'_> {
    pub(super) fn evidence(&self) -> Evidence {
        self.finding.evidence()
    }

    pub(super) fn unknown(&self) -> Found {
        found(Cause::Unknown, unexplained(self.shortfall))
    }

    fn cause(&self) -> Found {
        let may_contradict = matches!(self.shortfall, Shortfall::HostOwned | Shortfall::NotKept | Shortfall::Differs);
        if let Some((why, _)) = self.contradiction().filter(|_| may_contradict) {
            return found(Cause::Contradiction, why);
        }
        if let Shortfall::HostOwned = self.shortfall {
            return found(Cause::HostSetting, self.whose() + ": it was not written");
        }
        if self.evidence().foreign == Some(true) {
            return match self.evidence().tree_present {
                Some(false) => self.absent(),
                _ => found(Cause::Masked, "something else is mounted over it: what stands there is not the kernel's"),
            };
        }
        match self.shortfall {
            // What would have been in its way had it been tried is what has to be mended for it as well.
            Shortfall::HeldBack(other) => self.hindrance().unwrap_or_else(|| {
                let for_good = self.finding.found.is_none() || self.row.is_some_and(|row| row.rare.one_way.is_some());
                let why = if for_good { "this can't be undone" } else { "without that it does harm" };
                found(Cause::HeldBack, format!("it was held back: `{other}` fell short, and {why}"))
            }),
            Shortfall::Unread(Unreadable::NoMatch) => found(Cause::NoMatch, "nothing that exists matches this pattern"),
            Shortfall::Unread(Unreadable::Shape(sentence)) => found(Cause::WrongShape, sentence),
            Shortfall::Unread(Unreadable::OtherNamespace(scope)) => {
                let whose = scope.describe();
                found(Cause::OutOfReach, format!("it belongs to {whose} of the process, which is not entered"))
            }
            Shortfall::Unread(Unreadable::Refused(refusal)) => self.unread(*refusal),
            Shortfall::Refused(refusal) => self.refused(*refusal),
            Shortfall::NotKept => self.not_kept(),
            Shortfall::Differs => self.differs(),
            Shortfall::HostOwned | Shortfall::Capped(_) => self.unknown(),
        }
    }

    /// Why it is taken for the host's.
    fn whose(&self) -> String {
        let environment = self.scene.environment;
        if !self.is_hosts() {
            return "whether it belongs to the whole machine can't be told from /proc".to_owned();
        }
        let (whether, end) =
            if environment.is_namespaced() { ("", "or namespace") } else { ("whether ", "can't be told from /proc") };
        format!("it belongs to the whole machine, and {whether}{} in a container {end}", environment.who_is())
    }

    /// What another wish of the profile leaves it, and why.
    pub(super) fn contradiction(&self) -> Option<(String, Value)> {
        contradiction::of_key(self.key, self.finding, self.scene)
    }

    /// Another value stands there and nobody has tried to write: what would come of it is told from what is there.
    fn differs(&self) -> Found {
        let hindrance = self.hindrance();
        let only_rights = matches!(hindrance, None | Some((Cause::NotPermitted, _))) && !read_only(&self.evidence());
        if let Some(line) = self.scene.set_elsewhere(self.finding).filter(|_| only_rights) {
            let value = if line.value.trim().is_empty() { "(empty)" } else { &line.value };
            return found(Cause::SetElsewhere, format!("{}:{} sets it to {value}", line.file, line.line));
        }
        hindrance
            .or_else(|| self.one_way())
            .or_else(|| self.lacked())
            .unwrap_or_else(|| lsm::untried(self.scene.around))
    }

    fn unread(&self, refusal: KernelError) -> Found {
        match refusal.errno {
            Errno::ENOENT => self.absent(),
            Errno::EISDIR => found(Cause::NoSuchKey, "it is a folder of settings: name one of them"),
            Errno::EACCES if self.evidence().mode.is_some_and(|mode| mode & READ_BITS == 0) => {
                found(Cause::WriteOnly, "it can only be written, so nothing can be verified")
            }
            // Some are shown to those alone who may write them.
            Errno::EPERM if self.lacked().is_some() => self.lacked().unwrap_or_else(|| self.unknown()),
            // Root reads every file of its own that has a bit for it.
            Errno::EACCES | Errno::EPERM if self.scene.environment.user != 0 => {
                found(Cause::NotPermitted, format!("we may not read it, {refusal}"))
            }
            Errno::EACCES => self.confined(" to let us read it").unwrap_or_else(|| self.unknown()),
            _ => self.unknown(),
        }
    }

    fn refused(&self, refusal: KernelError) -> Found {
        match (refusal.operation, refusal.errno) {
            (Operation::OpenToWrite, Errno::ENOENT) => self.absent(),
            // A mount that is known to be another did not say so: a filter of system calls could.
            (Operation::OpenToWrite, Errno::EROFS) if self.evidence().read_only_mount == Some(false) => self.unknown(),
            (Operation::OpenToWrite, Errno::EROFS) => {
                self.hindrance().unwrap_or_else(|| found(Cause::ReadOnlyMount, read_only_mount()))
            }
            (Operation::OpenToWrite, Errno::EACCES) => {
                self.hindrance().or_else(|| self.confined("")).unwrap_or_else(|| self.unknown())
            }
            (Operation::Write, Errno::ENOENT) => {
                let why = format!(
                    "this kernel knows no `{}`: it may be misspelt, or its module may be missing",
                    self.value()
                );
                found(Cause::UnknownName, why)
            }
            // sysctl(3) of macOS, which has no open(2), says so here.
            (Operation::Write, Errno::EPERM) if !has_files(self.scene.environment) => {
                self.hindrance().unwrap_or_else(|| found(Cause::ReadOnly, "nobody can write it"))
            }
            (Operation::Write, Errno::EPERM | Errno::EACCES) => self
                .one_way()
                .or_else(|| self.not_capable(refusal))
                .or_else(|| self.incapacitated(refusal))
                .unwrap_or_else(|| self.unknown()),
            (Operation::Write, Errno::EINVAL | Errno::ERANGE) => {
                self.one_way().unwrap_or_else(|| self.value_refused(refusal))
            }
            (Operation::ShortWrite { .. }, _) => {
                let why = format!("the kernel did not take the whole of `{}`, {refusal}", self.value());
                found(Cause::Truncated, why)
            }
            _ => self.unknown(),
        }
    }

    fn value_refused(&self, refusal: KernelError) -> Found {
        let value = self.value();
        match (self.key.to_string().as_str(), &value) {
            ("net.ipv4.ip_local_port_range", Value::Numbers(range)) if range.is_sorted() => {
                let rule = "its first port must not be below net.ipv4.ip_unprivileged_port_start";
                return found(Cause::PortOrder, format!("the kernel does not take `{value}`: {rule}"));
            }
            ("net.ipv4.ip_unprivileged_port_start", Value::Number(0..=65535)) => {
                let rule = "it must not be above the first port of net.ipv4.ip_local_port_range";
                return found(Cause::PortOrder, format!("the kernel does not take `{value}`: {rule}"));
            }
            _ => {}
        }
        let varies = self.row.is_some_and(|row| row.rare.range_varies.is_some());
        let known = match self.range() {
            // A range that would let the value pass is not this kernel's, and one that its build decides may go further.
            Some((min, max)) if !within(&value, min, max) && !varies => format!(": it takes {min} to {max}"),
            _ => format!(", {refusal}"),
        };
        found(Cause::ValueRefused, format!("the kernel does not take `{value}`{known}"))
    }

    /// What this kernel takes, as far as the catalog knows.
    pub(super) fn range(&self) -> Option<(i128, i128)> {
        let (min, max) = self.row?.range_on(self.scene.environment.version());
        Some((min?, max?))
    }

    fn not_kept(&self) -> Found {
        let made = self.finding.found.as_ref().map_or_else(String::new, ToString::to_string);
        let how = self.row.and_then(|row| row.rare.read_back);
        let begins = |with: &[&str]| how.is_some_and(|how| with.iter().any(|word| how.starts_with(word)));
        let cause = if begins(&["rounded"]) {
            Cause::Rounded
        } else if begins(&["brought into", "at least", "fewer"]) {
            Cause::Clamped
        } else if !made.is_empty() && self.value().to_string().starts_with(&made) {
            Cause::Truncated
        } else {
            Cause::NotKept
        };
        let how = how.map_or_else(String::new, |how| format!(": {how}"));
        let then = if cause == Cause::NotKept {
            format!(", and `{made}` stands there")
        } else {
            format!(" and made `{made}` of it")
        };
        found(cause, format!("the kernel took `{}`{then}{how}", self.value()))
    }

    pub(super) fn scope(&self) -> Scope {
        catalog::scope_of(self.scene.environment.system, self.key, self.scene.environment.version())
    }

    pub(super) fn value(&self) -> Value {
        self.finding.requirement.wanted.nearest(self.finding.before.as_ref()).unwrap_or_else(|| Value::text(""))
    }
}

pub(super) fn read_only_mount() -> &'static str {
    "its mount is read-only here, as container runtimes make it"
}

/// Whether every number lies in the range; what is no number can't lie outside.
fn within(value: &Value, min: i128, max: i128) -> bool {
    match value {
        Value::Number(number) => (min..=max).contains(number),
        Value::Numbers(numbers) => numbers.iter().all(|number| (min..=max).contains(number)),
        _ => true,
    }
}
