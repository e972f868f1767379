//! Why a key is not there: a module, a namespace, a version of the kernel, or a name that is none.

use crate::catalog::{self, InNewNetns, KernelVersion, Row};
use crate::environment::Environment;
use crate::model::setting::Key;
use crate::model::suggest;

use super::key::{Case, Found, found};
use super::{Cause, has_files};

impl Case<'_> {
    /// Why the file is not there.
    pub(super) fn absent(&self) -> Found {
        let environment = self.scene.environment;
        match self.evidence().tree_present {
            Some(false) if self.evidence().foreign == Some(true) => {
                return found(Cause::NoProc, "what is at /proc/sys is not the kernel's: mount /proc anew");
            }
            Some(false) => return found(Cause::NoProc, "/proc/sys is not there: mount /proc first"),
            // Whether a file is missing from a tree that can't be looked at is not known either.
            None if has_files(environment) => return self.unknown(),
            _ => {}
        }
        let version = environment.version();
        let hidden = environment.initial.net == Some(false)
            && catalog::in_new_netns(environment.system, self.key, version) == InNewNetns::Absent;
        let Some(row) = self.row else {
            if hidden {
                return found(Cause::HiddenInNamespace, hidden_in_namespace(environment));
            }
            let near = suggest::setting_hint(&self.key.to_string(), catalog::names(environment.system));
            return found(Cause::NoSuchKey, format!("there is no such key here{near}"));
        };
        if !row.exists_on(version) {
            let since = row.rare.since.filter(|since| version < *since).map(|since| format!("came with Linux {since}"));
            let gone = row.rare.removed_in.map(|removed| format!("went with Linux {removed}"));
            let when = since.or(gone).unwrap_or_default();
            return found(Cause::NotInThisKernel, format!("this kernel does not have it: it {when}"));
        }
        if hidden {
            return found(Cause::HiddenInNamespace, hidden_in_namespace(environment));
        }
        if let Some(since) = row.rare.in_user_netns_since.filter(|since| version < *since) {
            if environment.initial.net == Some(false) && environment.initial.user == Some(false) {
                let until =
                    if since == KernelVersion::NEWEST { String::new() } else { format!(" before Linux {since}") };
                let why = format!("the network namespace of a rootless container does not have it{until}");
                return found(Cause::HiddenInUserNamespace, why);
            }
        }
        if let Some(module) = row.rare.module {
            return found(Cause::ModuleMissing, format!("the kernel module `{module}` brings it and is not loaded"));
        }
        match self.instance(&row) {
            // Each network namespace has these.
            None | Some("all" | "default" | "lo") => {
                found(Cause::NoSuchKey, "it is not there: the kernel's build, its command line and the machine decide")
            }
            Some(name) => found(
                Cause::NoSuchKey,
                format!("there is no `{name}` here, or its kind has no such key on this kernel or machine"),
            ),
        }
    }

    /// Which of many the key is of, where its row stands for all of them: an interface, a disk.
    fn instance(&self, row: &Row) -> Option<&str> {
        let (path, separator) = match self.key {
            Key::Sysctl(name) => (name.path(), '.'),
            Key::Sysfs(name) => (name.path(), '/'),
        };
        let place = row.name.split(separator).position(|part| part.contains('*'))?;
        path.split('/').nth(place)
    }
}

fn hidden_in_namespace(environment: &Environment) -> String {
    format!("only the machine's own network namespace has it, and {} in another", environment.who_is())
}
