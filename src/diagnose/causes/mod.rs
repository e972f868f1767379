//! Causes, one family a file: the facts of each, how it is found, and what to do about it. A new family is a new file,
//! its `mod` line and its line of `families!`; `output::why` has the sentence about it.

mod access;
mod config_files;
mod confinement;
mod contradiction;
mod limits;
mod missing_key;
mod namespaces;
mod unexplained;
mod untried;
mod values;

use super::case::{KeyCase, LimitCase};
use super::remedy::Remedy;
use crate::environment::Environment;

/// A kind of cause, for programs, and what it means, for `tunectl explain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The code. Part of the JSON output: codes are only ever added to.
    pub name: &'static str,
    /// What it means, at length, as one paragraph.
    pub explanation: &'static str,
}

impl Code {
    /// Finds a code by its name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Cause::codes().find(|code| code.name == name)
    }
}

/// What a family of causes provides.
trait Family: Sized {
    /// All of its codes.
    const CODES: &'static [&'static Code];

    /// The code of this cause.
    fn code(&self) -> &'static Code;

    /// The cause for which a key falls short, if it is of this family.
    fn of_key(_case: &KeyCase<'_>) -> Option<Self> {
        None
    }

    /// The cause for which a limit falls short, if it is of this family.
    fn of_limit(_case: &LimitCase<'_>) -> Option<Self> {
        None
    }

    /// What to do about it: several where all are needed, or as alternatives, marked so.
    fn key_remedies(&self, _case: &KeyCase<'_>) -> Vec<Remedy> {
        Vec::new()
    }

    /// The same of a limit.
    fn limit_remedies(&self, _case: &LimitCase<'_>) -> Vec<Remedy> {
        Vec::new()
    }
}

/// Registers the families, each by its file and its type, in the order in which they are asked for the cause. The last
/// one answers always.
macro_rules! families {
    ($($(#[$doc:meta])* $file:ident::$family:ident,)*) => {
        $(pub use $file::*;)*

        /// Why a setting falls short.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Cause {
            $($(#[$doc])* $family($family),)*
        }

        impl Cause {
            /// The codes of all causes.
            pub fn codes() -> impl Iterator<Item = &'static Code> {
                [$(<$family as Family>::CODES,)*].into_iter().flatten().copied()
            }

            /// The kind of this cause.
            #[must_use]
            pub fn kind(&self) -> &'static Code {
                match self {
                    $(Self::$family(cause) => cause.code(),)*
                }
            }

            pub(super) fn of_key(case: &KeyCase<'_>) -> Self {
                $(if let Some(cause) = $family::of_key(case) {
                    return Self::$family(cause);
                })*
                Self::Unexplained(Unexplained::of(case.shortfall))
            }

            pub(super) fn of_limit(case: &LimitCase<'_>) -> Self {
                $(if let Some(cause) = $family::of_limit(case) {
                    return Self::$family(cause);
                })*
                Self::Unexplained(Unexplained::of(case.shortfall))
            }

            pub(super) fn key_remedies(&self, case: &KeyCase<'_>) -> Vec<Remedy> {
                match self {
                    $(Self::$family(cause) => cause.key_remedies(case),)*
                }
            }

            pub(super) fn limit_remedies(&self, case: &LimitCase<'_>) -> Vec<Remedy> {
                match self {
                    $(Self::$family(cause) => cause.limit_remedies(case),)*
                }
            }
        }
    };
}

families! {
    /// Two requirements that can't both be met.
    contradiction::Contradiction,
    /// The key is not there, or not reachable.
    missing_key::MissingKey,
    /// It belongs to another namespace than ours, or to the host.
    namespaces::NamespaceCause,
    /// A configuration file of the machine sets another value.
    config_files::SetElsewhere,
    /// Ceilings of limits, and the rights to raise them.
    limits::LimitCause,
    /// What the kernel makes of the value.
    values::ValueCause,
    /// Mode, owner and mount of the file, and our rights.
    access::AccessCause,
    /// Security modules and filters of system calls.
    confinement::Confinement,
    /// Nothing keeps us from it, but for another setting.
    untried::Untried,
    /// None of the above could be shown to be the case.
    unexplained::Unexplained,
}

impl Cause {
    /// The code, as in JSON.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind().name
    }

    /// Whether something is known to be in the way of setting it.
    #[must_use]
    pub fn is_obstacle(&self) -> bool {
        !self.is_not_applied() && !matches!(self, Self::SetElsewhere(_))
    }

    /// Whether nobody has tried to set it, and nothing is known to be in the way.
    #[must_use]
    pub fn is_not_applied(&self) -> bool {
        matches!(self, Self::Untried(Untried::NotApplied(_)))
    }
}

/// What keeps us from writing the file that is there, whatever its value. The mode is looked at before the mount, as the
/// kernel does: a file without a write bit is refused with EACCES on a read-only mount too.
fn obstacle(case: &KeyCase<'_>) -> Option<Cause> {
    let by_namespace = || NamespaceCause::obstacle(case).map(Cause::NamespaceCause);
    let by_access = || AccessCause::obstacle(case).map(Cause::AccessCause);
    by_namespace().or_else(by_access).or_else(|| Confinement::obstacle(case).map(Cause::Confinement))
}

/// Whose namespaces a sentence speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The namespaces that we are in.
    Ours,
    /// Those of the process that `--pid` named.
    Process,
}

impl Whose {
    fn of(environment: &Environment) -> Self {
        if environment.target.is_some() { Self::Process } else { Self::Ours }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_found_by_its_name_and_explained_in_one_paragraph() {
        let names: BTreeSet<&str> = Cause::codes().map(|code| code.name).collect();
        assert_eq!(names.len(), Cause::codes().count(), "a code stands for one cause");
        for code in Cause::codes() {
            assert_eq!(Code::by_name(code.name), Some(code));
            assert!(code.explanation.ends_with('.') && !code.explanation.contains("  "), "{}", code.name);
        }
    }
}
