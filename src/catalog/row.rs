//! The row of the catalog: what is known of one setting, and what most rows of a kind have in common.

use super::scope::{InNewNetns, Scope};
use super::version::{ByVersion, Changed, KernelVersion};
use crate::model::setting::{NumberOrder, System, ValueSpec};
use crate::model::value::Kind;

/// What is known of one setting.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// As sysctl.d(5) writes it, or the path below `/sys`. A component `*` stands for any one name, such
    /// as that of a network interface.
    pub name: &'static str,
    /// The operating system that has it.
    pub system: System,
    /// The shape of its values, and the numbers that are sane on every supported kernel: what is outside
    /// is refused by all of them, or is taken by the kernel and means nothing. See [`Row::spec`].
    pub values: Values,
    /// What the kernel itself takes, where that differs from `values` or from one version to another.
    pub kernel_range: Option<&'static ByVersion<Bounds>>,
    /// What it counts, or the meaning of its words: `bytes`, `pages`, `0 off, 1 on`.
    pub unit: &'static str,
    /// What it belongs to.
    pub scope: Changed<Scope>,
    /// The value that nobody has changed, or where it comes from.
    pub default: ByVersion<&'static str>,
    /// What it does, in one line.
    pub purpose: &'static str,
    /// What surprises people.
    pub notes: &'static [&'static str],
    /// What a freshly made network namespace, such as a container's, has of it.
    pub in_new_netns: Changed<InNewNetns>,
    /// What `docker run --sysctl` makes of it.
    pub docker: Docker,
    /// What a pod's `securityContext.sysctls` makes of it.
    pub kubernetes: Kubernetes,
    /// Whether it can be read, written, or both, in the namespace that owns it.
    pub access: Access,
    /// Where all this is said: manual pages, pages of the kernel's documentation, files of its source.
    pub sources: &'static [&'static str],
    /// What most rows leave empty.
    pub rare: &'static Rare,
}

/// The fields that fewer than one row in ten fills in: behind one reference, so that the others don't carry them.
#[derive(Clone, Copy, Debug)]
pub struct Rare {
    /// Where the kernel's build decides how far its range goes, by what it does: then `kernel_range` is what every
    /// build takes, and some take more.
    pub range_varies: Option<&'static str>,
    /// How the value that is read back can differ from the one that was written, without any error.
    pub read_back: Option<ReadBack>,
    /// The version since which it exists in a network namespace that a user namespace owns (a rootless
    /// container), where it did not from the start.
    pub in_user_netns_since: Option<KernelVersion>,
    /// The kernel module that brings it, where one does.
    pub module: Option<&'static str>,
    /// The capability that its writer needs besides the file's mode.
    pub capability: Option<&'static str>,
    /// The sysctls that have to be in place before it is written.
    pub after: &'static [&'static str],
    /// The first kernel that has it, where that is later than the oldest supported one.
    pub since: Option<KernelVersion>,
    /// The first kernel that no longer has it.
    pub removed_in: Option<KernelVersion>,
    /// The value that can't be undone before the next boot.
    pub one_way: Option<&'static str>,
    /// In which order the numbers of a list come.
    pub order: NumberOrder,
    /// Where it can be set and has no effect.
    pub no_effect: Option<NoEffect>,
}

/// Rows of a list of numbers that ascend, and of which nothing else is rare.
pub(super) const ASCENDING: &Rare = &Rare { order: NumberOrder::Ascending, ..Rare::NONE };

/// How the kernel changes a value that it takes, without any error. The text says so for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadBack {
    /// It rounds the value to a unit of its own.
    Rounded(&'static str),
    /// It brings the value into the range that it can have.
    Clamped(&'static str),
    /// It changes the value in another way.
    Changed(&'static str),
}

impl ReadBack {
    /// How, for people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Rounded(text) | Self::Clamped(text) | Self::Changed(text) => text,
        }
    }
}

/// Since when a setting has no effect.
#[derive(Clone, Copy, Debug)]
pub struct NoEffect {
    /// The first kernel without an effect; `None` for every supported one.
    pub since: Option<KernelVersion>,
    /// Why, where that is known.
    pub reason: Option<&'static str>,
}

impl NoEffect {
    /// Since a kernel.
    pub(super) const fn since(kernel: KernelVersion) -> Self {
        Self { since: Some(kernel), reason: None }
    }
}

impl Rare {
    /// All of them empty.
    pub(super) const NONE: Self = Self {
        range_varies: None,
        read_back: None,
        in_user_netns_since: None,
        module: None,
        capability: None,
        after: &[],
        since: None,
        removed_in: None,
        one_way: None,
        order: NumberOrder::Any,
        no_effect: None,
    };
}

/// The shape of a setting's values and the numbers in them: [`ValueSpec`] in half the room, for the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Values {
    /// How the values are written.
    pub kind: Kind,
    /// The lowest and the highest number, of each number in a list, where any is known.
    pub bounds: Option<Bounds>,
}

impl Values {
    fn spec(self) -> ValueSpec {
        let ends = self.bounds.map(Bounds::ends);
        ValueSpec {
            kind: self.kind,
            min: ends.map(|(min, _)| min),
            max: ends.map(|(_, max)| max),
            order: NumberOrder::Any,
        }
    }
}

/// The lowest and the highest number: none is above 64 bits or below their negative half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The lowest number, inclusive.
    pub min: i64,
    /// The highest number, inclusive.
    pub max: u64,
}

impl Bounds {
    fn ends(self) -> (i128, i128) {
        (self.min.into(), self.max.into())
    }
}

/// What `docker run --sysctl` makes of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Docker {
    /// It sets the key before the container starts.
    Accepted,
    /// Accepts it, but then the container does not start: the file is absent or read-only in it.
    AcceptedButFails,
    /// It refuses to start the container.
    Refused,
}

/// What a pod's `securityContext.sysctls` makes of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kubernetes {
    /// Allowed to every pod, since that version of Kubernetes.
    Safe {
        /// The version, `1.27`.
        since: &'static str,
    },
    /// Allowed where the node's kubelet has it among `--allowed-unsafe-sysctls`.
    Unsafe,
    /// Not in a pod: it is the node's.
    NotPossible,
}

/// Whether a setting can be read, written, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It can be read and written.
    ReadWrite,
    /// Nobody can write it.
    ReadOnly,
    /// It can't be read: a trigger, not a value.
    WriteOnly,
}

impl Row {
    /// Whether that kernel has it, modules and namespaces aside.
    #[must_use]
    pub fn exists_on(&self, version: KernelVersion) -> bool {
        let Rare { since, removed_in, .. } = self.rare;
        since.is_none_or(|since| since <= version) && removed_in.is_none_or(|removed| version < removed)
    }

    /// Whether it is kept as clock ticks, so that how many seconds fit an `int` of them depends on the kernel's build.
    #[must_use]
    pub fn counts_ticks(&self) -> bool {
        self.rare.range_varies == BY_TICK && self.values.bounds.is_some_and(|bounds| bounds.max == TICKS_SECONDS_MAX)
    }

    /// The shape of its values, and the numbers that are sane on every supported kernel.
    #[must_use]
    pub fn spec(&self) -> ValueSpec {
        ValueSpec { order: self.rare.order, ..self.values.spec() }
    }

    /// The lowest and the highest number that this kernel takes however it was built, where any is known.
    #[must_use]
    pub fn range_on(&self, version: KernelVersion) -> (Option<i128>, Option<i128>) {
        let bounds = self.kernel_range.map(|range| range.at(version)).or(self.values.bounds);
        let ends = bounds.map(Bounds::ends);
        (ends.map(|(min, _)| min), ends.map(|(_, max)| max))
    }
}

/// Where the kernel's documentation describes `net.ipv4` and `net.ipv6`.
pub(super) const IP_SYSCTL: &str = "Documentation/networking/ip-sysctl.rst";
/// Where the kernel's documentation describes `net.core`, `net.unix` and others.
pub(super) const ADMIN_NET: &str = "Documentation/admin-guide/sysctl/net.rst";
/// Where the kernel's documentation describes `kernel`.
pub(super) const ADMIN_KERNEL: &str = "Documentation/admin-guide/sysctl/kernel.rst";
/// Where the kernel's documentation describes `fs`.
pub(super) const ADMIN_FS: &str = "Documentation/admin-guide/sysctl/fs.rst";
/// Where the kernel's documentation describes `vm`.
pub(super) const ADMIN_VM: &str = "Documentation/admin-guide/sysctl/vm.rst";

/// The largest C `int`.
pub(super) const INT_MAX: u64 = 2_147_483_647;
/// The smallest C `int`.
pub(super) const INT_MIN: i64 = -2_147_483_648;
/// The largest C `unsigned int`.
pub(super) const UINT_MAX: u64 = 4_294_967_295;
/// The largest C `long` of a 64-bit machine.
pub(super) const LONG_MAX: u64 = 9_223_372_036_854_775_807;
/// The largest C `unsigned long` of a 64-bit machine.
pub(super) const ULONG_MAX: u64 = 18_446_744_073_709_551_615;
/// The most seconds that fit an `int` of clock ticks, at the slowest tick (100 Hz): every kernel refuses more.
pub(super) const TICKS_SECONDS_MAX: u64 = 21_474_836;

/// A whole number from `min` to `max`.
pub(super) const fn number(min: i64, max: u64) -> Values {
    Values { kind: Kind::Number, bounds: Some(Bounds { min, max }) }
}

/// So many whole numbers, each from `min` to `max`.
pub(super) const fn numbers(count: u8, min: i64, max: u64) -> Values {
    Values { kind: Kind::Numbers(count), bounds: Some(Bounds { min, max }) }
}

/// Values of which no range is known.
pub(super) const fn shape(kind: Kind) -> Values {
    Values { kind, bounds: None }
}

/// What is the same on every kernel.
pub(super) const fn always<T: Copy>(value: T) -> ByVersion<T> {
    ByVersion { first: value, then: &[] }
}

/// What changed with a version.
pub(super) const fn since<T: Copy>(first: T, then: &'static [(KernelVersion, T)]) -> ByVersion<T> {
    ByVersion { first, then }
}

/// What is the same on every kernel, of what changed once at most.
pub(super) const fn never_changed<T: Copy>(value: T) -> Changed<T> {
    Changed { now: value, before: None }
}

/// What was otherwise before a version.
pub(super) const fn changed<T: Copy>(before: T, since: KernelVersion, now: T) -> Changed<T> {
    Changed { now, before: Some((since, before)) }
}

/// What the kernel itself takes.
pub(super) const fn takes(min: i64, max: u64) -> ByVersion<Bounds> {
    always(Bounds { min, max })
}

/// Seconds that the kernel keeps as an `int` of clock ticks: nothing else is checked, and how many fit depends
/// on the tick. This is what fits at the fastest one (1000 Hz).
pub(super) const TICKS: Option<&ByVersion<Bounds>> = Some(const { &takes(-2_147_483, 2_147_483) });

/// What [`TICKS`], and every other range of clock ticks, hangs on.
pub(super) const BY_TICK: Option<&str> = Some("and more where the clock ticks slower than at 1000 Hz");

/// Milliseconds that the kernel keeps as an `int` of clock ticks; measured on 6.18, unchecked on older ones.
pub(super) const TICKS_MS: Option<&ByVersion<Bounds>> = Some(&ByVersion {
    first: Bounds { min: INT_MIN, max: INT_MAX },
    then: &[(KernelVersion(6, 18), Bounds { min: 0, max: INT_MAX })],
});

/// What reads back of [`TICKS_MS`].
pub(super) const ROUNDED_TO_TICKS: ReadBack = ReadBack::Rounded(
    "rounded up to clock ticks, of 4 ms at 250 Hz; a multiple of 4294967296 becomes 0, without an error",
);

/// What the kernel keeps in a byte and checks not at all; before 5.13 it was an unchecked `int`.
pub(super) const BYTE: Option<&ByVersion<Bounds>> = Some(&ByVersion {
    first: Bounds { min: INT_MIN, max: INT_MAX },
    then: &[(KernelVersion(5, 13), Bounds { min: 0, max: 255 })],
});

/// What the kernel keeps in an `int` and checks not at all.
pub(super) const ANY_INT: Option<&ByVersion<Bounds>> = Some(const { &takes(INT_MIN, INT_MAX) });

/// Off and on.
pub(super) const FLAG: Values = number(0, 1);
/// What the numbers of [`FLAG`] mean.
pub(super) const OFF_ON: &str = "0 off, 1 on";

/// A setting of the whole machine.
pub(super) const HOST: Row = Row {
    name: "",
    system: System::Linux,
    values: shape(Kind::Number),
    kernel_range: None,
    unit: "",
    scope: never_changed(Scope::Host),
    default: always(""),
    purpose: "",
    notes: &[],
    in_new_netns: never_changed(InNewNetns::Shared),
    docker: Docker::Refused,
    kubernetes: Kubernetes::NotPossible,
    access: Access::ReadWrite,
    sources: &[],
    rare: &Rare::NONE,
};

/// A setting that every network namespace has one of.
pub(super) const NET: Row = Row {
    scope: never_changed(Scope::NetNs),
    in_new_netns: never_changed(InNewNetns::Writable),
    docker: Docker::Accepted,
    kubernetes: Kubernetes::Unsafe,
    ..HOST
};

/// What every network namespace shows of itself, and nobody can write.
pub(super) const NET_SHOWN: Row = Row {
    in_new_netns: never_changed(InNewNetns::ReadOnly),
    docker: Docker::AcceptedButFails,
    kubernetes: Kubernetes::NotPossible,
    access: Access::ReadOnly,
    ..NET
};

/// A setting below `net.` that only the initial network namespace has.
pub(super) const HOST_NET: Row = Row {
    scope: never_changed(Scope::HostNet),
    in_new_netns: never_changed(InNewNetns::Absent),
    docker: Docker::AcceptedButFails,
    ..HOST
};

/// A setting that every IPC namespace has one of.
pub(super) const IPC: Row =
    Row { scope: never_changed(Scope::IpcNs), docker: Docker::Accepted, kubernetes: Kubernetes::Unsafe, ..HOST };

/// A setting that every user namespace has one of.
pub(super) const USER: Row = Row { scope: never_changed(Scope::UserNs), ..HOST };

/// A setting that every UTS namespace has one of.
pub(super) const UTS: Row = Row { scope: never_changed(Scope::UtsNs), ..HOST };

/// A setting of macOS, which has no namespaces.
pub(super) const MACOS: Row = Row { system: System::MacOs, ..HOST };
