//! Why a key falls short: from the step that failed, its errno, the file's mode and owner, the mount, our
//! namespaces, and what the catalog knows.

use nix::errno::Errno;

use crate::catalog::{self, Access, InNewNetns, KernelVersion, Row, Scope};
use crate::kernel::{Evidence, Operation, Refusal};
use crate::model::setting::{Key, System};
use crate::model::suggest;
use crate::model::value::Value;
use crate::plan::Obstacle;
use crate::report::{Finding, Shortfall};

use super::{Cause, Diagnosis, Remedy, Scene, remedy, unexplained};

/// How a user namespace shows an owner that it does not map, `user_namespaces(7)`.
const OVERFLOW_USER: u32 = 65534;
const WRITE_BITS: u32 = 0o222;
const READ_BITS: u32 = 0o444;

/// What the cause of a key's shortfall is found from.
struct Case<'a> {
    key: &'a Key,
    finding: &'a Finding,
    shortfall: &'a Shortfall,
    scene: &'a Scene<'a>,
    row: Option<&'static Row>,
}

pub(super) fn diagnose(key: &Key, finding: &Finding, shortfall: &Shortfall, scene: &Scene<'_>) -> Diagnosis {
    let row = catalog::row(scene.context.system, key);
    let falling_short = Case { key, finding, shortfall, scene, row };
    let (cause, why) = falling_short.cause();
    let remedies = falling_short.remedies(cause);
    Diagnosis { cause, why, remedies }
}

impl Case<'_> {
    fn evidence(&self) -> &Evidence {
        &self.finding.evidence
    }

    fn cause(&self) -> (Cause, String) {
        match self.shortfall {
            Shortfall::HostOwned => (
                Cause::HostSetting,
                "it belongs to the whole machine, and we are in a container or namespace: it was not written"
                    .to_owned(),
            ),
            // What would have been in its way had it been tried is what has to be mended for it as well.
            Shortfall::HeldBack(other) => self.in_the_way().unwrap_or_else(|| {
                (Cause::HeldBack, format!("it was held back: `{other}` fell short, and without that it does harm"))
            }),
            Shortfall::Contradicted(sentence) => (Cause::Contradiction, sentence.clone()),
            Shortfall::Unread(Obstacle::NoMatch) => {
                (Cause::NoMatch, "nothing that exists matches this pattern".to_owned())
            }
            Shortfall::Unread(Obstacle::Shape(sentence)) => (Cause::WrongShape, sentence.clone()),
            Shortfall::Unread(Obstacle::Refused(refusal)) => self.unread(*refusal),
            Shortfall::Refused(refusal) => self.refused(*refusal),
            Shortfall::NotKept => self.not_kept(),
            Shortfall::Differs => self.in_the_way().unwrap_or((Cause::NotApplied, "nothing has set it yet".to_owned())),
        }
    }

    fn unread(&self, refusal: Refusal) -> (Cause, String) {
        match refusal.errno {
            Errno::ENOENT => self.absent(),
            Errno::EACCES if self.evidence().mode.is_some_and(|mode| mode & READ_BITS == 0) => {
                (Cause::WriteOnly, "it can only be written, so nothing can be verified".to_owned())
            }
            Errno::EACCES | Errno::EPERM => (Cause::NotPermitted, format!("we may not read it, {refusal}")),
            _ => (Cause::Unknown, unexplained(self.shortfall)),
        }
    }

    fn refused(&self, refusal: Refusal) -> (Cause, String) {
        match (refusal.operation, refusal.errno) {
            (Operation::OpenToWrite, Errno::ENOENT) => self.absent(),
            (Operation::OpenToWrite, Errno::EROFS | Errno::EACCES | Errno::EPERM) => {
                self.in_the_way().unwrap_or_else(|| (Cause::Unknown, unexplained(self.shortfall)))
            }
            (Operation::Write, Errno::ENOENT) => (
                Cause::UnknownName,
                format!("this kernel knows no `{}`: it may be misspelt, or its module may be missing", self.value()),
            ),
            // sysctl(3) of macOS, which has no open(2), says so here.
            (Operation::Write, Errno::EPERM) if self.scene.context.system == System::MacOs => {
                self.in_the_way().unwrap_or_else(|| (Cause::ReadOnly, "nobody can write it".to_owned()))
            }
            (Operation::Write, Errno::EPERM | Errno::EACCES) => {
                let needs = self.row.and_then(|row| row.capability).unwrap_or("a capability");
                (Cause::MissingCapability, format!("writing it needs {needs}, {refusal}"))
            }
            (Operation::Write, Errno::EINVAL | Errno::ERANGE) => self.value_refused(refusal),
            (Operation::ShortWrite { .. }, _) => {
                (Cause::ValueRefused, format!("the kernel did not take the whole of `{}`, {refusal}", self.value()))
            }
            _ => (Cause::Unknown, unexplained(self.shortfall)),
        }
    }

    fn value_refused(&self, refusal: Refusal) -> (Cause, String) {
        let path = self.key.to_string();
        if path == "net.ipv4.ip_local_port_range" {
            return (
                Cause::PortOrder,
                format!(
                    "the kernel does not take `{}`: its first port must not be below net.ipv4.ip_unprivileged_port_start",
                    self.value()
                ),
            );
        }
        if path == "net.ipv4.ip_unprivileged_port_start" {
            return (
                Cause::PortOrder,
                format!(
                    "the kernel does not take `{}`: it must not be above the first port of net.ipv4.ip_local_port_range",
                    self.value()
                ),
            );
        }
        let range = self.row.map(|row| row.range_on(self.scene.context.version()));
        let known = match range {
            Some((Some(min), Some(max))) => format!(": it takes {min} to {max}"),
            _ => format!(", {refusal}"),
        };
        (Cause::ValueRefused, format!("the kernel does not take `{}`{known}", self.value()))
    }

    fn not_kept(&self) -> (Cause, String) {
        let found = self.finding.found.as_ref().map_or_else(String::new, ToString::to_string);
        let how = self.row.and_then(|row| row.read_back).map_or_else(String::new, |how| format!(": {how}"));
        (Cause::NotKept, format!("the kernel took `{}` and made `{found}` of it{how}", self.value()))
    }

    /// Why the file is not there.
    fn absent(&self) -> (Cause, String) {
        if self.evidence().tree_present == Some(false) {
            return (Cause::NoProc, "/proc/sys is not there: mount /proc first".to_owned());
        }
        let version = self.scene.context.version();
        let Some(row) = self.row else {
            let typed = self.key.to_string();
            let near = suggest::hint(&typed, catalog::names(self.scene.context.system));
            return (Cause::NoSuchKey, format!("there is no such key here{near}"));
        };
        if !row.exists_on(version) {
            let since = row.since.filter(|since| version < *since).map(|since| format!("came with Linux {since}"));
            let gone = row.removed_in.map(|removed| format!("went with Linux {removed}"));
            let when = since.or(gone).unwrap_or_default();
            return (Cause::NotInThisKernel, format!("this kernel does not have it: it {when}"));
        }
        let in_child = self.scene.context.initial.net == Some(false);
        if in_child && row.in_new_netns.at(version) == InNewNetns::Absent {
            return (
                Cause::HiddenInNamespace,
                "only the machine's own network namespace has it, and we are in another".to_owned(),
            );
        }
        if let Some(since) = row.in_user_netns_since.filter(|since| in_child && self.hidden_from_users(*since)) {
            let until = if since == KernelVersion::NEWEST { String::new() } else { format!(" before Linux {since}") };
            return (
                Cause::HiddenInNamespace,
                format!("the network namespace of a rootless container does not have it{until}"),
            );
        }
        if let Some(module) = row.module {
            return (Cause::ModuleMissing, format!("the kernel module `{module}` brings it and is not loaded"));
        }
        (Cause::NoSuchKey, "this kernel was built without it".to_owned())
    }

    /// Whether this kernel is older than the one that shows it in network namespaces which a user namespace owns,
    /// such as ours.
    fn hidden_from_users(&self, since: KernelVersion) -> bool {
        self.scene.context.initial.user == Some(false) && self.scene.context.version() < since
    }

    /// What keeps us from writing the file that is there. The mode is looked at before the mount, as the
    /// kernel does: a file without a write bit is refused with EACCES on a read-only mount too.
    fn in_the_way(&self) -> Option<(Cause, String)> {
        let evidence = self.evidence();
        if evidence.mode.is_some_and(|mode| mode & WRITE_BITS == 0) {
            return Some(if self.only_shown_in_namespaces() {
                (Cause::ReadOnlyInNamespace, "it can be written in the machine's own network namespace only".to_owned())
            } else {
                (Cause::ReadOnly, "nobody can write it".to_owned())
            });
        }
        if evidence.owner == Some(OVERFLOW_USER) {
            return Some((
                Cause::HostSetting,
                "its owner is root of the host, which this user namespace does not map".to_owned(),
            ));
        }
        if evidence.read_only_mount == Some(true) {
            return Some((
                Cause::ReadOnlyMount,
                "its mount is read-only here, as container runtimes make it".to_owned(),
            ));
        }
        let user = self.scene.context.user;
        if user != 0 {
            return Some((Cause::NotPermitted, format!("only root may write it, and we are user {user}")));
        }
        None
    }

    /// Whether we are in a network namespace of our own, and this key can be written in the machine's.
    fn only_shown_in_namespaces(&self) -> bool {
        let context = self.scene.context;
        let shown = |row: &Row| row.in_new_netns.at(context.version()) == InNewNetns::ReadOnly;
        let never = self.row.is_some_and(|row| row.access == Access::ReadOnly);
        context.initial.net == Some(false) && !never && (self.scope() == Scope::HostNet || self.row.is_some_and(shown))
    }

    fn scope(&self) -> Scope {
        catalog::scope_of(self.scene.context.system, self.key, self.scene.context.version())
    }

    fn value(&self) -> Value {
        self.finding.wanted.nearest(self.finding.before.as_ref()).unwrap_or_else(|| Value::text(""))
    }

    fn remedies(&self, cause: Cause) -> Vec<Remedy> {
        let context = self.scene.context;
        let contained = context.in_container();
        let of_host = self.scope().is_host();
        match cause {
            Cause::NotApplied => vec![remedy::apply(self.scene)],
            Cause::ReadOnlyMount | Cause::NotPermitted if contained && !of_host => {
                remedy::container_key(self.key, &self.value(), context)
            }
            Cause::NotPermitted => vec![remedy::apply_as_root(self.scene)],
            Cause::ReadOnlyMount if !contained => vec![remedy::tunables_in_unit()],
            // It belongs to the namespace that does not have it: setting the host's own changes nothing here.
            Cause::HiddenInNamespace if !of_host => Vec::new(),
            Cause::ReadOnlyMount | Cause::HostSetting | Cause::HiddenInNamespace | Cause::ReadOnlyInNamespace => {
                vec![remedy::host_key(self.key, &self.value(), contained)]
            }
            Cause::ModuleMissing => {
                self.row.and_then(|row| row.module).map(|name| remedy::module(name, contained)).into_iter().collect()
            }
            Cause::PortOrder => self.port_order(),
            _ => Vec::new(),
        }
    }

    fn port_order(&self) -> Vec<Remedy> {
        match self.value() {
            Value::Numbers(range) if range.len() == 2 => {
                vec![remedy::profile_line(format!(
                    "\"net.ipv4.ip_unprivileged_port_start\" = {{ at_most = {} }}",
                    range[0]
                ))]
            }
            _ => Vec::new(),
        }
    }
}
